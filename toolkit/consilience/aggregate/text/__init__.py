"""From many texts to one: medoid, clusters of answers, self-consistency, semantic entropy."""

from consilience.aggregate.text.central import medoid
from consilience.aggregate.text.clusters import self_consistency, semantic_entropy, text_clusters
from consilience.aggregate.text.result import TextAggregation

__all__ = ["TextAggregation", "medoid", "self_consistency", "semantic_entropy", "text_clusters"]
