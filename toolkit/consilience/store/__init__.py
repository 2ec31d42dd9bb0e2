"""The store: history of questions, responses and verdicts in one DuckDB file that many processes share."""

from consilience.store.answers import AnswerKey, Answers
from consilience.store.statement import Statement
from consilience.store.store import Store

__all__ = ["AnswerKey", "Answers", "Statement", "Store"]
