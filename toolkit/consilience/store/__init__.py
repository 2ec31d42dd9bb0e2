"""The store: history of questions, responses and verdicts in one DuckDB file that many processes share."""

from consilience.store.answers import AnswerKey, Answers
from consilience.store.metrics import KeptMetrics
from consilience.store.statement import RowsCut, Statement
from consilience.store.store import Store
from consilience.store.watch import RepeatedStatement

__all__ = ["AnswerKey", "Answers", "KeptMetrics", "RepeatedStatement", "RowsCut", "Statement", "Store"]
