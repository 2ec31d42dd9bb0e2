"""From many answers to one: aggregation of a whole frame of answers at once."""

from consilience.aggregate.categorical import majority
from consilience.aggregate.result import Aggregation

__all__ = ["Aggregation", "majority"]
