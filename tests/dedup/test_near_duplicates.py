"""Near-duplicates: what the face promises."""

import random
from collections import defaultdict
from fractions import Fraction

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import consilience as cs
from consilience.dedup import NearDuplicates, near_duplicates
from consilience.errors import InvalidInput
from consilience.kernels import words

ADVICE = "add an index shard the orders table by tenant cache reads write ahead log vacuum more often"
WORDS = ADVICE.split()


def sentences(n, seed=0, vocabulary=WORDS):
    """Return n texts, half of them another with one word replaced."""
    chance = random.Random(seed)
    made = [" ".join(chance.choices(vocabulary, k=chance.randint(1, 12))) for _ in range(n)]
    for row in range(1, n, 2):
        copied = made[chance.randrange(row)].split()
        copied[chance.randrange(len(copied))] = chance.choice([*vocabulary, str(row)])
        made[row] = " ".join(copied)
    return made


def brute_force(rows, threshold):
    """Count the words that each text shares with every other."""
    sets = [frozenset(words.words(row)) for row in rows]
    size = np.array([len(found) for found in sets])
    listed = defaultdict(list)
    for row, found in enumerate(sets):
        for word in found:
            listed[word].append(row)
    holders = {word: np.array(held) for word, held in listed.items()}
    pairs = []
    for row, found in enumerate(sets):
        shared = np.bincount(np.concatenate([holders[word] for word in found]), minlength=len(rows))
        either = size[row] + size - shared
        alike = shared * threshold.denominator >= threshold.numerator * either
        pairs += [(row, int(other)) for other in np.flatnonzero(alike[row + 1 :]) + row + 1]
    return pairs


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("threshold", [Fraction(7, 10), Fraction(2, 3), Fraction(1)])
def test_every_pair_of_two_thousand_is_found_and_no_other(threshold, threads):
    rows = sentences(2_000)
    found = near_duplicates(rows, threshold, threads=threads)
    assert [pair[:2] for pair in found.pairs().rows()] == brute_force(rows, threshold)
    assert found.method == "exact"
    assert found.recall == 1
    assert found.complete


@pytest.mark.slow
def test_every_pair_of_twenty_thousand_is_found_and_no_other():
    rows = sentences(20_000, vocabulary=[f"{word}{i}" for word in WORDS for i in range(20)])
    found = near_duplicates(rows, Fraction(7, 10)).pairs()
    assert [pair[:2] for pair in found.rows()] == brute_force(rows, Fraction(7, 10))


def test_a_pair_at_the_boundary_is_in():
    rows = ["a b c", "a b", "a b c d"]
    assert near_duplicates(rows, 2 / 3).labels.tolist() == [0, 0, 0]
    assert near_duplicates(rows, 0.75).labels.tolist() == [0, 1, 0]
    assert near_duplicates(rows, 0.7500001).labels.tolist() == [0, 1, 2]


def test_texts_are_joined_through_others():
    found = near_duplicates(["a b c d", "a b c d e", "a b c d e f"], 0.8)
    assert found.labels.tolist() == [0, 0, 0]
    assert found.pairs().rows() == [(0, 1, 0.8), (1, 2, 5 / 6)]


def test_a_null_is_alike_to_nothing_and_empty_texts_to_each_other():
    found = near_duplicates([None, "", "...", None, "a"])
    assert found.labels.tolist() == [0, 1, 1, 2, 3]
    assert found.representatives.tolist() == [0, 1, 3, 4]
    assert found.pairs().rows() == [(1, 2, 1.0)]


@pytest.mark.parametrize("rows", [[], [""] * 3, [None] * 3, ["same words"] * 3])
def test_inputs_without_variety_are_allowed(rows):
    found = near_duplicates(rows)
    assert len(found) == len(rows)
    assert found.n_clusters == len({(index if row is None else row) for index, row in enumerate(rows)})
    assert found.pairs().height == (3 if rows and rows[0] is not None else 0)


def test_case_punctuation_order_and_repetition_do_not_count():
    assert near_duplicates(["Add an INDEX!", "index, add an (index)"], 1).n_clusters == 1


def test_composed_and_decomposed_letters_are_one():
    assert near_duplicates(["café Straße", "cafe\u0301 STRASSE"], 1).n_clusters == 1


def test_order_counts_between_shingles():
    rows = ["a b c d", "d c b a", "a b c d"]
    assert near_duplicates(rows, 1, shingle=2).labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize("shingle", [1, 2, 3])
@pytest.mark.parametrize("method", ["exact", "minhash"])
def test_threads_change_nothing(shingle, method):
    rows = sentences(3_000, seed=shingle)
    one, three = (near_duplicates(rows, 0.6, shingle, method=method, threads=n).labels for n in (1, 3))
    assert one.tolist() == three.tolist()


