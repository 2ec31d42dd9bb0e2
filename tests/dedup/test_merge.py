"""Merging recommendations: what is one row, who stands behind it, what contradicts what."""

import random

import numpy as np
import polars as pl
import pytest

from consilience.dedup import Merged, Wording, merge
from consilience.equivalence import Embeddings, Entailment, Judge, Lexical
from consilience.errors import InvalidFrame, InvalidInput

AXES = ("database", "table", "index", "cache")


def embed(texts):
    """A toy: synonyms point the same way, and a negation does not turn the vector, as with real embeddings."""
    same = {"relations": "table", "store": "cache", "caching": "cache"}
    rows = [
        [sum(same.get(word, word) == axis for word in text.lower().strip(".").split()) for axis in AXES]
        for text in texts
    ]
    return np.array(rows, dtype=float) + 1e-6


def rows(merged):
    return [(row.support, row.text) for row in merged]


def test_the_same_words_are_one_row_with_every_source():
    merged = merge({"ben": ["Wait", "add an index."], "ana": ["Add an index"]})
    assert merged[0].experts == ("ana", "ben")
    assert merged[0].sources == (Wording("ana", 1, "Add an index"), Wording("ben", 2, "add an index."))
    assert merged.experts == ("ana", "ben")


def test_nearly_the_same_words_are_one_row_in_the_wording_most_chose():
    merged = merge({"a": ["Please add index"], "b": ["Add an index"], "c": ["Add an index."], "d": ["Wait"]})
    assert rows(merged) == [(3, "Add an index"), (1, "Wait")]
    assert rows(merge({"a": ["Please add index"], "b": ["Add an index"]}, threshold=None))[0][0] == 1


def test_support_counts_experts_and_not_repetitions():
    merged = merge({"loud": ["Wait", "wait", "Wait."], "quiet": ["Go"]})
    assert rows(merged) == [(1, "Go"), (1, "Wait")]
    assert len(merged[1].sources) == 3


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Shard the orders table by tenant", "Do not shard the orders table by tenant"),
        ("Use 4 shards for the orders table", "Use 8 shards for the orders table"),
        ("Enable query logging in the staging cluster", "Disable query logging in the staging cluster"),
    ],
)
@pytest.mark.parametrize(
    "equivalence",
    [None, Judge(lambda a, b: True, name="yes"), Embeddings(lambda t: np.ones((len(t), 2)), 0.5)],
)
def test_contradictions_stay_apart_and_are_linked_whatever_an_equivalence_says(left, right, equivalence):
    merged = merge({"ana": [left], "ben": [right]}, equivalence=equivalence)
    assert [row.conflicts for row in merged] == [(1,), (0,)]


def test_a_number_on_one_side_does_not_hide_a_contradiction():
    merged = merge({"ana": ["Cache the dashboard for 60 seconds"], "ben": ["Don't cache the dashboard"]})
    assert [row.conflicts for row in merged] == [(1,), (0,)]


def test_the_guard_of_a_long_text_is_not_fooled_by_what_follows():
    merged = merge(
        {
            "ana": ["Split the table, and then add an index"],
            "ben": ["Do not split the table, and then add an index"],
        }
    )
    assert [row.conflicts for row in merged] == [(1,), (0,)]


def test_two_items_of_one_expert_need_another_expert_who_links_them():
    alone = {"ana": ["Add an index", "Please add the index"], "ben": ["Wait"]}
    assert rows(merge(alone)) == [(1, "Add an index"), (1, "Please add the index"), (1, "Wait")]
    linked = alone | {"ben": ["add index"]}
    assert rows(merge(linked)) == [(2, "Add an index")]


def test_one_expert_is_never_bridged_over_two_unlike_items():
    words = "cache orders customers payments invoices products shipments returns"
    said = {"ana": [words, words + " refunds coupons visits claims"], "ben": [words + " refunds"]}
    merged = merge(said)
    assert sorted(row.support for row in merged) == [1, 2]


def test_a_row_holds_no_chain():
    base = "cache orders customers payments invoices"
    said = {
        "a": [base],
        "b": [base + " products shipments"],
        "c": [base + " products shipments returns refunds"],
    }
    for row in merge(said):
        assert len(row.sources) < 3


def test_one_word_that_stands_for_another_is_another_recommendation():
    said = {
        "a": ["Ask the security team to review the login flow"],
        "b": ["Ask the security team to review the payment flow"],
    }
    assert len(merge(said)) == 2


