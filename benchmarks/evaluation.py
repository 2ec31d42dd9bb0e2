"""How long `cs.evaluate` takes on 10,000 tasks and 5 experts, with 1,000 bootstrap draws.

Medians of CPU and wall time over nine runs, for the majority alone and for all methods, without and with confidences.

    python benchmarks/evaluation.py [--json PATH]
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import consilience as cs

TASKS, RUNS = 10_000, 9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures = []
    made = cs.simulate.answers([0.8] * 5, tasks=TASKS, labels=list("abcd"), correlation=0.3, seed=1)
    bare = made.answers.select("task", "expert", "label")
    cases = {
        "majority": (bare, ["majority"]),
        "all methods": (bare, cs.evaluation.METHODS),
        "all methods, confidence and cost": (made.answers, cs.evaluation.METHODS),
    }
    times = {name: [] for name in cases}
    for run in range(RUNS + 1):
        for name, (frame, methods) in cases.items():
            cpu, wall = time.process_time(), time.perf_counter()
            report = cs.evaluate(frame, made.gold, methods=methods)
            took = time.process_time() - cpu, time.perf_counter() - wall
            if run:  # the first loads modules
                times[name].append(took)
    for name, took in times.items():
        cpu, wall = (statistics.median(each) for each in zip(*took, strict=True))
        print(f"{name:34} {cpu:.2f} s of CPU, {wall:.2f} s")
        figures.append({"what": name, "cpu": cpu, "wall": wall})
    cpu = time.process_time()
    report.best_sub_circle()
    cpu = time.process_time() - cpu
    print(f"{'best of 31 sub-circles':34} {cpu:.2f} s of CPU")
    figures.append({"what": "best of 31 sub-circles", "cpu": cpu})
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
