"""Elections with published results, oracles, and what the methods promise."""

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest

from consilience.aggregate import borda, bradley_terry, copeland, kemeny, plackett_luce, rrf, schulze
from consilience.errors import InvalidFrame, InvalidInput

METHODS = [borda, copeland, schulze, kemeny, bradley_terry, plackett_luce, rrf]
MODELS = [bradley_terry, plackett_luce]
# The capital of Tennessee, the standard example of voting theory: Memphis, Nashville, Chattanooga, Knoxville.
TENNESSEE = {"MNCK": 42, "NCKM": 26, "CKNM": 15, "KCNM": 17}
# M. Schulze, Social Choice and Welfare 36 (2011), example 1 of his later papers: 45 voters, E > A > C > B > D.
SCHULZE = {"ACBED": 5, "ADECB": 5, "BEDAC": 8, "CABED": 3, "CAEBD": 7, "CBADE": 2, "DCEBA": 7, "EBADC": 8}
# Games of the American League, 1987 (A. Agresti, Categorical Data Analysis, 2nd ed., table 10.10): row beat column.
TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
GAMES = [
    [0, 7, 9, 7, 7, 9, 11],
    [6, 0, 7, 5, 11, 9, 9],
    [4, 6, 0, 7, 7, 8, 12],
    [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12],
    [4, 4, 5, 6, 6, 0, 6],
    [2, 4, 1, 3, 1, 7, 0],
]
# The fit that R's BradleyTerry2 prints for them, Baltimore being 0.
STRENGTHS = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]


@pytest.fixture(params=METHODS, ids=lambda method: method.__name__)
def method(request):
    return request.param


def election(votes, task=1):
    rankings = [list(ballot) for ballot, n in votes.items() for _ in range(n)]
    return pl.DataFrame(
        {"task": [task] * len(rankings), "expert": range(len(rankings)), "ranking": rankings},
        schema_overrides={"ranking": pl.List(pl.String)},
    )


def order(found, task=1):
    return "".join(found.rankings.filter(task=task)["item"])


def ranks(found):
    return {
        (task, item): rank for task, item, rank in found.rankings.select("task", "item", "rank").iter_rows()
    }


def random_rankings(seed, n_experts=7, n_items=5, partial=False, ties=False, task=1):
    generator = np.random.default_rng(seed)
    rows = []
    for expert in range(n_experts):
        kept = generator.permutation(n_items)[: generator.integers(2, n_items + 1) if partial else n_items]
        places = generator.integers(0, 3, kept.size) if ties else np.arange(kept.size)
        rows += [
            (task, f"e{expert}", f"i{item}", int(place)) for item, place in zip(kept, places, strict=True)
        ]
    return pl.DataFrame(rows, schema=["task", "expert", "item", "rank"], orient="row")


def test_borda_of_tennessee():
    found = borda(election(TENNESSEE)).rankings
    assert found.select("item", "score").rows() == [("N", 194), ("C", 173), ("M", 126), ("K", 107)]


def test_copeland_of_tennessee():
    found = copeland(election(TENNESSEE))
    assert found.rankings.select("item", "score").rows() == [("N", 3), ("C", 2), ("K", 1), ("M", 0)]
    assert found.tasks["condorcet"].to_list() == ["N"]


def test_kemeny_of_tennessee():
    found = kemeny(election(TENNESSEE))
    assert order(found) == "NCKM"
    # its published score counts the pairs that agree: 393 of 600
    assert found.tasks.select("distance", "orders").row(0) == (600 - 393, 1)


def test_schulze_of_tennessee():
    assert order(schulze(election(TENNESSEE))) == "NCKM"


