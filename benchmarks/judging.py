"""What agreement, pools and rankings cost on a million labels: median seconds and CPU seconds of a few runs.

Run it as::

    python benchmarks/judging.py --labels 1000000 --runs 3

The frames hold integers, 5 answers a task by 100 experts; where a method compares all experts, 5 experts answer every
task. Coefficients include their 1,000 bootstrap draws.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience import aggregate, agreement

EACH = 5


def answers(n: int, experts: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return tasks, experts and labels 0 to 3 that are right seven times in ten, rows shuffled."""
    generator = np.random.default_rng(seed)
    tasks = n // EACH
    task = np.repeat(np.arange(tasks), EACH)
    first = np.repeat(generator.integers(0, experts, tasks), EACH)
    expert = (first + np.tile(np.arange(EACH), tasks) * (experts // EACH)) % experts
    truth = np.repeat(generator.integers(0, 4, tasks), EACH)
    label = np.where(generator.random(task.size) < 0.7, truth, generator.integers(0, 4, task.size))
    score = truth * 10 + generator.normal(size=task.size) * (1 + expert % 5)
    order = generator.permutation(task.size)
    columns = {"task": task, "expert": expert, "label": label, "score": score, "rank": score}
    return {name: column[order] for name, column in columns.items()}


def frames(n: int) -> dict[str, pl.DataFrame]:
    many, few = (pl.DataFrame(answers(n, experts)) for experts in (100, EACH))
    chance = pl.col("score").rank() / (n + 1)
    items = pl.concat_list("label", pl.col("label") // 2)
    # rankings of five items: an expert of a task becomes an item, four experts a task
    rankings = few.select(
        (pl.col("task") // 4).alias("task"), (pl.col("task") % 4).alias("expert"), item="expert", rank="rank"
    )
    return {
        "labels": many.select("task", "expert", "label"),
        "labels, all experts": few.select("task", "expert", "label"),
        "two experts": few.filter(pl.col("expert") < 2).select("task", "expert", "label", "score"),
        "scores": many.select("task", "expert", "score"),
        "scores, all experts": few.select("task", "expert", "score"),
        "points, all experts": few.select("task", "expert", score="label"),
        "probabilities": many.select("task", "expert", score=chance),
        "sets": many.select("task", "expert", items=items),
        "rankings": rankings,
    }


def alpha(level: str) -> Callable[[pl.DataFrame], Any]:
    return lambda frame: agreement.krippendorff_alpha(frame.rename({frame.columns[2]: "label"}), level)


def cases() -> list[tuple[str, str, Callable[[pl.DataFrame], Any]]]:
    labels = [agreement.fleiss_kappa, agreement.gwet_ac1, agreement.gwet_ac2, agreement.brennan_prediger]
    centres = [aggregate.median, aggregate.trimmed_mean, aggregate.huber_mean, aggregate.inverse_variance]
    rankings = [aggregate.borda, aggregate.rrf, aggregate.copeland, aggregate.schulze, aggregate.kemeny]
    return [
        ("alpha, nominal", "labels", alpha("nominal")),
        ("alpha, ordinal", "labels", alpha("ordinal")),
        ("alpha, interval, numbers that all differ", "scores", alpha("interval")),
        *((method.__name__, "labels", method) for method in labels),
        ("conger_kappa", "labels, all experts", agreement.conger_kappa),
        ("conger_kappa, 100 experts", "labels", agreement.conger_kappa),
        ("cohen_kappa", "two experts", agreement.cohen_kappa),
        ("set_alpha", "sets", agreement.set_alpha),
        ("icc", "scores, all experts", agreement.icc),
        ("kendall_w, scores that all differ", "scores, all experts", agreement.kendall_w),
        ("kendall_w, four scores", "points, all experts", agreement.kendall_w),
        ("kendall_tau_b", "two experts", agreement.kendall_tau_b),
        ("majority", "labels", aggregate.majority),
        (
            "weighted_majority",
            "labels",
            lambda f: aggregate.weighted_majority(f, dict.fromkeys(range(100), 1)),
        ),
        ("dawid_skene", "labels", aggregate.dawid_skene),
        ("dawid_skene, skill_intervals", "labels", lambda f: aggregate.dawid_skene(f).skill_intervals()),
        *((method.__name__, "scores", method) for method in centres),
        ("bias_and_scale", "scores", aggregate.bias_and_scale),
        ("log_pool", "probabilities", aggregate.log_pool),
        ("extremised_pool", "probabilities", aggregate.extremised_pool),
        ("brier_score", "probabilities", lambda f: aggregate.brier_score(f, gold_of(f))),
        *((method.__name__, "rankings", method) for method in rankings),
        ("bradley_terry", "rankings", lambda f: aggregate.bradley_terry(f, regularisation=0.1)),
        ("plackett_luce", "rankings", lambda f: aggregate.plackett_luce(f, regularisation=0.1)),
    ]


def gold_of(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("task").unique().with_columns(score=pl.col("task") % 2)


def timed(work: Callable[[], Any], runs: int) -> tuple[float, float]:
    wall, cpu = [], []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start[0])
        cpu.append(time.process_time() - start[1])
    return statistics.median(wall), statistics.median(cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the names to run")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures = []
    given = frames(options.labels)
    print(f"{'what':45} {'frame':22} {'rows':>10} {'wall s':>8} {'CPU s':>8}")
    for name, frame, work in cases():
        if options.only in name:
            wall, cpu = timed(lambda work=work, frame=frame: work(given[frame]), options.runs)
            print(f"{name:45} {frame:22} {given[frame].height:10,} {wall:8.2f} {cpu:8.2f}", flush=True)
            figures.append({"what": name, "rows": given[frame].height, "wall": wall, "cpu": cpu})
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
