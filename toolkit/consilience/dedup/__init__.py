"""Texts that say the same: recommendations merged with their sources."""

from consilience.dedup.merge import Merged, Recommendation, merge

__all__ = ["Merged", "Recommendation", "merge"]
