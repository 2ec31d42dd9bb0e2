"""Texts that say the same: near-duplicates in clusters, similarities, recommendations merged with their sources."""

from consilience.dedup.clusters import Clusters
from consilience.dedup.curated import Curated
from consilience.dedup.differing import Difference, difference
from consilience.dedup.merge import merge
from consilience.dedup.merged import Merged, Recommendation, Wording
from consilience.dedup.near import NearDuplicates, near_duplicates
from consilience.dedup.richness import Unseen, chao1
from consilience.dedup.similarity import similarity

__all__ = [
    "Clusters",
    "Curated",
    "Difference",
    "Merged",
    "NearDuplicates",
    "Recommendation",
    "Unseen",
    "Wording",
    "chao1",
    "difference",
    "merge",
    "near_duplicates",
    "similarity",
]