def test_embeddings_join_what_words_do_not():
    said = {"a": ["Cache the table"], "b": ["Store the relations"], "c": ["Do not cache the table"]}
    assert len(merge(said)) == 3
    merged = merge(said, equivalence=Embeddings(embed, 0.9, name="toy"))
    assert rows(merged) == [(2, "Cache the table"), (1, "Do not cache the table")]
    assert merged[0].conflicts == (1,)
    assert "embeddings by toy (cosine 0.9)" in merged.method


def test_embeddings_do_not_join_what_is_one_word_apart_unless_asked_to():
    said = {"a": ["Add an index on the orders table"], "b": ["Add an index on the customers table"]}
    anywhere = {"embed": lambda texts: np.ones((len(texts), 2)), "cutoff": 0.9}
    assert len(merge(said, equivalence=Embeddings(**anywhere))) == 2
    assert len(merge(said, equivalence=Embeddings(**anywhere, one_word_apart=True))) == 1


def test_a_judge_is_not_asked_what_the_guard_refuses_or_about_one_expert_twice():
    asked = []

    def same(one, other):
        asked.append({one, other})
        return True

    merge(
        {"a": ["Shard it"], "b": ["Do not shard it"], "c": ["Partition by tenant"]}, equivalence=Judge(same)
    )
    assert asked == [{"Partition by tenant", "Shard it"}]


def test_items_of_one_expert_stay_apart_under_an_equivalence_too():
    everything = Judge(lambda one, other: True, name="yes")
    assert len(merge({"ana": ["Shard", "Wait"]}, equivalence=everything)) == 2
    assert len(merge({"ana": ["Shard"], "ben": ["Wait"]}, equivalence=everything)) == 1


def test_only_entailment_is_called_entailment():
    methods = [Lexical().method, Judge(bool, name="x").method, Embeddings(embed, 0.9).method]
    assert not any("entail" in method for method in methods)
    assert "entailment both ways by x" in Entailment(lambda p, h: True, name="x").method


def test_entailment_is_asked_in_both_directions():
    one_way = Entailment(lambda premise, hypothesis: "orders" in premise, name="one way")
    assert len(merge({"a": ["Cache the orders"], "b": ["Keep results in memory"]}, equivalence=one_way)) == 2


def test_the_minority_report_names_the_lone_and_the_outvoted():
    said = {
        "a": ["Shard it"],
        "b": ["Shard it"],
        "c": ["Do not shard it", "Wait"],
        "d": ["Don't shard it"],
        "e": ["shard it"],
    }
    report = merge(said).minority_report()
    assert report.select("text", "why").rows() == [
        ("Do not shard it", "contradicts row 0, said by 3"),
        ("Wait", "said by c alone"),
    ]
    assert merge({"a": ["Wait"]}).minority_report().is_empty()


def test_a_frame_counts_those_who_recommended_nothing():
    frame = pl.DataFrame({"expert": ["a", "b", "a", "c"], "text": ["Wait", "wait", "Shard", None]})
    merged = merge(frame)
    assert rows(merged) == [(2, "Wait"), (1, "Shard")]
    assert merged.experts == ("a", "b", "c")
    assert merged[1].sources == (Wording("a", 2, "Shard"),)
    assert merge(frame.rename({"text": "label"}).to_pandas()) == merged
    assert merge({"expert": ["a"], "text": ["Wait"]}) == merge({"a": ["Wait"]})


def test_a_merge_becomes_a_frame():
    frame = merge({"a": ["Use 4 shards"], "b": ["Use 5 shards"]}).to_polars()
    assert frame["conflicts"].to_list() == [[1], [0]]
    assert frame["sources"].to_list()[0] == [{"expert": "a", "position": 1, "text": "Use 4 shards"}]
    assert merge({}).to_polars().schema == frame.schema


