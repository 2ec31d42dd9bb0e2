"""Data made for measurements: the same for the same numbers.

A text is a sentence of 5 to 20 words, 75 bytes or so. Words follow a Zipf-Mandelbrot law over 200,000 made of
syllables, the frequent ones short; 2 % are numbers; some carry a capital or a comma. Three of ten rows are edited
copies of an earlier row of their chunk: the same words with other capitals and commas, or one or two words replaced.
Answers come from experts of unlike skill, five a task.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["answers", "texts"]

Ids = np.ndarray[Any, np.dtype[np.int32]]
Shares = np.ndarray[Any, np.dtype[np.float32]]
Sizes = np.ndarray[Any, np.dtype[np.int64]]

FREQUENT = """the to and of a in is for use add that with on it as are be not this each by or from an when index data
cache query table test run code user time per model set key all one can new first log should keep write read"""
N_WORDS = 200_000
N_NUMBERS = 20_000
N_MARKED = 5_000  # the most frequent words also exist with a capital, and with a comma
CHUNK = 100_000
COPIES = 0.3


@cache
def _lexicon() -> pa.Array:
    """Return every form of a word: plain, numbers, with a capital, with a comma."""
    random = np.random.default_rng(7)
    syllables = [c + v + e for c in "bcdfghklmnprstvz" for v in "aeiou" for e in ("", "n", "r", "s")]
    plain = dict.fromkeys(FREQUENT.split())
    while len(plain) < N_WORDS:
        count = 1 + int(random.random() * 1.2 + np.log10(len(plain)) / 2.2)
        plain["".join(syllables[i] for i in random.integers(0, len(syllables), count))] = None
    words = list(plain)
    numbers = [str(number) for number in range(N_NUMBERS)]
    marked = words[:N_MARKED]
    return pa.array(
        [*words, *numbers, *(w.capitalize() for w in marked), *(w + "," for w in marked)], pa.string()
    )


def _drawn(random: np.random.Generator, cumulative: Shares, shape: tuple[int, int]) -> Ids:
    """Return word numbers by the law, some of them numbers."""
    ids: Ids = np.searchsorted(cumulative, random.random(shape, dtype=np.float32)).astype(np.int32)
    np.minimum(ids, N_WORDS - 1, out=ids)
    digits = random.random(shape, dtype=np.float32) < 0.02
    ids[digits] = N_WORDS + random.integers(0, N_NUMBERS, int(digits.sum()))
    return ids


def _edited(random: np.random.Generator, ids: Ids, lengths: Sizes, cumulative: Shares) -> None:
    """Overwrite three of ten rows with copies of others, none to two words replaced."""
    n = len(ids)
    copied = random.random(n) < COPIES
    copied[0] = False
    copies, originals = np.flatnonzero(copied), np.flatnonzero(~copied)
    rows = np.arange(n)
    rows[copies] = originals[
        (random.random(len(copies)) * np.searchsorted(originals, copies)).astype(np.int64)
    ]
    ids[:], lengths[:] = ids[rows], lengths[rows]
    for share in (0.75, 0.35):
        changed = copies[random.random(len(copies)) < share]
        place = (random.random(len(changed)) * lengths[changed]).astype(np.int64)
        ids[changed, place] = _drawn(random, cumulative, (len(changed), 1))[:, 0]


def _marks(random: np.random.Generator, ids: Ids) -> None:
    """Give some of the frequent words a capital or a comma; both fold away."""
    for first, share in ((N_WORDS + N_NUMBERS, 0.06), (N_WORDS + N_NUMBERS + N_MARKED, 0.08)):
        some = (ids < N_MARKED) & (random.random(ids.shape, dtype=np.float32) < share)
        ids[some] += first


def _chunk(number: int, n: int, words: int, forms: pa.Array, cumulative: Shares) -> pa.Array:
    random = np.random.default_rng([11, number])
    lengths = random.integers(5 * words, 20 * words + 1, CHUNK)
    ids = _drawn(random, cumulative, (CHUNK, 20 * words))
    _edited(random, ids, lengths, cumulative)
    _marks(random, ids)
    ids, lengths = ids[:n], lengths[:n]
    flat = ids[np.arange(ids.shape[1]) < lengths[:, None]]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pc.binary_join(pa.ListArray.from_arrays(offsets.astype(np.int32), forms.take(pa.array(flat))), " ")


def texts(n: int, words: int = 1) -> pl.Series:
    """Return n texts; those of a smaller n come first.

    Parameters
    ----------
    n
        How many.
    words
        Multiplies the length of a text: 1 gives sentences, 100 documents.

    Examples
    --------
    >>> texts(3).to_list() == texts(5).head(3).to_list()
    True
    """
    forms = _lexicon()
    cumulative = np.cumsum(1 / (np.arange(N_WORDS) + 2.7) ** 1.05)
    cumulative = (cumulative / cumulative[-1]).astype(np.float32)
    chunks = [
        _series(_chunk(number, min(CHUNK, n - number * CHUNK), words, forms, cumulative))
        for number in range(-(-n // CHUNK))
    ]
    return pl.concat(chunks) if chunks else pl.Series("text", [], pl.String)


def _series(array: pa.Array) -> pl.Series:
    return pl.Series("text", array)


def answers(n: int, *, experts: int = 100, labels: int = 4, each: int = 5, seed: int = 0) -> pl.DataFrame:
    """Return answers of experts who are right with probabilities of 0.5 to 0.95, in random order.

    Parameters
    ----------
    n
        Answers; a multiple of ``each``.
    experts, labels
        How many there are.
    each
        Answers a task.
    seed
        Of the random numbers.

    Returns
    -------
    polars.DataFrame
        Integers: ``task``, ``expert``, ``label``.

    Examples
    --------
    >>> answers(1000).group_by("task").len()["len"].unique().to_list()
    [5]
    """
    random = np.random.default_rng(seed)
    tasks = n // each
    truth = random.integers(0, labels, tasks)
    skill = random.uniform(0.5, 0.95, experts)
    task = np.repeat(np.arange(tasks), each)
    first, apart = np.repeat(random.integers(0, experts, tasks), each), np.tile(7 * np.arange(each), tasks)
    expert = (first + apart) % experts
    other = (truth[task] + random.integers(1, labels, task.size)) % labels
    label = np.where(random.random(task.size) < skill[expert], truth[task], other)
    order = random.permutation(task.size)
    return pl.DataFrame({"task": task[order], "expert": expert[order], "label": label[order]})
