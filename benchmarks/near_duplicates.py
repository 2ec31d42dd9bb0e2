"""Near-duplicates and similarities: Consilience beside its peers, on the same texts.

    python benchmarks/near_duplicates.py [--sizes 2000 20000] [--scale 200000 1000000] [--pairs 3] [--json PATH]

Ours and a peer take turns; the table shows medians of CPU and wall time, and of the ratio of CPU time of each pair of
runs. Recall and precision are of pairs of texts, against all pairs computed with SciPy; rapidfuzz and semhash measure
another likeness, so that theirs say how far it differs and not that they err. ``--scale`` times ours alone
with one thread and with two, each in a process of its own, with the memory that it takes beyond the texts. A peer
that is not installed is named.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience import dedup, kernels
from consilience.kernels import StringColumn, TokenSets
from consilience.synthetic import texts

THRESHOLD = 0.7
PERMUTATIONS = 128
WORD = re.compile(r"\w+")
Pairs = set[tuple[int, int]]


def sets_of(rows: Iterable[str]) -> list[set[str]]:
    return [set(WORD.findall(row.lower())) for row in rows]


def ours(series: pl.Series, _rows: list[str]) -> Pairs | None:
    dedup.near_duplicates(series, THRESHOLD, threads=1)
    return None


def rensa(_series: pl.Series, rows: list[str]) -> Pairs:
    peer = importlib.import_module("rensa")
    index = peer.RMinHashLSH(THRESHOLD, PERMUTATIONS, 16)
    sketches = []
    for row, words in enumerate(sets_of(rows)):
        sketch = peer.RMinHash(PERMUTATIONS, 42)
        sketch.update(list(words))
        index.insert(row, sketch)
        sketches.append(sketch)
    found = (
        (row, other) for row, sketch in enumerate(sketches) for other in index.query(sketch) if other > row
    )
    return {pair for pair in found if sketches[pair[0]].jaccard(sketches[pair[1]]) >= THRESHOLD}


def datasketch(_series: pl.Series, rows: list[str]) -> Pairs:
    peer = importlib.import_module("datasketch")
    index = peer.MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    found = set()
    for row, words in enumerate(sets_of(rows)):
        sketch = peer.MinHash(PERMUTATIONS)
        sketch.update_batch([word.encode() for word in words])
        found |= {(other, row) for other in index.query(sketch)}
        index.insert(row, sketch)
    return found


def set_similarity_search(_series: pl.Series, rows: list[str]) -> Pairs:
    peer = importlib.import_module("SetSimilaritySearch")
    found = peer.all_pairs(sets_of(rows), similarity_func_name="jaccard", similarity_threshold=THRESHOLD)
    return {(min(x, y), max(x, y)) for x, y, _ in found}


def rapidfuzz(_series: pl.Series, rows: list[str]) -> Pairs:
    """Every pair of texts by the ratio of their sorted words, which is another measure than Jaccard's."""
    peer = importlib.import_module("rapidfuzz")
    texts_ = [" ".join(sorted(words)) for words in sets_of(rows)]
    found = set()
    for start in range(0, len(texts_), 500):
        ratios = peer.process.cdist(
            texts_[start : start + 500],
            texts_,
            scorer=peer.fuzz.ratio,
            score_cutoff=100 * THRESHOLD,
            workers=1,
        )
        left, right = np.nonzero(ratios)
        left += start
        found |= set(zip(left[left < right].tolist(), right[left < right].tolist(), strict=True))
    return found


def scikit_learn(_series: pl.Series, rows: list[str]) -> Pairs:
    """Words as columns of a sparse matrix, neighbours by cosine; a cosine of 2 t / (1 + t) at most loses no pair."""
    text = importlib.import_module("sklearn.feature_extraction.text")
    neighbors = importlib.import_module("sklearn.neighbors")
    matrix = text.CountVectorizer(binary=True, token_pattern=WORD.pattern, dtype=np.float32).fit_transform(
        rows
    )
    size = np.diff(matrix.indptr)
    index = neighbors.NearestNeighbors(metric="cosine", algorithm="brute", n_jobs=1).fit(matrix)
    graph = index.radius_neighbors_graph(matrix, radius=1 - THRESHOLD + 1e-6, mode="connectivity").tocoo()
    left, right = (side[graph.row < graph.col] for side in (graph.row, graph.col))
    shared = np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).ravel()
    alike = 10 * shared >= 7 * (size[left] + size[right] - shared)
    return set(zip(left[alike].tolist(), right[alike].tolist(), strict=True))


