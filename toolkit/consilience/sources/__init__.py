"""Data for questions and runs: files in chunks, tables behind HTTP, queries to PostgreSQL."""

from consilience.sources.files import Files
from consilience.sources.http import Http
from consilience.sources.postgres import Postgres
from consilience.sources.reading import BadLine

__all__ = ["BadLine", "Files", "Http", "Postgres"]
