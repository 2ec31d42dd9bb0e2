"""PostgreSQL as the keeper of rows: team mode, with the same spool before it as a file has."""

from consilience.store.postgres.keeper import ServerKeeper

__all__ = ["ServerKeeper"]
