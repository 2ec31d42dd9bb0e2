"""Texts with planted near-duplicates: the same for the same numbers, and a prefix for smaller ones.

A text is a sentence of 5 to 20 words, 75 bytes or so. Words follow a Zipf-Mandelbrot law over 200,000 made of
syllables, the frequent ones short; 2 % are numbers; some carry a capital or a comma. Three of ten rows are edited
copies of an earlier row of their chunk: the same words with other capitals and commas, or one or two words replaced.
`words` multiplies the length of a text, for documents.
"""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

FREQUENT = """the to and of a in is for use add that with on it as are be not this each by or from an when index data
cache query table test run code user time per model set key all one can new first log should keep write read"""
N_WORDS = 200_000
N_NUMBERS = 20_000
N_MARKED = 5_000  # the most frequent words also exist with a capital, and with a comma
CHUNK = 100_000
COPIES = 0.3


def lexicon() -> pa.Array:
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


def drawn(random: np.random.Generator, cumulative: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return word numbers by the law, some of them numbers."""
    ids = np.searchsorted(cumulative, random.random(shape, dtype=np.float32)).astype(np.int32)
    np.minimum(ids, N_WORDS - 1, out=ids)
    digits = random.random(shape, dtype=np.float32) < 0.02
    ids[digits] = N_WORDS + random.integers(0, N_NUMBERS, int(digits.sum()))
    return ids


def edited(random: np.random.Generator, ids: np.ndarray, lengths: np.ndarray, cumulative: np.ndarray) -> None:
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
        ids[changed, place] = drawn(random, cumulative, (len(changed), 1))[:, 0]


def marks(random: np.random.Generator, ids: np.ndarray) -> None:
    """Give some of the frequent words a capital or a comma; both fold away."""
    for first, share in ((N_WORDS + N_NUMBERS, 0.06), (N_WORDS + N_NUMBERS + N_MARKED, 0.08)):
        some = (ids < N_MARKED) & (random.random(ids.shape, dtype=np.float32) < share)
        ids[some] += first


def chunk(number: int, n: int, words: int, forms: pa.Array, cumulative: np.ndarray) -> pa.Array:
    random = np.random.default_rng([11, number])
    lengths = random.integers(5 * words, 20 * words + 1, CHUNK)
    ids = drawn(random, cumulative, (CHUNK, 20 * words))
    edited(random, ids, lengths, cumulative)
    marks(random, ids)
    ids, lengths = ids[:n], lengths[:n]
    flat = ids[np.arange(ids.shape[1]) < lengths[:, None]]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pc.binary_join(pa.ListArray.from_arrays(offsets.astype(np.int32), forms.take(pa.array(flat))), " ")


def texts(n: int, words: int = 1) -> pl.Series:
    """Return n texts; those of a smaller n come first."""
    forms = lexicon()
    cumulative = np.cumsum(1 / (np.arange(N_WORDS) + 2.7) ** 1.05)
    cumulative = (cumulative / cumulative[-1]).astype(np.float32)
    chunks = [
        pl.from_arrow(chunk(number, min(CHUNK, n - number * CHUNK), words, forms, cumulative))
        for number in range(-(-n // CHUNK))
    ]
    return pl.concat(chunks).rename("text") if chunks else pl.Series("text", [], pl.String)