@pytest.mark.parametrize("strength", ["winning", "margin"])
def test_schulzes_own_example(strength):
    found = schulze(election(SCHULZE), strength=strength)
    assert order(found) == "EACBD"
    assert found.rankings["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found.tasks["condorcet"].to_list() == [None]


def test_a_cycle_is_a_tie_of_all_and_has_as_many_best_orders_as_rotations():
    frame = election({"abc": 1, "bca": 1, "cab": 1})
    for method in (borda, copeland, schulze, kemeny):
        assert method(frame).rankings["rank"].to_list() == [1, 1, 1]
        assert method(frame).ties["item"].to_list() == ["a", "b", "c"]
    assert kemeny(frame).tasks["orders"].item() == 3


def test_the_american_league_of_1987():
    pairs = [(TEAMS[i], TEAMS[j]) for i in range(7) for j in range(7) for _ in range(GAMES[i][j])]
    frame = pl.DataFrame({"task": 1, "expert": range(len(pairs)), "ranking": [list(pair) for pair in pairs]})
    for model in MODELS:
        found = dict(model(frame).rankings.select("item", "score").iter_rows())
        strengths = [round(found[team] - found["Baltimore"], 4) for team in TEAMS]
        assert strengths == STRENGTHS


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unranked", ["last", "ignored"])
def test_kemeny_is_the_best_of_all_orders(seed, unranked):
    frame = random_rankings(seed, partial=True, ties=True)
    items = sorted(set(frame["item"]))
    ballots = [dict(part.select("item", "rank").iter_rows()) for part in frame.partition_by("expert")]
    below = float("inf") if unranked == "last" else float("nan")

    def distance(candidate):
        pairs = itertools.combinations(candidate, 2)
        return sum(ballot.get(j, below) < ballot.get(i, below) for i, j in pairs for ballot in ballots)

    distances = {candidate: distance(candidate) for candidate in itertools.permutations(items)}
    least = min(distances.values())
    best = [candidate for candidate, value in distances.items() if value == least]
    found = kemeny(frame, unranked=unranked)
    assert found.tasks.select("distance", "orders").row(0) == (least, len(best))
    before = {
        item: sum(all(each.index(other) < each.index(item) for each in best) for other in items)
        for item in items
    }
    assert dict(found.rankings.select("item", "score").iter_rows()) == {
        i: len(items) - 1 - n for i, n in before.items()
    }


def test_borda_shares_what_is_left_among_the_unranked():
    found = borda({"task": [1], "expert": ["a"], "ranking": [["x"]]})
    assert found.rankings["score"].to_list() == [0.0]
    frame = {"task": [1, 1], "expert": ["a", "b"], "ranking": [["x"], ["y", "z", "x"]]}
    assert dict(borda(frame).rankings.select("item", "score").iter_rows()) == {"x": 2.0, "y": 2.5, "z": 1.5}


def test_items_that_were_not_compared_have_no_share_of_wins():
    found = borda({"task": [1, 1], "expert": ["a", "b"], "ranking": [["x"], ["y", "z"]]}, unranked="ignored")
    assert found.rankings.select("item", "rank", "score").rows() == [
        ("y", 1, 1.0),
        ("z", 2, 0.0),
        ("x", None, None),
    ]


def test_reciprocal_rank_fusion_gives_nothing_for_what_was_not_ranked():
    frame = {"task": [1, 1], "expert": ["a", "b"], "ranking": [["x", "y"], ["y"]]}
    scores = dict(rrf(frame).rankings.select("item", "score").iter_rows())
    assert scores == {"y": pytest.approx(1 / 62 + 1 / 61), "x": pytest.approx(1 / 61)}


def test_ties_in_the_input_share_the_mean_of_their_places():
    frame = {"task": [1], "expert": ["a"], "ranking": [[["x", "y"], ["z"]]]}
    assert rrf(frame).rankings["score"].to_list() == pytest.approx([1 / 61.5, 1 / 61.5, 1 / 63])
    assert borda(frame).rankings["rank"].to_list() == [1, 1, 3]


def test_lists_and_ranks_are_two_forms_of_one_frame(method):
    lists = {"task": [1, 1, 1], "expert": list("abc"), "ranking": [["x", "y"], ["y", "x"], ["x", "y"]]}
    long = {
        "task": [1] * 6,
        "expert": list("aabbcc"),
        "item": ["x", "y", "y", "x", "y", "x"],
        "rank": [1, 2, 1, 2, 9, 7],
    }
    assert method(lists).rankings.equals(method(long).rankings)


@pytest.mark.parametrize(
    "convert", [lambda f: f, lambda f: f.lazy(), lambda f: f.to_arrow(), lambda f: f.to_pandas()]
)
def test_polars_pandas_and_arrow_frames_are_taken(convert):
    assert order(schulze(convert(election(SCHULZE)))) == "EACBD"
    assert order(schulze(convert(random_rankings(1)))) == order(schulze(random_rankings(1)))


def test_pandas_lists_are_taken():
    frame = pd.DataFrame({"task": [1, 1], "expert": ["a", "b"], "ranking": [["x", "y"], None]})
    found = borda(frame)
    assert found.tasks.select("answered", "asked").row(0) == (1, 2)


def test_silence_counts_as_asked_and_a_task_without_an_answer_has_no_items(method):
    frame = {"task": [1, 1, 2, 2], "expert": list("abab"), "ranking": [["x", "y"], ["y", "x"], None, []]}
    found = method(frame)
    assert found.tasks.select("task", "items", "answered", "asked").rows() == [(1, 2, 2, 2), (2, 0, 0, 2)]
    assert found.rankings["task"].unique().to_list() == [1]
    heard = method({name: column[:2] for name, column in frame.items()})
    assert found.rankings.equals(heard.rankings)


@pytest.mark.parametrize("empty", [[], [None]])
def test_frames_without_an_answer_are_fine(method, empty):
    frame = pl.DataFrame(
        {"task": [1] * len(empty), "expert": ["a"] * len(empty), "ranking": empty},
        schema={"task": pl.Int64, "expert": pl.String, "ranking": pl.List(pl.String)},
    )
    found = method(frame)
    assert found.rankings.is_empty()
    assert len(found.tasks) == len(empty)
    assert found._repr_html_()


def test_one_expert_is_followed(method):
    found = method({"task": [1], "expert": ["a"], "ranking": [["z", "x", "y"]]}, **regular(method))
    assert order(found) == "zxy"


def regular(method):
    return {"regularisation": 0.1} if method in MODELS else {}


@pytest.mark.parametrize("model", MODELS)
def test_separation_is_said_and_regularisation_answers_it(model):
    frame = election({"xyz": 3}).vstack(election({"xyz": 2, "yzx": 1, "zxy": 1}, task=2))
    found = model(frame)
    assert found.tasks["separated"].to_list() == [True, False]
    assert found.rankings.filter(task=1)["rank"].to_list() == [None, None, None]
    assert "1 of 2 tasks are separated" in repr(found)
    finite = model(frame, regularisation=0.1)
    assert order(finite) == "xyz"
    assert finite.note == ""
    assert finite.rankings.filter(task=1)["share"].sum() == pytest.approx(1)


def test_regularisation_is_games_against_an_item_of_strength_one():
    games = [("x", "y")] * 3 + [("y", "z")] * 2 + [("z", "y")]
    made_up = [pair for item in "xyz" for pair in ((item, "one"), ("one", item))]
    frames = [
        pl.DataFrame({"task": 1, "expert": range(len(each)), "ranking": [list(pair) for pair in each]})
        for each in (games, games + made_up)
    ]
    regular = dict(bradley_terry(frames[0], regularisation=1).rankings.select("item", "score").iter_rows())
    plain = dict(bradley_terry(frames[1]).rankings.select("item", "score").iter_rows())
    for item in "yz":
        assert regular[item] - regular["x"] == pytest.approx(plain[item] - plain["x"], abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_that_is_cut_short_says_so(model):
    found = model(random_rankings(3), max_iterations=1, regularisation=0.1)
    assert "1 tasks had NOT settled: raise max_iterations" in repr(found)


def test_a_tie_for_the_last_place_joins_nothing_in_plackett_luce():
    frame = {"task": [1, 1], "expert": ["a", "b"], "ranking": [[["x"], ["y", "z"]], [["y"], ["x", "z"]]]}
    assert plackett_luce(frame).tasks["separated"].item()


def test_kemeny_refuses_more_than_ten_items_and_names_what_to_use():
    frame = {"task": ["t"], "expert": ["a"], "ranking": [[f"i{n}" for n in range(11)]]}
    with pytest.raises(InvalidInput, match="task 't' has 11: use schulze"):
        kemeny(frame)
    assert kemeny(election({"abcdefghij": 2})).tasks["distance"].item() == 0


def test_tasks_keep_the_order_of_first_appearance_and_their_own_items(method):
    frame = {
        "task": ["z", "a", "z", "a"],
        "expert": list("aabb"),
        "ranking": [["x", "y"], ["p"], ["y", "x"], ["p"]],
    }
    found = method(frame)
    assert found.tasks["task"].to_list() == ["z", "a"]
    assert found.rankings.select("task", "item").rows() == [("z", "x"), ("z", "y"), ("a", "p")]


def test_items_may_be_numbers(method):
    assert method({"task": [1], "expert": ["a"], "ranking": [[30, 4]]}, **regular(method)).winners.rows() == [
        (1, 30, False)
    ]


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (
            {"task": [1], "expert": ["a"]},
            "The columns task, expert, ranking .* are required.* task, expert came",
        ),
        ({"task": [1], "ranking": [["x"]]}, "expert is missing"),
        (
            {"task": [1, None], "expert": ["a", "b"], "ranking": [["x"], ["y"]]},
            "'task' must be filled, row 1 is null",
        ),
        ({"task": [1], "expert": ["a"], "ranking": ["x>y"]}, "must hold lists with the best item first"),
        ({"task": [1], "expert": ["a"], "ranking": [["x", 1]]}, "cannot be read"),
        ({"task": [1], "expert": ["a"], "ranking": [["x", None]]}, "'a' ranks a null on task 1"),
        ({"task": [1], "expert": ["a"], "ranking": [[["x"], []]]}, "'a' ranks a null on task 1"),
        ({"task": [7], "expert": ["a"], "ranking": [["x", "y", "x"]]}, "'a' has 'x' twice on task 7"),
        (
            {"task": [1, 1], "expert": ["a", "a"], "ranking": [["x"], ["y"]]},
            "'a' has more than one row for task 1",
        ),
        (
            {"task": [1, 1], "expert": ["a"] * 2, "item": ["x", "x"], "rank": [1, 2]},
            "'a' has 'x' twice on task 1",
        ),
        ({"task": [1], "expert": ["a"], "item": ["x"], "rank": ["first"]}, "'rank' must hold numbers"),
        (
            {"task": [1], "expert": ["a"], "item": ["x"], "rank": [float("nan")]},
            "row 0 of column 'rank' holds nan",
        ),
        ({"task": [1], "expert": ["a"], "item": [None], "rank": [1]}, "'a' ranks a null on task 1"),
    ],
)
def test_a_frame_that_cannot_be_used_names_column_and_row(method, frame, why):
    with pytest.raises(InvalidFrame, match=why):
        method(frame)


