"""What must hold for any rankings: order, names, Condorcet."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.aggregate import borda, bradley_terry, copeland, kemeny, plackett_luce, rrf, schulze

ITEMS = "abcde"
RENAMED = dict(zip(ITEMS, "zyxwv", strict=True))
METHODS = [borda, copeland, schulze, kemeny, bradley_terry, plackett_luce, rrf]
CONDORCET = [copeland, schulze, kemeny]
FEW = settings(max_examples=20)


@st.composite
def ballots(draw):
    """Rows of rankings with ties and items left out, over two tasks."""
    rows = []
    for task in (1, 2):
        for expert in range(draw(st.integers(1, 5))):
            places = draw(st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 4), min_size=1))
            rows += [(task, f"e{expert}", item, place) for item, place in places.items()]
    return pl.DataFrame(rows, schema=["task", "expert", "item", "rank"], orient="row")


@st.composite
def full(draw):
    lists = draw(st.lists(st.permutations(ITEMS), min_size=1, max_size=7))
    return pl.DataFrame({"task": 1, "expert": range(len(lists)), "ranking": [list(each) for each in lists]})


@pytest.fixture(params=METHODS, ids=lambda method: method.__name__, scope="module")
def method(request):
    options = {"regularisation": 0.5} if request.param in (bradley_terry, plackett_luce) else {}
    return lambda frame: request.param(frame, **options)


def ranks(found):
    return {
        (task, item): rank for task, item, rank in found.rankings.select("task", "item", "rank").iter_rows()
    }


@FEW
@given(frame=ballots(), seed=st.integers(0, 999))
def test_the_order_of_rows_changes_no_number(method, frame, seed):
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    first, second = (method(each).rankings.sort("task", "rank", "item") for each in (frame, shuffled))
    assert first.equals(second)


@FEW
@given(frame=ballots())
def test_the_names_of_experts_and_items_change_no_rank(method, frame):
    renamed = frame.with_columns(
        pl.col("item").replace(RENAMED), pl.col("expert").str.replace("e", "").cast(pl.Int64).neg()
    )
    expected = {(task, RENAMED[item]): rank for (task, item), rank in ranks(method(frame)).items()}
    assert ranks(method(renamed)) == expected


@FEW
@given(frame=ballots())
def test_ranks_are_by_score_and_ties_are_marked(method, frame):
    for part in method(frame).rankings.partition_by("task"):
        rank, score = part["rank"].to_list(), part["score"].to_list()
        assert sorted(rank) == rank
        assert all(left >= right - 1e-6 for left, right in itertools.pairwise(score))
        assert part["tied"].to_list() == [rank.count(each) > 1 for each in rank]
        assert rank == [1 + sum(other < each for other in rank) for each in rank]


@FEW
@given(frame=ballots())
def test_a_task_is_ranked_as_if_it_were_alone(method, frame):
    both = ranks(method(frame))
    alone = {key: rank for part in frame.partition_by("task") for key, rank in ranks(method(part)).items()}
    assert both == alone


@FEW
@given(frame=full())
def test_unanimous_experts_are_followed(method, frame):
    first = frame["ranking"][0]
    same = frame.with_columns(ranking=pl.Series([first.to_list()] * len(frame)))
    assert method(same).rankings["item"].to_list() == first.to_list()


@FEW
@given(frame=full())
@pytest.mark.parametrize("method", CONDORCET)
def test_a_condorcet_winner_is_alone_in_front(method, frame):
    found = method(frame)
    winner = found.tasks["condorcet"].item()
    if winner is not None:
        assert found.winners.rows() == [(1, winner, False)]


@FEW
@given(frame=full())
def test_schulze_and_kemeny_respect_every_unanimous_pair(frame):
    place = [{item: ballot.index(item) for item in ITEMS} for ballot in frame["ranking"].to_list()]
    for method in (schulze, kemeny):
        rank = ranks(method(frame))
        for i in ITEMS:
            for j in ITEMS:
                if all(each[i] < each[j] for each in place):
                    assert rank[1, i] < rank[1, j]


@FEW
@given(frame=full())
def test_turning_every_ranking_around_turns_borda_and_copeland_around(frame):
    around = frame.with_columns(pl.col("ranking").list.reverse())
    for method in (borda, copeland):
        forth = dict(method(frame).rankings.select("item", "score").iter_rows())
        back = dict(method(around).rankings.select("item", "score").iter_rows())
        assert len({forth[item] + back[item] for item in ITEMS}) == 1


@FEW
@given(frame=full())
@pytest.mark.parametrize("method", [borda, *CONDORCET])
def test_a_circle_entered_twice_gives_the_same_ranking(method, frame):
    twice = pl.concat([frame, frame.with_columns(expert=pl.col("expert") + 100)])
    assert ranks(method(frame)) == ranks(method(twice))
