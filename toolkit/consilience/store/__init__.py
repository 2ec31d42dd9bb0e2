"""The store: history of questions, responses and verdicts in one DuckDB file that many processes share."""

from consilience.store.store import Statement, Store

__all__ = ["Statement", "Store"]
