"""Recommendations from a mapping, a frame or an earlier merge, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.dedup.merged import Merged, Wording
from consilience.errors import InvalidFrame, InvalidInput
from consilience.frames import Frame, require_columns, to_polars
from consilience.models import canonical

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Said", "read_recommendations"]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said, and by whom.

    Parameters
    ----------
    words
        The wordings of each canonical form, in the order of the forms: the same words, whoever said them.
    experts
        Everyone who was asked.
    """

    words: Mapping[str, tuple[Wording, ...]]
    experts: frozenset[str]

    @classmethod
    def of(cls, wordings: Iterable[tuple[str, Wording]], experts: Iterable[str]) -> Said:
        """Gather wordings by their canonical form, so that nothing depends on the order of the experts."""
        found: dict[str, list[Wording]] = {}
        for words, wording in wordings:
            found.setdefault(words, []).append(wording)
        return cls({words: tuple(sorted(found[words])) for words in sorted(found)}, frozenset(experts))


def read_recommendations(given: Mapping[str, Iterable[str]] | Merged | Frame) -> Said:
    """Return the wordings that were given.

    Raises
    ------
    InvalidInput
        A list is not one of texts, or an item has no words.
    InvalidFrame
        A column is missing or of the wrong type, or there are several tasks.
    """
    if isinstance(given, Merged):
        sources = (source for row in given for source in row.sources)
        return Said.of(((canonical(source.text), source) for source in sources), given.experts)
    if isinstance(given, Mapping) and not _is_frame(given):
        return _from_lists(given)
    return _from_frame(to_polars(given))


def _is_frame(given: Mapping[str, Iterable[str]]) -> bool:
    return "expert" in given and not given.keys().isdisjoint(("text", "label"))


def _from_lists(given: Mapping[str, Iterable[str]]) -> Said:
    wordings: list[tuple[str, Wording]] = []
    for expert, texts in given.items():
        if not isinstance(expert, str):
            raise InvalidInput(f"Experts are named by text, {expert!r} came: use str(...).")
        if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
            raise InvalidInput(
                f"A list of recommendations is required of {expert!r}, a {type(texts).__name__} came: "
                "wrap it, [text], or split it with Items().parse(text)."
            )
        wordings += [_wording(expert, position, text) for position, text in enumerate(texts, 1)]
    return Said.of(wordings, given)


def _wording(expert: str, position: int, text: object) -> tuple[str, Wording]:
    words = canonical(text) if isinstance(text, str) else ""
    if not isinstance(text, str) or not words:
        came = "no words" if isinstance(text, str) else f"a {type(text).__name__}"
        raise InvalidInput(
            f"Recommendation {position} of {expert!r} must be a text with words, {came} came ({text!r:.60}): "
            "leave it out."
        )
    return words, Wording(expert, position, text)


def _from_frame(frame: pl.DataFrame) -> Said:
    import polars as pl

    column = "text" if "text" in frame.columns else "label"
    require_columns(frame, ("expert", column if column in frame.columns else "text"))
    if "task" in frame.columns and frame["task"].n_unique() > 1:
        raise InvalidFrame(
            f"Recommendations are merged for one task, column 'task' holds {frame['task'].n_unique():,}: "
            "merge frame.partition_by('task') one by one."
        )
    for name in ("expert", column):
        if frame[name].dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
            raise InvalidFrame(f"Column {name!r} must hold text, it holds {frame[name].dtype}: cast it.")
    if frame["expert"].null_count():
        row = frame["expert"].is_null().arg_max()
        raise InvalidFrame(f"Column 'expert' must be filled, row {row} is null: drop or name it.")
    said: dict[str, list[str]] = {}
    for row, (expert, text) in enumerate(frame.select("expert", column).cast(pl.String).iter_rows()):
        items = said.setdefault(expert, [])
        if text is None:
            continue
        if not canonical(text):
            raise InvalidFrame(
                f"Column {column!r} must hold texts with words, row {row} is {text!r:.60}: make it null."
            )
        items.append(text)
    return _from_lists(said)
