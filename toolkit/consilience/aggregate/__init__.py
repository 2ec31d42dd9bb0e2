"""From many answers to one: aggregation of a whole frame of answers at once."""

from consilience.aggregate.categorical import majority
from consilience.aggregate.competence import glad, mace
from consilience.aggregate.confusion import dawid_skene, one_coin_dawid_skene
from consilience.aggregate.numeric.brier import BrierScores, brier_score
from consilience.aggregate.numeric.calibration import BiasAndScale, bias_and_scale
from consilience.aggregate.numeric.centre import huber_mean, median, trimmed_mean
from consilience.aggregate.numeric.delphi import DelphiStop, delphi_stop
from consilience.aggregate.numeric.pools import extremised_pool, log_pool
from consilience.aggregate.numeric.precision import inverse_variance
from consilience.aggregate.numeric.result import Pooled
from consilience.aggregate.ranking.bradley_terry import bradley_terry
from consilience.aggregate.ranking.kemeny import kemeny
from consilience.aggregate.ranking.majorities import copeland, schulze
from consilience.aggregate.ranking.plackett_luce import plackett_luce
from consilience.aggregate.ranking.positional import borda, rrf
from consilience.aggregate.ranking.result import ConsensusRanking
from consilience.aggregate.result import Aggregation
from consilience.aggregate.text import (
    TextAggregation,
    medoid,
    self_consistency,
    semantic_entropy,
    text_clusters,
)
from consilience.aggregate.weighted import weighted_majority

__all__ = [
    "Aggregation",
    "BiasAndScale",
    "BrierScores",
    "ConsensusRanking",
    "DelphiStop",
    "Pooled",
    "TextAggregation",
    "bias_and_scale",
    "borda",
    "bradley_terry",
    "brier_score",
    "copeland",
    "dawid_skene",
    "delphi_stop",
    "extremised_pool",
    "glad",
    "huber_mean",
    "inverse_variance",
    "kemeny",
    "log_pool",
    "mace",
    "majority",
    "median",
    "medoid",
    "one_coin_dawid_skene",
    "plackett_luce",
    "rrf",
    "schulze",
    "self_consistency",
    "semantic_entropy",
    "text_clusters",
    "trimmed_mean",
    "weighted_majority",
]
