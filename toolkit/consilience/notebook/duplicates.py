"""Near-duplicates in clusters: a threshold to slide, texts to take out or to bring together, and the result to keep."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from consilience.dedup import Clusters, Curated, difference, near_duplicates, similarity
from consilience.errors import ConsilienceError, InvalidInput
from consilience.loop import background
from consilience.markup import Html, escape, page
from consilience.notebook import wire
from consilience.notebook.widget import Widget, action, drawn_by
from consilience.patterns.texts import to_series

if TYPE_CHECKING:
    import polars as pl

    Places = np.ndarray[Any, np.dtype[Any]]

_PAINT_SECONDS = 0.2
_LOWEST = 0.55  # below a half the exact join gives way to MinHash, which takes twenty times as long
_ROWS = 200
_SHOWN = 400
_PIECE = 200_000
_SNAPSHOT = 20


class Duplicates(Widget):
    """Clusters of texts that say nearly the same, at a threshold that slides, corrected by hand.

    Parameters
    ----------
    texts
        Polars, pandas or Arrow column, or strings. ``None`` shows what to do.
    threshold
        Jaccard similarity of the sets of words from which two texts are alike, to begin with.
    shingle
        Runs of so many words are compared; 1 compares single words.
    lowest
        Where the slider begins: pairs are looked for once, from here up. 0.55, or ``threshold`` if that is lower.

    Raises
    ------
    InvalidInput
        These are no texts, or a parameter cannot be used.

    Examples
    --------
    >>> from consilience.notebook import Duplicates
    >>> found = Duplicates(["add an index", "Add an index now", "shard it"])
    >>> found.clusters
    Clusters(3 texts in 2 clusters, 1 near-duplicates, exact)
    >>> found.curated.split([1]).clusters.n_clusters, found.curated.undo().clusters.n_clusters
    (3, 2)
    """

    _esm, _css = drawn_by("duplicates")
    state = traitlets.Unicode("empty").tag(sync=True)
    counts = traitlets.Dict().tag(sync=True)
    threshold = traitlets.Float(0.7).tag(sync=True)
    lowest = traitlets.Float(_LOWEST).tag(sync=True)
    version = traitlets.Int(0).tag(sync=True)
    length = traitlets.Int(0).tag(sync=True)
    singles = traitlets.Bool(False).tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True)
    marked = traitlets.Int(0).tag(sync=True)
    undoable = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, texts: Any = None, threshold: float = 0.7, shingle: int = 1, *, lowest: float | None = None
    ) -> None:
        self._texts = None if texts is None else to_series(texts)
        self._shingle = shingle
        self._marks: set[int] = set()
        self._labels: Places = np.empty(0, dtype=np.int64)
        self._first = self._sizes = self._by = self._starts = self._order = self._labels
        self._chosen_row: int | None = None
        self._pieces: Iterator[str] = iter(())
        self._work: concurrent.futures.Future[Curated] | None = None
        least = min(threshold, _LOWEST) if lowest is None else lowest
        if not 0 < least <= threshold <= 1:
            raise InvalidInput(
                f"0 < lowest <= threshold <= 1 is required, lowest {least:g} and threshold {threshold:g} came."
            )
        super().__init__(threshold=threshold, lowest=least)
        if self._texts is None or self._texts.is_empty():
            return
        self.publish(state="working")
        self._work = background.submit(self._find(self._texts))
        with suppress(concurrent.futures.TimeoutError, ConsilienceError):
            # few texts are there with the first paint; what the work raises stands in `error`
            self._found(_PAINT_SECONDS)
        self.flush()

    @property
    def curated(self) -> Curated:
        """Threshold and corrections, which may be changed from here too; `refresh` shows them. Waits for the search."""
        return self._found()

    @property
    def clusters(self) -> Clusters:
        """The clusters as they stand on the page."""
        return self.curated.clusters

    def to_polars(self) -> pl.DataFrame:
        """Return a row a text: ``row``, ``cluster``, ``representative``, ``size``, ``text``."""
        return self.clusters.to_polars().with_columns(self._series().alias("text"))

    def refresh(self) -> None:
        """Draw the page again, after `curated` was changed from Python."""
        self._show(self.curated)
        self.flush()

    @action
    def slide(self, threshold: float) -> None:
        """Take another threshold."""
        self.curated.rethreshold(min(max(float(threshold), self.lowest), 1.0))
        self.refresh()

    @action
    def rows(self, first: int, to: int) -> None:
        """Send rows of the list of clusters."""
        first, to = self._span(first, to, len(self._order))
        marked = self._marked()
        texts = self._series().gather(self._first[self._order[first:to]])
        rows = [
            [int(self._sizes[cluster]), wire.text(text or "", 300), cluster in marked]
            for cluster, text in zip(self._order[first:to].tolist(), texts, strict=True)
        ]
        self.reply("clusters", first=first, rows=rows)

    @action
    def choose(self, n: int) -> None:
        """Open the cluster in a row of the list."""
        self._chosen_row = int(self._first[self._order[self._place(n, len(self._order))]])
        self._choose()

    @action
    def members(self, first: int, to: int) -> None:
        """Send texts of the open cluster, each beside its representative."""
        rows = self._members()
        first, to = self._span(first, to, len(rows))
        self.reply("members", first=first, rows=self._beside(rows[0], rows[first:to]))

    @action
    def text(self, n: int) -> None:
        """Send a text of the open cluster in full."""
        row = int(self._members()[self._place(n, len(self._members()))])
        self.reply("text", row=row, text=wire.text(self._series()[row] or ""))

    @action
    def take_out(self, n: int) -> None:
        """Take a text out of the open cluster."""
        rows = self._members()
        row = int(rows[self._place(n, len(rows))])
        if row == self._chosen_row and len(rows) > 1:
            self._chosen_row = int(rows[1])
        self.curated.split([row])
        self.refresh()

    @action
    def take_apart(self) -> None:
        """Make every text of the open cluster one of its own."""
        self.curated.split(self._members().tolist())
        self.refresh()

    @action
    def mark(self, n: int) -> None:
        """Mark the cluster in a row of the list, or take its mark off."""
        cluster = int(self._order[self._place(n, len(self._order))])
        on = {row for row in self._marks if self._labels[row] == cluster}
        self._marks = self._marks - on if on else self._marks | {int(self._first[cluster])}
        self.publish(marked=len(self._marked()), version=self.version + 1)
        self.flush()

    @action
    def merge(self) -> None:
        """Make one cluster of those that are marked."""
        if len(self._marked()) < 2:
            raise InvalidInput("Two or more clusters are merged: mark them in the list with M, then merge.")
        self.curated.merge(sorted(self._marks))
        self._chosen_row, self._marks = min(self._marks), set()
        self.refresh()

    @action
    def undo(self) -> None:
        """Take the last correction back."""
        self.curated.undo()
        self.refresh()

    @action
    def show_singles(self, on: bool) -> None:
        """List the texts that have no duplicate too, or not."""
        self.publish(singles=bool(on))
        self.flush()
        self.refresh()

    @action
    def export(self, begin: bool) -> None:
        """Send the next piece of the clusters as CSV, from the beginning or from where the last one ended."""
        if begin:
            self._pieces = self._csv()
        self.reply("csv", piece=next(self._pieces, None))

    def stop(self) -> None:
        """End the search."""
        if self._work is not None:
            self._work.cancel()

    def snapshot(self) -> str:
        """Return the largest clusters for pages without the widget."""
        if self._work is None or not self._work.done() or self._work.exception():
            return super().snapshot()
        texts, largest = self._series(), self._order[:_SNAPSHOT]
        rows = "".join(
            f"<tr><td class=cs-n>{self._sizes[cluster]:,}<td>{escape(texts[int(self._first[cluster])] or '', 300)}"
            for cluster in largest
            if self._sizes[cluster] > 1
        )
        head = "<thead><tr><th class=cs-n>texts<th>first of the cluster</thead>"
        return page(Html(f"<table>{head}<tbody>{rows}</tbody></table>"), note=repr(self.clusters))

    async def _find(self, texts: pl.Series) -> Curated:
        try:
            curated = await asyncio.to_thread(self._searched, texts)
        except ConsilienceError as error:
            self.publish(error=str(error), state="failed")
            raise
        self._show(curated)
        return curated

    def _searched(self, texts: pl.Series) -> Curated:
        found = near_duplicates(texts, self.lowest, self._shingle)
        return Curated(
            found.rethreshold(self.lowest), self.threshold
        )  # joins the pairs, so that a slide does not

    def _found(self, seconds: float | None = None) -> Curated:
        if self._work is None:
            raise InvalidInput("Texts are required, none came: Duplicates(texts).")
        return self._work.result(seconds)

    def _show(self, curated: Curated) -> None:
        found = curated.clusters
        self._labels, self._first = found.labels, found.representatives
        self._sizes = np.bincount(found.labels, minlength=found.n_clusters)
        self._by = np.argsort(found.labels, kind="stable")
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        order = np.argsort(-self._sizes, kind="stable")
        several = int((self._sizes > 1).sum())
        self._order = order if self.singles else order[:several]
        last = curated.edits[-1] if curated.edits else None
        self.publish(
            state="ready",
            threshold=curated.threshold,
            length=len(self._order),
            version=self.version + 1,
            counts={
                "texts": len(found),
                "clusters": several,
                "duplicates": found.n_duplicates,
                "note": _note(found),
            },
            marked=len(self._marked()),
            undoable="" if last is None else f"Undo the last {last.kind}",
        )
        self._choose()

    def _choose(self) -> None:
        row = self._chosen_row
        if row is None or (not self.singles and self._sizes[self._labels[row]] < 2):
            self._chosen_row = None
            self.publish(chosen={})
        else:
            cluster = int(self._labels[row])
            self._chosen_row = int(self._first[cluster])
            place = int(np.flatnonzero(self._order == cluster)[0])
            self.publish(chosen={"n": place, "size": int(self._sizes[cluster]), "row": self._chosen_row})
        self.flush()

    def _members(self) -> Places:
        if self._chosen_row is None:
            raise InvalidInput("A cluster is required, none is open: choose one in the list.")
        cluster = self._labels[self._chosen_row]
        return self._by[self._starts[cluster] : self._starts[cluster + 1]]

    def _beside(self, first: int, rows: Places) -> list[wire.Json]:
        """Return rows of a cluster beside its representative: row, similarity, parts of the text, missing words."""
        texts = self._series()
        one = texts[int(first)] or ""
        said = [text or "" for text in texts.gather(rows)]
        alike = similarity([one, *said], self._shingle)[0, 1:].tolist()
        shown: list[wire.Json] = []
        for row, text, likeness in zip(rows.tolist(), said, alike, strict=True):
            found = difference(wire.text(text, _SHOWN), wire.text(one, 4000))
            parts: list[wire.Json] = [[part, new] for part, new in found.parts]
            missing = wire.text(" ".join(found.missing), 200) if len(text) <= _SHOWN else ""
            shown.append([row, round(likeness, 4), parts, missing])
        return shown

    def _marked(self) -> set[int]:
        return {int(self._labels[row]) for row in self._marks}

    def _csv(self) -> Iterator[str]:
        frame = self.to_polars()
        for at in range(0, max(len(frame), 1), 1000):
            text = frame.slice(at, 1000).write_csv(include_header=at == 0)
            yield from (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))

    def _series(self) -> pl.Series:
        assert self._texts is not None
        return self._texts

    @staticmethod
    def _span(first: int, to: int, n: int) -> tuple[int, int]:
        first = min(max(int(first), 0), n)
        return first, min(max(int(to), first), first + _ROWS, n)

    @staticmethod
    def _place(n: int, of: int) -> int:
        if not 0 <= n < of:
            raise InvalidInput(f"A row from 0 to {of - 1} is required, {n} came.")
        return int(n)


def _note(found: Clusters) -> str:
    if found.method == "exact":
        return "every pair at this threshold is found"
    return f"pairs at the lowest threshold are found with a chance of {found.recall:.3f}"