def test_columns_of_any_make_are_taken():
    rows = ["add an index", None, "Add an index"]
    makes = [
        pl.Series(rows),
        pl.concat([pl.Series(rows[:1]), pl.Series(rows[1:])]),
        pl.Series(["x", *rows])[1:],
        pl.Series(rows, dtype=pl.Categorical),
        pa.array(rows),
        pa.chunked_array([rows[:2], rows[2:]], pa.large_string()),
        tuple(rows),
        iter(rows),
    ]
    for texts in makes:
        assert near_duplicates(texts).labels.tolist() == [0, 1, 0]


def test_batches_give_what_one_batch_gives():
    rows = sentences(1_000)
    near = NearDuplicates(0.7)
    for start in range(0, 1_000, 130):
        near.add(rows[start : start + 130])
    whole = near_duplicates(rows)
    assert near.clusters().labels.tolist() == whole.labels.tolist()
    assert near.clusters().pairs().equals(whole.pairs())
    assert near.add(rows[:1]).clusters().labels[-1] == whole.labels[0]


@pytest.mark.parametrize("method", ["exact", "minhash"])
def test_what_is_added_later_is_not_in_earlier_pairs(method):
    near = NearDuplicates(0.6, method=method).add(["a b c", "a b c d", "x"])
    found = near.clusters()
    near.add(["a b c", "a b", None, "x y"])
    assert found.pairs().rows() == [(0, 1, 0.75)]
    assert len(near.clusters().pairs()) == 5


def test_a_cap_is_said():
    near = NearDuplicates(0.7, most_bytes=1).add(["a"]).add(["a", "a"])
    found = near.clusters()
    assert not found.complete
    assert found.labels.tolist() == [0, 1, 2]
    assert "a cap left rows out" in repr(found)


def test_minhash_says_so_and_proposes_nothing_wrong():
    rows = sentences(600)
    found = near_duplicates(rows, 0.4)
    assert found.method == "minhash, verified"
    assert 0.99 < found.recall < 1
    truth = set(brute_force(rows, Fraction(2, 5)))
    pairs = {pair[:2] for pair in found.pairs(10**6).rows()}
    assert pairs <= truth
    assert len(pairs) > 0.99 * len(truth)


def test_long_texts_take_minhash_unless_told():
    rows = [" ".join(map(str, range(start, start + 400))) for start in (0, 10, 5_000)]
    assert near_duplicates(rows).method == "minhash, verified"
    assert near_duplicates(rows).labels.tolist() == [0, 0, 1]
    assert near_duplicates(rows, method="exact").labels.tolist() == [0, 0, 1]


def test_the_exact_method_serves_low_thresholds_too():
    rows = sentences(300)
    found = near_duplicates(rows, 0.3, method="exact")
    assert [pair[:2] for pair in found.pairs(10**6).rows()] == brute_force(rows, Fraction(3, 10))


def test_clusters_become_a_frame():
    frame = near_duplicates(["a", "b", "A"]).to_polars()
    assert frame.to_dict(as_series=False) == {
        "row": [0, 1, 2],
        "cluster": [0, 1, 0],
        "representative": [0, 1, 0],
        "size": [2, 1, 2],
    }


def test_a_notebook_shows_the_largest_clusters():
    html = near_duplicates(["a", "b", "c", "c", "c", "B"])._repr_html_()
    cells = [cell.split("<")[0] for cell in html.split("<td class=cs-n>")[1:]]
    assert cells == ["2", "2", "3", "1", "1", "2"]
    assert "6 texts in 3 clusters, 3 near-duplicates, exact" in html


def test_more_pairs_than_wanted_are_refused():
    with pytest.raises(InvalidInput, match=r"pairs may be 10 at most, there are 190; raise most"):
        near_duplicates(["same"] * 20).pairs(most=10)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"texts": "one text"}, "A sequence or series of texts is required"),
        ({"texts": [1, 2]}, "Texts must be strings"),
        ({"texts": ["\ud800"]}, "Texts must be strings or null"),
        ({"texts": ["a"], "threshold": 0}, "threshold must be a number above 0 and at most 1, got 0"),
        ({"texts": ["a"], "threshold": float("nan")}, "got nan"),
        ({"texts": ["a"], "shingle": 0}, "shingle must be a number of words from 1 up"),
        ({"texts": ["a"], "method": "magic"}, "method must be 'auto', 'exact' or 'minhash', got 'magic'"),
        ({"texts": ["a"], "threads": 0}, "threads must be between 1 and 64, got 0"),
    ],
)
def test_what_cannot_be_used_is_named(arguments, said):
    with pytest.raises(InvalidInput, match=said):
        near_duplicates(**arguments)


def test_similarity_is_what_the_sets_say():
    matrix = cs.dedup.similarity(["a b c", "a b", None, "", "!"])
    assert matrix.dtype == np.float32
    assert matrix[0, 1] == np.float32(2) / np.float32(3)
    assert np.isnan(matrix[2]).all()
    assert matrix[3].tolist()[3:] == [1, 1]
    assert matrix[0, 3] == 0


def test_similarity_agrees_with_the_pairs():
    rows = sentences(400)
    matrix = cs.dedup.similarity(rows, threads=2)
    left, right = np.nonzero(np.triu(matrix >= np.float32(0.7), 1))
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == brute_force(rows, Fraction(7, 10))
