"""Free text: clusters of answers, self-consistency, medoid, semantic entropy, beside unrelated texts."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.aggregate import medoid, self_consistency, semantic_entropy, text_clusters
from consilience.equivalence import Embeddings, Entailment, Equivalence, Judge, Lexical
from consilience.errors import InvalidFrame, InvalidInput

METHODS = [medoid, self_consistency, semantic_entropy, text_clusters]


def one_task(*said):
    return pl.DataFrame(
        {"task": ["t"] * len(said), "expert": [f"e{n}" for n in range(len(said))], "text": said}
    )


def many_tasks(*tasks):
    rows = [(t, f"e{n}", text) for t, said in enumerate(tasks) for n, text in enumerate(said)]
    return pl.DataFrame(rows, schema=["task", "expert", "text"], orient="row")


def same_place(texts):
    return np.ones((len(texts), 3))


TRAPS = [
    ("Shard the orders table by tenant", "Do not shard the orders table by tenant"),
    ("Use 4 shards for the orders table", "Use 8 shards for the orders table"),
]


@pytest.mark.parametrize(("left", "right"), TRAPS)
@pytest.mark.parametrize(
    "equivalence",
    [
        None,
        Embeddings(same_place, 0.9),
        Judge(lambda a, b: True, name="yes"),
        Entailment(lambda a, b: True, name="yes"),
    ],
)
def test_a_negation_and_a_changed_number_are_other_answers(left, right, equivalence):
    frame = one_task(left, right)
    assert len(text_clusters(frame, equivalence=equivalence).clusters) == 2
    assert self_consistency(frame, equivalence=equivalence).answers["decision"].item() == "tie"
    assert semantic_entropy(frame, equivalence=equivalence).answers["entropy"].item() == pytest.approx(
        math.log(2)
    )
    assert medoid(frame, equivalence=equivalence).answers["similarity"].item() == 0


def test_clusters_hold_the_experts_who_said_the_same():
    found = text_clusters(one_task("Use 4 shards.", "use four shards", "Wait", None)).clusters
    assert found.select("cluster", "text", "votes").rows() == [(0, "Use 4 shards.", 2), (1, "Wait", 1)]
    assert found["experts"].to_list() == [["e0", "e1"], ["e2"]]


def test_self_consistency_is_the_share_of_the_largest_cluster():
    frame = many_tasks(
        ["Shard it", "shard it.", "Wait", None],
        ["Yes", "No"],
        [None, None],
        ["Go", "go", "Stay", "Sit", None],
    )
    found = self_consistency(frame).answers
    assert found["answer"].to_list() == ["Shard it", None, None, "Go"]
    assert found["share"].to_list() == [2 / 3, 0.5, None, 0.5]
    assert found["decision"].to_list() == ["plurality", "tie", "no answer", "plurality"]
    assert found.select("answered", "asked").rows() == [(3, 4), (2, 2), (0, 2), (4, 5)]


def test_a_majority_is_of_those_asked():
    assert self_consistency(one_task("Go", "go", None)).answers["decision"].item() == "majority"
    assert self_consistency(one_task("Go", "go", None, None)).answers["decision"].item() == "plurality"


def test_semantic_entropy_is_zero_when_all_say_the_same_and_highest_when_none_do():
    found = semantic_entropy(many_tasks(["Shard it"] * 4, ["Shard", "Wait", "Index", "Cache"])).answers
    assert found["entropy"].to_list() == pytest.approx([0, math.log(4)])
    assert found["highest"].to_list() == pytest.approx([math.log(4)] * 2)


def test_the_entropy_of_two_one_one_is_known():
    assert semantic_entropy(one_task("Go", "go", "Stay", "Sit")).answers["entropy"].item() == pytest.approx(
        1.5 * math.log(2)
    )


def test_the_medoid_is_the_text_most_like_the_others():
    found = medoid(
        one_task("Shard by tenant", "Shard the orders by tenant", "Shard orders by tenant and day", "Wait")
    )
    assert found.answers["answer"].item() == "Shard the orders by tenant"


def test_equally_central_texts_are_a_tie_and_a_single_answer_has_no_similarity():
    found = medoid(many_tasks(["Go", "Stay"], ["Go", None], [None])).answers
    assert found["answer"].to_list() == [None, "Go", None]
    assert found["similarity"].to_list() == [0, None, None]


def test_an_answer_given_twice_is_alike_to_itself():
    found = medoid(one_task("Go", "go", "Stay")).answers
    assert found.select("answer", "similarity").rows() == [("Go", 0.5)]


def test_the_unrelated_value_is_that_of_answers_to_other_tasks():
    words = ["Shard", "Index", "Cache", "Vacuum", "Wait"]
    apart = many_tasks(*([word] * 3 for word in words))
    assert semantic_entropy(apart).answers["unrelated"].to_list() == pytest.approx([math.log(3)] * 5)
    assert self_consistency(apart).answers["unrelated"].to_list() == pytest.approx([1 / 3] * 5)
    assert medoid(apart).answers["unrelated"].to_list() == [0] * 5


def test_answers_that_are_the_same_everywhere_are_worth_nothing_beside_their_unrelated_value():
    found = self_consistency(many_tasks(*(["Yes"] * 3 for _ in range(5)))).answers
    assert found["share"].to_list() == found["unrelated"].to_list() == [1.0] * 5


def test_an_embedding_that_puts_everything_close_shows_it_in_the_unrelated_value():
    def crowded(texts):
        return np.array([[10.0, len(text)] for text in texts])

    found = medoid(many_tasks(["Shard it"] * 2, ["Wait"] * 2), equivalence=Embeddings(crowded, 0.99)).answers
    assert found["unrelated"][0] > 0.9


def test_one_task_has_no_unrelated_value_unless_texts_are_given():
    alone = one_task("Go", "Stay")
    found = semantic_entropy(alone)
    assert found.answers["unrelated"].item() is None
    assert "give unrelated=" in repr(found)
    given = semantic_entropy(alone, unrelated=["Cats purr", "Rates rise", "It rains"])
    assert given.answers["unrelated"].item() == pytest.approx(math.log(2))
    assert given.note == ""


def test_more_answers_than_unrelated_texts_have_no_value():
    assert (
        self_consistency(one_task("Go", "Stay", "Sit"), unrelated=["Cats purr", "It rains"])
        .answers["unrelated"]
        .item()
        is None
    )


def test_an_empty_list_spends_no_call_on_unrelated_texts():
    asked = []

    def same(one, other):
        asked.append((one, other))
        return False

    self_consistency(
        many_tasks(["Go", "Stay"], ["Cats purr", "It rains"]), equivalence=Judge(same), unrelated=[]
    )
    assert len(asked) == 2


def test_embeddings_are_asked_once_for_all_texts():
    calls = []

    def embed(texts):
        calls.append(len(texts))
        return np.eye(max(len(texts), 4))[: len(texts)]

    self_consistency(
        many_tasks(["Go", "go", "Stay"], ["Wait", "Go"]), equivalence=Embeddings(embed, 0.9), unrelated=[]
    )
    assert calls == [3]


def test_one_way_entailment_is_not_the_same_answer():
    contains = Entailment(
        lambda premise, hypothesis: set(hypothesis.split()) <= set(premise.split()), name="subset"
    )
    assert (
        len(text_clusters(one_task("shard the big table", "the big table"), equivalence=contains).clusters)
        == 2
    )
    assert (
        len(text_clusters(one_task("big table shard", "table shard big"), equivalence=contains).clusters) == 1
    )


def test_a_measure_by_words_is_never_called_entailment():
    for method in METHODS:
        assert "entail" not in repr(method(one_task("Go", "Stay")))
    assert "entailment both ways by nli" in repr(
        semantic_entropy(one_task("Go", "Stay"), equivalence=Entailment(lambda a, b: True, name="nli"))
    )


def test_an_equivalence_of_ones_own_is_taken():
    class FirstWord:
        method = "first word"

        def over(self, claims):
            self.claims = claims
            return self

        def pairs(self, rows):
            first = [self.claims[row].text.split()[0] for row in rows]
            return [
                (i, j, 1.0)
                for i in rows
                for j in rows
                if i < j and first[rows.index(i)] == first[rows.index(j)]
            ]

        def similarity(self, rows):
            return np.eye(len(rows))

    assert isinstance(FirstWord(), Equivalence)
    found = text_clusters(one_task("Shard now", "Shard later", "Wait"), equivalence=FirstWord())
    assert found.clusters["votes"].to_list() == [2, 1]
    assert "first word" in repr(found)


def test_many_texts_of_one_task_are_joined_as_few_are():
    said = [
        f"{verb} the {thing} of shard {n}"
        for n in range(12)
        for verb in ("add", "drop")
        for thing in ("index", "view", "view now")
    ]
    claims_of = text_clusters(one_task(*said)).clusters
    few = [text_clusters(one_task(*said[n : n + 6])).clusters for n in range(0, len(said), 6)]
    assert sorted(claims_of["votes"]) == sorted(vote for each in few for vote in each["votes"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("frame", "why"),
    [
        ({"task": [1], "expert": ["a"]}, "text is missing"),
        (
            {"task": [1], "expert": ["a"], "text": [3]},
            "Column 'text' must hold text, it holds Int64: cast it",
        ),
        ({"task": [1], "expert": ["a"], "label": [True]}, "Column 'label' must hold text, it holds Boolean"),
        (
            {"task": [1, 1], "expert": ["a", "a"], "text": ["Go", "Go"]},
            "'a' has more than one row for task 1",
        ),
        ({"task": [1, 2], "expert": ["a", "b"], "text": ["Go", " "]}, "row 1 is ' ': make it null"),
        ({"task": [1], "expert": [None], "text": ["Go"]}, "'expert' must be filled"),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused(method, frame, why):
    with pytest.raises(InvalidFrame, match=why):
        method(pl.DataFrame(frame, schema_overrides={"expert": pl.String}))


@pytest.mark.parametrize("unrelated", ["Cats purr", ["Cats purr"], ["Cats purr", ""], ["Cats purr", 3]])
@pytest.mark.parametrize("method", [medoid, self_consistency, semantic_entropy])
def test_unrelated_texts_that_are_none_are_refused(method, unrelated):
    with pytest.raises(InvalidInput, match="unrelated takes two or more texts"):
        method(one_task("Go", "Stay"), unrelated=unrelated)


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_frame_and_one_without_answers_give_empty_results(method):
    empty = one_task("Go").clear()
    assert method(empty).answers.is_empty()
    nothing = method(one_task("Go").with_columns(text=pl.lit(None, pl.String)))
    assert (nothing.answers["answered"].item(), len(nothing.clusters)) == (0, 0)
    assert nothing.to_polars().equals(nothing.answers)


@pytest.mark.parametrize("method", METHODS)
def test_the_display_escapes_what_was_said(method):
    html = method(one_task("<script>alert(1)</script>", "<SCRIPT>alert(1)</script>", "Stay"))._repr_html_()
    assert "<script" not in html.lower().replace("&lt;script", "")


def test_pandas_frames_and_labels_are_taken():
    frame = one_task("Go", "go").rename({"text": "label"}).to_pandas()
    assert self_consistency(frame).answers["answer"].to_list() == ["Go"]


said = st.lists(
    st.lists(
        st.sampled_from(["Shard", "shard.", "Do not shard", "4 shards", "Wait", None]), min_size=1, max_size=5
    ),
    min_size=1,
    max_size=4,
)


@given(said, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_rows_and_experts_does_not_matter(tasks, random):
    frame = many_tasks(*tasks).cast({"text": pl.String})
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    for method in METHODS:
        first, second = method(frame, **OPTIONS[method]), method(shuffled, **OPTIONS[method])
        assert first.answers.sort("task").equals(second.answers.sort("task"))
        assert first.clusters.sort("task", "cluster").equals(second.clusters.sort("task", "cluster"))


OPTIONS = {method: {"unrelated": ["Cats purr", "It rains"]} for method in METHODS} | {text_clusters: {}}


@given(said)
@settings(max_examples=40)
def test_shares_and_entropies_stay_in_their_bounds(tasks):
    frame = many_tasks(*tasks).cast({"text": pl.String})
    for share, answered in self_consistency(frame).answers.select("share", "answered").iter_rows():
        assert (share is None) == (answered == 0)
        assert share is None or 1 / answered <= share <= 1
    for value, highest in semantic_entropy(frame).answers.select("entropy", "highest").iter_rows():
        assert value is None or 0 <= value <= highest + 1e-12


@pytest.mark.parametrize(
    "equivalence", [Lexical(), Judge(bool), Entailment(bool), Embeddings(same_place, 0.5)]
)
def test_every_equivalence_is_one(equivalence):
    assert isinstance(equivalence, Equivalence)
    assert equivalence.method
    assert type(equivalence).__name__ in repr(equivalence)
