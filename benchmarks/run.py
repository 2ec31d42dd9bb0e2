"""The benchmarks, one after another: what ``make bench`` runs.

    python benchmarks/run.py [--quick] [--only aggregation] [--json PATH]

It says first which peers are here. Each benchmark prints its own table; ``--json`` keeps the figures of all, with the
machine and the versions. ``--quick`` takes the small sizes, for a look in some minutes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from consilience import bench

HERE = Path(__file__).parent
# Benchmarks and their options for the small sizes and the usual ones.
BENCHMARKS = {
    "near_duplicates": (["--sizes", "2000", "--matrices", "2000", "--scale", "20000"], []),
    "caches": (["--rounds", "5", "--requests", "100000"], []),
    "aggregation": (["--sizes", "10000"], ["--sizes", "10000", "100000"]),
    "policies": (["--rounds", "5", "--calls", "500"], ["--rounds", "21", "--calls", "1500"]),
    "scanning": (["--megabytes", "10", "--rounds", "3"], []),
    "responsiveness": (["--texts", "100000", "--answers", "1000000"], []),
    "judging": (["--labels", "100000", "--runs", "1"], []),
    "evaluation": ([], []),
    "pools": (
        ["--rounds", "3", "--calls", "200", "--consultations", "1000", "--consultation-rounds", "1"],
        [],
    ),
    "runs": (["--rounds", "1"], []),
    "circle_load": (["--questions", "200", "--repeats", "1"], []),
    "importing": (["--repeats", "3"], []),
    "files": (["--megabytes", "50", "--repeats", "1", "--kinds", ".jsonl", ".jsonl.gz"], []),
    "strategies": ([], []),
    "agreement_and_duplicates": (["--texts", "20000", "--repeats", "2"], []),
    "merging": (["--n", "10000", "--runs", "1"], []),
}
MODULES = {"crowd-kit": "crowdkit", "pyahocorasick": "ahocorasick", "scikit-learn": "sklearn"}


def peers() -> dict[str, str]:
    """Return the version of each peer, or why it is absent."""
    declared = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return {name: state(name) for name in declared["project"]["optional-dependencies"]["bench"]}


def state(name: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"ABSENT, not installed: pip install {name}"
    try:
        importlib.import_module(MODULES.get(name, name))
    except Exception as error:  # noqa: BLE001 - whatever a peer raises at import, it is named and the rest runs
        return f"ABSENT, {found} does not import: {type(error).__name__}: {error}"
    return found


def run(name: str, options: list[str]) -> Any:
    """Run one benchmark, its output passed on, and return its figures; None when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / f"{name}.py"), *options, "--json", str(figures)]
        print(f"\n{name} {' '.join(options)}\n", flush=True)
        done = subprocess.run(command, check=False)
        if done.returncode:
            print(f"{name} ended with {done.returncode}", flush=True)
        return json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=BENCHMARKS, help="one of them")
    parser.add_argument("--json", type=Path, help="write the figures of all here")
    chosen = parser.parse_args()
    facts = bench.facts() | {"processor": platform.processor(), "cpus": str(os.cpu_count())}
    print(*(f"{name}: {value}" for name, value in facts.items()), sep="\n")
    here = peers()
    print("\npeers", *(f"  {name:<20} {found}" for name, found in here.items()), sep="\n")
    names = [chosen.only] if chosen.only else list(BENCHMARKS)
    found = {name: run(name, BENCHMARKS[name][0 if chosen.quick else 1]) for name in names}
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        report = {"facts": facts, "peers": here, "benchmarks": found}
        chosen.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nfigures: {chosen.json}")
    failed = [name for name, figures in found.items() if figures is None]
    if failed:
        raise SystemExit(f"without figures: {', '.join(failed)}")


if __name__ == "__main__":
    main()
