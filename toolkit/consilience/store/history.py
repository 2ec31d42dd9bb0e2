"""What can be asked of a store, whatever keeps its rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from consilience.errors import InvalidInput
from consilience.models.given import check_moments, count, is_number

if TYPE_CHECKING:
    import polars as pl

    from consilience.store.query import Readable
    from consilience.store.recorded import StoredQuestion, StoredVerdict
    from consilience.store.watch import Watched
    from consilience.verdict import Verdict

# A reader keeps the ingester waiting, and others' questions invisible; a notebook shows a few hundred rows.
_SQL_SECONDS = 30.0
_SQL_ROWS = 100_000


class History:
    """The faces that read: each is one statement, however many rows it brings.

    They return Polars frames, whose ``to_pandas()`` gives pandas.
    """

    def latest(self, n: int = 50) -> pl.DataFrame:
        """Return the newest questions, one row each, with their verdict and responses; one statement.

        Parameters
        ----------
        n
            Rows at most.

        Returns
        -------
        polars.DataFrame
            Newest first: ``question_id, asked_at, question, answer_kind``, the columns of the newest verdict (null
            without one), and ``responses``, a list of structs ordered by expert. Times are UTC. Answers of several
            items, and ties, are JSON text.
        """
        from consilience.store.queries import LATEST

        return self._read(LATEST, (_rows("latest", n),))

    def search(
        self,
        text: str,
        n: int = 50,
        *,
        expert: str | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pl.DataFrame:
        """Return the newest questions that hold a text in their words, their context or an answer; one statement.

        Parameters
        ----------
        text
            What to look for, in any case; ``%`` and ``_`` stand for themselves. An empty text finds everything.
        n
            Rows at most.
        expert
            Only questions this expert was asked, and only this expert's answers.
        kind
            Only questions with this kind of answer, such as ``"label"``.
        since, until
            Only questions asked from the one on, and before the other, with a time zone.

        Returns
        -------
        polars.DataFrame
            As `latest`.

        Examples
        --------
        >>> import tempfile
        >>> from consilience.models import Question
        >>> from consilience.store import Store
        >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/history.duckdb") as store:
        ...     for asked in ("Is 5% much?", "Is 50 much?"):
        ...         store.record(Question(asked), [], None)
        ...     store.search("5%")["question"].to_list()
        ['Is 5% much?']
        """
        from consilience.store.queries import SEARCH

        if not isinstance(text, str):
            raise InvalidInput(f"search() takes a text, {text!r:.80} came; an empty one finds everything.")
        check_moments(since=since, until=until)
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return self._read(SEARCH, (f"%{escaped}%", expert, kind, since, until, _rows("search", n)))

    def question(self, question_id: str) -> StoredQuestion:
        """Return a question with its responses, and its verdicts with their recommendations; one statement.

        Parameters
        ----------
        question_id
            As `latest` shows it.

        Raises
        ------
        InvalidInput
            There is no such question.
        StoreError
            A row cannot be read back.
        """
        from consilience.store.recorded import recorded

        found = [each for each in recorded(self, [question_id]) if each.question.id == question_id]
        if not found:
            raise InvalidInput(
                f"The store holds no question {question_id!r}: take a question_id that latest() shows."
            )
        return found[0]

    def verdict(self, question_id: str) -> Verdict:
        """Return the verdict on a stored question, decided again from its stored responses with no call.

        Parameters
        ----------
        question_id
            As `latest` shows it.

        Returns
        -------
        Verdict
            By the method of the newest stored verdict, with its weights. ``store.verdict(id).replay(...)`` decides
            otherwise.

        Raises
        ------
        InvalidInput
            There is no such question, or no response to it.
        StoreError
            A row cannot be read back.
        """
        from consilience.store.recall import recalled

        return recalled(self.question(question_id))

    def compare(self, a: str, b: str) -> pl.DataFrame:
        """Return two questions, or two verdicts, side by side; one statement.

        Parameters
        ----------
        a, b
            Ids of questions, whose newest verdicts are compared, or of verdicts.

        Returns
        -------
        polars.DataFrame
            ``what`` (the question, parts of the verdict, each expert), ``a``, ``b``, and ``same``.

        Raises
        ------
        InvalidInput
            The store holds neither a question nor a verdict with the id.
        """
        import polars as pl

        from consilience.store.recorded import recorded, side_by_side

        for given in (a, b):
            if not isinstance(given, str):
                raise InvalidInput(
                    f"compare() takes two ids, {given!r:.80} came: that of a verdict is verdict.id."
                )
        found = recorded(self, [a, b])
        (one, left), (two, right) = _picked(found, a), _picked(found, b)
        rows = list(side_by_side(one, two, (left, right)))
        frame = pl.DataFrame(rows, schema={"what": pl.String, "a": pl.String, "b": pl.String}, orient="row")
        return frame.with_columns(same=pl.col("a").eq_missing(pl.col("b")))

    def slow(self, n: int = 50) -> pl.DataFrame:
        """Return the statements that took longest, with their plans, of all processes that use the store.

        Parameters
        ----------
        n
            Rows at most.

        Returns
        -------
        polars.DataFrame
            Longest first: ``asked_at, seconds, row_count, text, plan``. A statement that was stopped has no
            ``row_count``.
        """
        from consilience.store.queries import SLOW

        return self._read(SLOW, (_rows("slow", n),))

    def sql(
        self, query: str, *params: object, timeout: float | None = _SQL_SECONDS, limit: int | None = _SQL_ROWS
    ) -> pl.DataFrame:
        """Run one statement that reads, and return its rows; times are UTC.

        Parameters
        ----------
        query
            A ``SELECT``, in the engine's dialect, over the store's tables (``SHOW TABLES`` names them).
        *params
            Values for the ``?`` in it.
        timeout
            Seconds that it may run; ``None`` for any. By default 30, because what others write stays invisible
            meanwhile.
        limit
            Rows at most; ``None`` for all. When there are more, a `RowsCut` warning says so.

        Raises
        ------
        StoreReadOnly
            It is not one statement, would change something, or reaches further than the store.
        StatementTimedOut
            It ran longer than the timeout, and was stopped.
        StoreError
            The engine cannot run it.

        Examples
        --------
        >>> import tempfile
        >>> from consilience.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Store(f"{folder}/history.duckdb").sql("SELECT count(*) AS n FROM verdicts").item()
        0
        """
        if timeout is not None and not (is_number(timeout) and timeout > 0):
            raise InvalidInput(f"timeout is a number of seconds above 0, {timeout!r} came.")
        if limit is not None:
            _rows("sql", limit)
        self._guard(query, params)
        return self._read(query, params, timeout=timeout, limit=limit)

    def read(self, query: Readable, *params: object, waiting: bool = True) -> pl.DataFrame:
        """Run a statement of the package's own: all rows, for as long as it takes, with no guard; others use `sql`.

        Without ``waiting``, rows that wait in the spool are left there and not seen.
        """
        return self._read(query, params, waiting=waiting)

    def watch(self, *, repeats: int = 10) -> Watched:
        """Count the statements of a block by their shape, and warn when a line of yours repeats one.

        Parameters
        ----------
        repeats
            Times that one line may run statements of one shape before it is told of. Ten, since a page of a dashboard
            reads some five.

        Examples
        --------
        >>> import tempfile
        >>> from consilience.store import Store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store(f"{folder}/history.duckdb")
        ...     with store.watch() as watched:
        ...         for n in (1, 2):
        ...             frame = store.sql(f"SELECT count(*) FROM questions WHERE text = '{n}'")
        ...     [(shape.n, shape.sql) for shape in watched.shapes]
        [(2, 'SELECT count(*) FROM questions WHERE text = ?')]
        """
        from consilience.store.watch import Watched

        return Watched(self._watchers, _rows("watch", repeats))

    _watchers: list[Watched]

    def _guard(self, query: str, params: tuple[object, ...]) -> None:
        raise NotImplementedError

    def _read(
        self,
        query: Readable,
        params: tuple[object, ...],
        *,
        timeout: float | None = None,
        limit: int | None = None,
        waiting: bool = True,
    ) -> pl.DataFrame:
        raise NotImplementedError


def _rows(face: str, n: int) -> int:
    return count(f"The number of rows of {face}()", n)


def _picked(found: list[StoredQuestion], wanted: str) -> tuple[StoredQuestion, StoredVerdict | None]:
    for each in found:
        if each.question.id == wanted:
            return each, each.verdict
        for verdict in each.verdicts:
            if verdict.id == wanted:
                return each, verdict
    raise InvalidInput(
        f"The store holds neither a question nor a verdict {wanted!r}: take a question_id or a verdict_id that "
        "latest() shows."
    )
