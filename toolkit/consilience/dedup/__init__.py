"""Texts that say the same: near-duplicates in clusters, similarities, recommendations merged with their sources."""

from consilience.dedup.clusters import Clusters
from consilience.dedup.merge import Merged, Recommendation, merge
from consilience.dedup.near import NearDuplicates, near_duplicates
from consilience.dedup.similarity import similarity

__all__ = ["Clusters", "Merged", "NearDuplicates", "Recommendation", "merge", "near_duplicates", "similarity"]
