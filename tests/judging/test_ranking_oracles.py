"""Rankings and strengths beside other programs."""

from pathlib import Path

import choix
import numpy as np
import polars as pl
import pytest

from consilience.aggregate import borda, bradley_terry, copeland, kemeny, plackett_luce

CORANKCO = pl.read_csv(Path(__file__).parents[1] / "reference" / "corankco.csv").to_dicts()


@pytest.mark.parametrize("seed", range(5))
def test_bradley_terry_is_what_choix_finds(seed):
    generator = np.random.default_rng(seed)
    pairs = [tuple(int(i) for i in generator.permutation(6)[:2]) for _ in range(120)]
    frame = pl.DataFrame({"task": 1, "expert": range(120), "ranking": [list(pair) for pair in pairs]})
    found = bradley_terry(frame).rankings.sort("item")["score"].to_numpy()
    assert found == pytest.approx(choix.opt_pairwise(6, pairs, tol=1e-10), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_plackett_luce_is_what_choix_finds_on_partial_rankings(seed):
    generator = np.random.default_rng(seed)
    rankings = [
        tuple(int(i) for i in generator.permutation(6)[: generator.integers(2, 7)]) for _ in range(40)
    ]
    frame = pl.DataFrame({"task": 1, "expert": range(40), "ranking": [list(each) for each in rankings]})
    found = plackett_luce(frame).rankings.sort("item")["score"].to_numpy()
    assert found == pytest.approx(choix.opt_rankings(6, rankings, tol=1e-10), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_plackett_luce_of_the_best_few_is_what_choix_finds_stage_by_stage(seed):
    generator = np.random.default_rng(seed)
    best = [[int(i) for i in generator.permutation(6)[:3]] for _ in range(40)]
    frame = pl.DataFrame({"task": 1, "expert": range(40), "ranking": best})
    stages = [(each[n], [i for i in range(6) if i not in each[: n + 1]]) for each in best for n in range(3)]
    found = plackett_luce(frame, unranked="last").rankings.sort("item")["score"].to_numpy()
    assert found == pytest.approx(choix.opt_top1(6, stages, tol=1e-10), abs=1e-4)


@pytest.mark.parametrize("row", CORANKCO, ids=lambda row: f"{row['method']}-{len(row['election'])}")
def test_what_corankco_says(row):
    rankings = [[place.split("=") for place in each.split(">")] for each in row["election"].split("|")]
    frame = pl.DataFrame({"task": 1, "expert": range(len(rankings)), "ranking": rankings})
    found = {"borda": borda, "copeland": copeland, "kemeny": kemeny}[row["method"]](frame)
    if row["method"] == "kemeny":
        assert found.tasks["distance"].item() == row["distance"]
        if found.tasks["orders"].item() > 1:
            return  # corankco names one of them
    places = found.rankings.group_by("rank").agg(pl.col("item").sort().str.join("=")).sort("rank")
    assert ">".join(places["item"]) == row["consensus"]