@pytest.mark.parametrize(
    ("method", "option"),
    [
        (borda, {"unranked": "first"}),
        (kemeny, {"unranked": "first"}),
        (copeland, {"unranked": None}),
        (schulze, {"strength": "ratio"}),
        (rrf, {"k": -1}),
        (bradley_terry, {"regularisation": -1}),
        (bradley_terry, {"max_iterations": 0}),
        (plackett_luce, {"tolerance": 0}),
        (plackett_luce, {"unranked": "x"}),
    ],
)
def test_options_outside_their_range_are_refused(method, option):
    with pytest.raises(InvalidInput, match=next(iter(option))):
        method(election(TENNESSEE), **option)


def test_too_many_pairs_are_refused_before_memory_is_taken():
    frame = pl.DataFrame({"task": 1, "expert": "a", "item": range(10_000), "rank": range(10_000)})
    with pytest.raises(InvalidInput, match="use borda or rrf"):
        schulze(frame)
    assert borda(frame).winners["item"].to_list() == [0]


def test_a_ranking_escapes_items_in_html_and_shows_its_method():
    found = borda({"task": [1], "expert": ["a"], "ranking": [["<script>"]]})
    assert "<script>" not in found._repr_html_()
    assert repr(found) == "<ConsensusRanking by Borda, unranked last: 1 of 1 tasks have one winner>"
    assert found.to_polars() is found.rankings