def test_many_rows_that_differ_by_a_number_are_linked_to_the_best_supported_only():
    said = {f"e{n}": [f"Use {n} shards"] for n in range(300)} | {"z": ["Use 7 shards"]}
    merged = merge(said)
    assert merged[0].text == "Use 7 shards"
    assert len(merged[0].conflicts) == 19
    assert sum(bool(row.conflicts) for row in merged) == 20


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"ana": "Wait"}, "list of recommendations is required of 'ana', a str came: wrap it"),
        ({"ana": ["Wait", 3]}, "Recommendation 2 of 'ana' must be a text with words, a int came"),
        ({"ana": ["..."]}, "Recommendation 1 of 'ana' must be a text with words, no words came"),
        ({"ana": 3}, "a int came"),
        ({1: ["Wait"]}, "named by text, 1 came"),
    ],
)
def test_what_is_no_list_of_recommendations_is_refused(said, why):
    with pytest.raises(InvalidInput, match=why):
        merge(said)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ({"text": ["Wait"], "who": ["a"]}, "expert is missing"),
        ({"expert": ["a"], "said": ["Wait"]}, "text is missing"),
        ({"expert": ["a", None], "text": ["Wait", "Go"]}, "'expert' must be filled, row 1 is null"),
        ({"expert": ["a"], "text": [3]}, "'text' must hold text, it holds Int64"),
        ({"expert": ["a"], "text": ["--- ..."], "task": [1]}, None),
        ({"expert": ["a"], "text": ["..."]}, "row 0 is '...': make it null"),
        (
            {"expert": ["a", "a"], "text": ["Wait", "Go"], "task": [1, 2]},
            "merged for one task, column 'task' holds 2",
        ),
    ],
)
def test_a_frame_that_cannot_be_merged_is_refused(frame, why):
    if why is None:
        assert len(merge(pl.DataFrame(frame))) == 1
        return
    with pytest.raises(InvalidFrame, match=why):
        merge(pl.DataFrame(frame))


@pytest.mark.parametrize("threshold", [0, 1.1, -1])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(InvalidInput, match="above 0 and at most 1"):
        merge({"a": ["Wait"]}, threshold=threshold)
    with pytest.raises(InvalidInput, match="above 0 and at most 1"):
        Lexical(threshold)


def test_too_many_alike_pairs_are_refused_rather_than_waited_for(monkeypatch):
    monkeypatch.setattr("consilience.dedup.near_claims._MOST_PAIRS", 2)
    with pytest.raises(InvalidInput, match="raise the threshold"):
        merge({"a": ["Add index"], "b": ["Add an index"], "c": ["Please add the index"]})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (
            lambda texts: [[1.0]],
            "a vector of finite numbers for each of 2 texts, an array of shape (1, 1) came",
        ),
        (lambda texts: [[float("nan")]] * len(texts), "with nan or infinite values"),
        (lambda texts: [1.0] * len(texts), "an array of shape (2,) came"),
    ],
)
def test_an_embedding_that_returns_something_else_is_refused(bad, why):
    with pytest.raises(InvalidInput) as caught:
        merge({"a": ["Wait"], "b": ["Go"]}, equivalence=Embeddings(bad, 0.5, name="bad"))
    assert why in str(caught.value)


def test_a_judge_that_says_neither_true_nor_false_or_would_be_asked_too_often_is_refused():
    with pytest.raises(InvalidInput, match="must return True or False, 'yes' came"):
        merge({"a": ["Wait"], "b": ["Go"]}, equivalence=Judge(lambda a, b: "yes"))
    with pytest.raises(InvalidInput, match="may be asked about 2 pairs, 3 texts have 3"):
        merge({"a": ["Wait"], "b": ["Go"], "c": ["Stay"]}, equivalence=Judge(lambda a, b: True, most=2))
    with pytest.raises(InvalidInput, match="cosine from -1 to 1, 2 came"):
        Embeddings(embed, 2)


def test_the_display_escapes_what_was_said_and_marks_conflicts():
    hostile = "<script>alert(1)</script> shard it"
    html = merge(
        {"<b>ana</b>": [hostile], "ben": [f"Do not {hostile}"], "cy": [hostile.upper()]}
    )._repr_html_()
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "contradicts row 1" in html
    assert "2 wordings" in html
    assert "2 recommendations" not in repr(merge({}))


def test_a_long_merge_shows_its_first_rows_and_counts_the_rest():
    html = merge({"a": [f"task{n}" for n in range(130)]})._repr_html_()
    assert "30 more rows" in html
    assert html.count("<tr>") == 101


def test_an_empty_merge_is_empty():
    assert (len(merge({})), merge({}).experts, len(Merged(()))) == (0, (), 0)


def test_a_thousand_recommendations_are_the_same_in_any_order():
    chance = random.Random(3)
    said = {
        f"e{n}": [f"{chance.choice(['Add', 'Remove'])} index {chance.randrange(40)}" for _ in range(50)]
        for n in range(20)
    }
    shuffled = dict(sorted(said.items(), key=lambda item: chance.random()))
    assert merge(said) == merge(shuffled)
