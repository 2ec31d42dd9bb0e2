"""What holds for every merge: order, repetitions, idempotence, no contradiction inside a row."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.contradiction import Relation, compare, read_claim
from consilience.dedup import merge
from consilience.dedup.linkage import complete_linkage
from consilience.equivalence import Judge
from consilience.models import canonical

VERBS = ["Add", "Remove", "Do not add", "Please add", "Never remove", "add"]
THINGS = [
    "an index",
    "the index",
    "4 shards",
    "four shards",
    "5 shards",
    "an index, but do not shard",
    "index now",
]
texts = st.builds(
    lambda verb, thing, end: f"{verb} {thing}{end}", *map(st.sampled_from, (VERBS, THINGS, ["", "."]))
)
circles = st.dictionaries(st.sampled_from("abcd"), st.lists(texts, max_size=4), max_size=4)
anything = Judge(lambda one, other: True, name="yes")
equivalences = st.sampled_from([None, anything])


@given(circles, equivalences, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_experts_does_not_matter(said, equivalence, random):
    names = list(said)
    random.shuffle(names)
    assert merge(said, equivalence=equivalence) == merge(
        {name: said[name] for name in names}, equivalence=equivalence
    )


@given(circles, equivalences)
@settings(max_examples=60)
def test_repetitions_change_no_support_and_no_text(said, equivalence):
    once = merge(said, equivalence=equivalence)
    twice = merge({who: [*items, *items] for who, items in said.items()}, equivalence=equivalence)
    assert [(r.text, r.experts, r.conflicts) for r in once] == [
        (r.text, r.experts, r.conflicts) for r in twice
    ]


@given(circles, equivalences)
@settings(max_examples=60)
def test_merging_the_merged_changes_nothing(said, equivalence):
    merged = merge(said, equivalence=equivalence)
    assert merge(merged, equivalence=equivalence) == merged


@given(circles, equivalences)
@settings(max_examples=60)
def test_no_row_holds_two_texts_that_the_guard_keeps_apart(said, equivalence):
    for row in merge(said, equivalence=equivalence):
        for one, other in combinations(row.sources, 2):
            assert (
                compare(read_claim(canonical(one.text)), read_claim(canonical(other.text)))
                is Relation.COMPATIBLE
            )


@given(circles, equivalences)
@settings(max_examples=60)
def test_every_wording_is_in_one_row_and_conflicts_are_mutual(said, equivalence):
    merged = merge(said, equivalence=equivalence)
    placed = [source for row in merged for source in row.sources]
    assert sorted(placed) == sorted(
        (who, n, text) for who, items in said.items() for n, text in enumerate(items, 1)
    )
    for number, row in enumerate(merged):
        assert row.experts == tuple(sorted({source.expert for source in row.sources}))
        assert all(number in merged[other].conflicts for other in row.conflicts)
        assert number not in row.conflicts


@given(circles)
@settings(max_examples=60)
def test_two_wordings_of_one_expert_share_a_row_only_with_another_expert(said):
    for row in merge(said):
        if len({canonical(source.text) for source in row.sources}) > 1:
            assert row.support > 1


pairs = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from([0.7, 0.8, 1.0])), max_size=20
)


@given(pairs, st.randoms(use_true_random=False))
def test_a_linkage_is_complete_and_independent_of_the_order_of_pairs(found, random):
    unique = {(min(i, j), max(i, j)): (min(i, j), max(i, j), alike) for i, j, alike in found if i != j}
    ordered = list(unique.values())
    groups = complete_linkage(8, ordered)
    random.shuffle(ordered)
    assert complete_linkage(8, ordered) == groups
    for i, j in combinations(range(8), 2):
        if groups[i] == groups[j]:
            assert (i, j) in unique
