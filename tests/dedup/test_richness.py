"""What nobody has said yet."""

import math
import random

import pytest

from consilience.dedup import chao1, merge
from consilience.errors import InvalidInput


@pytest.mark.parametrize(
    ("counts", "n", "estimate", "low", "high"),
    [
        # A. Chao's spider data as iNEXT prints them (ChaoRichness): Girdled, 26 observed; Logged, 37 observed
        ([1] * 12 + [2] * 4 + [14] * 10, 168, 43.893, 30.511, 96.971),
        ([1] * 14 + [2] * 4 + [12] * 19, 252, 61.403, 43.502, 128.583),
    ],
)
def test_published_estimates_are_found(counts, n, estimate, low, high):
    found = chao1(counts, n)
    seen = len(counts)
    got = (found.estimate + seen, found.low + seen, found.high + seen)
    assert got == pytest.approx((estimate, low, high), abs=6e-4)


def test_without_kinds_seen_twice_the_corrected_form_is_taken():
    found = chao1([1, 1, 1, 3], n=4)
    assert found.estimate == pytest.approx(0.75 * 3)
    assert 0 < found.low < found.estimate < found.high


def test_nothing_is_missing_when_everything_was_said_often():
    found = chao1([5, 5, 4], n=5)
    assert (found.estimate, found.low) == (0, 0)
    assert 0 < found.high < 1


def test_one_expert_says_nothing_of_what_is_missing():
    found = chao1([1, 1], n=1)
    assert math.isnan(found.estimate)
    assert "fewer than two experts" in found.explain()


def test_nothing_said_is_nothing_expected():
    assert chao1([], n=3).estimate == 0


@pytest.mark.parametrize(("counts", "n"), [([0, 1], 3), ([4], 3)])
def test_counts_that_cannot_be_are_refused(counts, n):
    with pytest.raises(InvalidInput, match="counts must lie between 1 and n=3"):
        chao1(counts, n)
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        chao1([1], 2, confidence=95)


def test_the_interval_covers_what_was_planted():
    chance = random.Random(5)
    covered = 0
    for _ in range(100):
        counts = [sum(chance.random() < 0.15 for _ in range(12)) for _ in range(60)]
        found = chao1([count for count in counts if count], n=12)
        covered += found.low <= counts.count(0) <= found.high
    assert covered >= 88  # 95 expected: fewer than 88 has a probability of 0.2 %


def test_a_merge_counts_experts_as_the_sample():
    merged = merge({"a": ["Wait", "Shard"], "b": ["wait", "Cache"], "c": []})
    assert merged.unseen() == chao1([2, 1, 1], n=3)