class HashedWords:
    """An encoder for semhash that needs no model: words hashed into 256 numbers."""

    def encode(self, inputs: Any, **_options: Any) -> np.ndarray[Any, Any]:
        text = importlib.import_module("sklearn.feature_extraction.text")
        hashed = text.HashingVectorizer(n_features=256, token_pattern=WORD.pattern).transform(list(inputs))
        return np.asarray(hashed.toarray(), dtype=np.float32)


def semhash(_series: pl.Series, rows: list[str]) -> Pairs:
    """Neighbours by cosine of embeddings; it names for each text that it drops those that it is alike to."""
    peer = importlib.import_module("semhash")
    records = [{"row": str(row), "text": text} for row, text in enumerate(rows)]
    index = peer.SemHash.from_records(records, columns=["text"], model=HashedWords())
    dropped = index.self_deduplicate(threshold=2 * THRESHOLD / (1 + THRESHOLD)).filtered
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # what takes its place names one record of several
        found = [
            (int(one.record["row"]), int(other["row"])) for one in dropped for other, _ in one.duplicates
        ]
    return {(min(pair), max(pair)) for pair in found}


def prefix_filter(_series: pl.Series, rows: list[str]) -> Pairs:
    """A prefix filter in plain Python, as one would write it."""
    sets = sets_of(rows)
    held: defaultdict[str, int] = defaultdict(int)
    for words in sets:
        for word in words:
            held[word] += 1
    index: defaultdict[str, list[int]] = defaultdict(list)
    found = set()
    for row in sorted(range(len(sets)), key=lambda row: len(sets[row])):
        words = sorted(sets[row], key=lambda word: (held[word], word))
        prefix = words[: len(words) - -(-7 * len(words) // 10) + 1]
        for other in {other for word in prefix for other in index[word]}:
            shared = len(sets[row] & sets[other])
            if 10 * shared >= 7 * (len(sets[row]) + len(sets[other]) - shared):
                found.add((min(row, other), max(row, other)))
        for word in prefix:
            index[word].append(row)
    return found


def naive(_series: pl.Series, rows: list[str]) -> Pairs:
    """Every set with every other."""
    sets = sets_of(rows)
    found = set()
    for row, words in enumerate(sets):
        for other in range(row):
            shared = len(words & sets[other])
            if 10 * shared >= 7 * (len(words) + len(sets[other]) - shared):
                found.add((other, row))
    return found


PEERS: dict[str, tuple[Callable[[pl.Series, list[str]], Pairs], str, int]] = {
    # name: function, module, most rows
    "rensa": (rensa, "rensa", 200_000),
    "datasketch": (datasketch, "datasketch", 20_000),
    "SetSimilaritySearch": (set_similarity_search, "SetSimilaritySearch", 200_000),
    "rapidfuzz": (rapidfuzz, "rapidfuzz", 2_000),
    "scikit-learn": (scikit_learn, "sklearn", 2_000),
    "semhash": (semhash, "semhash", 20_000),
    "prefix filter in Python": (prefix_filter, "re", 200_000),
    "naive Python": (naive, "re", 2_000),
}


def sparse(series: pl.Series) -> Any:
    """Return texts as rows of ones."""
    from scipy.sparse import csr_matrix

    sets = TokenSets(threads=1)
    for chunk in series.get_chunks():
        sets.add(StringColumn.of(chunk.to_arrow(compat_level=pl.CompatLevel.newest())))
    ranked = sets.ranked()
    offsets, words = ranked.flat()
    shape = (len(series), ranked.n_words)
    return csr_matrix((np.ones(len(words), np.int32), words.astype(np.int32), offsets), shape=shape)


def truth(series: pl.Series) -> Pairs:
    """Return all pairs, by the product of the sparse matrix with itself."""
    matrix = sparse(series)
    size = np.asarray(matrix.sum(axis=1)).ravel()
    threshold = Fraction(THRESHOLD).limit_denominator(100)
    found = set()
    for start in range(0, matrix.shape[0], 500):
        shared = (matrix[start : start + 500] @ matrix.T).tocoo()
        row = shared.row + start
        either = size[row] + size[shared.col] - shared.data
        alike = (row < shared.col) & (shared.data * threshold.denominator >= threshold.numerator * either)
        found |= set(zip(row[alike].tolist(), shared.col[alike].tolist(), strict=True))
    return found


def scipy_similarity(series: pl.Series) -> np.ndarray[Any, Any]:
    matrix = sparse(series).astype(np.float32)
    shared = (matrix @ matrix.T).toarray()
    size = shared.diagonal().copy()
    return shared / (size[:, None] + size[None, :] - shared)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return time.process_time() - cpu, time.perf_counter() - wall, value


def in_turn(first: Callable[[], Any], second: Callable[[], Any], pairs: int) -> dict[str, Any]:
    """Return medians of interleaved runs, and the last value of the second."""
    runs = [(timed(first), timed(second)) for _ in range(pairs)]
    median = statistics.median
    return {
        "our_cpu": median(a[0] for a, _ in runs),
        "our_wall": median(a[1] for a, _ in runs),
        "cpu": median(b[0] for _, b in runs),
        "wall": median(b[1] for _, b in runs),
        "ratio": median(b[0] / a[0] for a, b in runs),
        "value": runs[-1][1][2],
    }


def beside_peers(n: int, pairs: int) -> list[dict[str, Any]]:
    series = texts(n)
    rows = series.to_list()
    ours(series, rows)
    found = {(x, y) for x, y, _ in dedup.near_duplicates(series, THRESHOLD).pairs().rows()}
    known = truth(series) if n <= 20_000 else found
    measured = [{"work": "near-duplicates", "n": n, "peer": "ours", "ratio": 1.0} | quality(found, known)]
    for name, (peer, module, most) in PEERS.items():
        if n > most:
            continue
        try:
            importlib.import_module(module)
        except ImportError as error:
            print(f"{name} is left out, it cannot be imported: {error}")
            continue
        figures = in_turn(
            lambda: ours(series, rows), lambda peer=peer: peer(series, rows), pairs if n < 10**5 else 1
        )
        right = quality(figures.pop("value"), known)
        measured.append({"work": "near-duplicates", "n": n, "peer": name} | figures | right)
    return measured


def quality(found: Pairs, known: Pairs) -> dict[str, float]:
    right = len(found & known)
    return {"recall": right / max(1, len(known)), "precision": right / max(1, len(found))}


def matrices(n: int, pairs: int) -> dict[str, Any]:
    series = texts(n)
    figures = in_turn(lambda: dedup.similarity(series, threads=1), lambda: scipy_similarity(series), pairs)
    same = float(np.abs(figures.pop("value") - dedup.similarity(series)).max())
    return {"work": "similarity", "n": n, "peer": "SciPy sparse", "difference": same} | figures


def status(name: str) -> float:
    """Return a figure of this process in MB, as Linux keeps it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))


def scale_child(n: int, threads: int, runs: int) -> dict[str, Any]:
    series = texts(n)
    dedup.near_duplicates(series[:1000], threads=threads)
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    cpu, wall, found = timed(lambda: dedup.near_duplicates(series, THRESHOLD, threads=threads))
    peak = status("VmHWM") - before
    more = [timed(lambda: dedup.near_duplicates(series, THRESHOLD, threads=threads)) for _ in range(runs - 1)]
    cpu, wall = (
        statistics.median([first, *(run[at] for run in more)]) for at, first in ((0, cpu), (1, wall))
    )
    megabytes = int(series.str.len_bytes().sum()) / 1e6
    return {
        "work": "scale", "n": n, "threads": threads, "cpu": cpu, "wall": wall, "text_mb": megabytes, "peak_mb": peak,
        "peak_of_text": peak / megabytes, "mb_per_s": megabytes / cpu, "clusters": found.n_clusters,
    }  # fmt: skip


def scale(n: int, threads: int, runs: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", str(n), str(threads), str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def line(row: dict[str, Any]) -> str:
    def cell(value: Any) -> str:
        return f"{value:,.4g}" if isinstance(value, float) else str(value)

    return "  ".join(f"{name}={cell(value)}" for name, value in row.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[2_000, 20_000])
    parser.add_argument("--scale", type=int, nargs="*", default=[200_000, 1_000_000])
    parser.add_argument("--matrices", type=int, nargs="*", default=[2_000, 10_000])
    parser.add_argument("--pairs", type=int, default=3, help="runs of each side, in turn")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--child", type=int, nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(scale_child(*chosen.child)))
        return
    measured: list[dict[str, Any]] = []

    def show(row: dict[str, Any]) -> None:
        measured.append(row)
        print(line(row), flush=True)

    for n in chosen.sizes:
        for row in beside_peers(n, chosen.pairs):
            show(row)
    for n in chosen.matrices:
        show(matrices(n, chosen.pairs))
    for n in chosen.scale:
        for threads in (1, 2):
            show(scale(n, threads, chosen.pairs if n <= 10**6 else 1))
    if chosen.json:
        facts = {"backend": kernels.backend, "python": sys.version.split()[0], "polars": pl.__version__}
        chosen.json.write_text(
            json.dumps({"facts": facts, "rows": measured}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
