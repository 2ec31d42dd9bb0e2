"""What the import costs, and which providers' clients it loads: none.

    python benchmarks/importing.py [--repeats 7] [--json FILE]

Each figure from interpreters of their own: CPU time beside that of an interpreter that does nothing, and which
clients and other heavy packages are loaded then.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

STEPS = {
    "nothing": "",
    "import": "import consilience as cs",
    "a circle of three providers": (
        "import consilience as cs\n"
        "circle = cs.Circle(['openai:gpt-4o', 'anthropic:claude-opus-4-8', 'google:gemini-2.5-flash'])"
    ),
    "a question to a script": (
        "import consilience as cs\n"
        "cs.Circle([cs.Scripted('ana', ['yes'])]).ask_sync('Is it?', answer=cs.Label('yes', 'no'))"
    ),
}
CLIENTS = ["openai", "anthropic", "google.genai", "pydantic_ai", "httpx", "httpx2", "aiohttp"]
HEAVY = ["numpy", "polars", "pandas", "pyarrow", "duckdb", "panel", "bokeh", "ipywidgets"]
MEASURE = """
import json, sys, time
print(json.dumps([time.process_time(), [name for name in {names!r} if name in sys.modules]]))
"""


def measured(step: str, repeats: int) -> tuple[float, list[str]]:
    """Return the median CPU seconds of an interpreter that takes a step, and what it has loaded."""
    program = STEPS[step] + MEASURE.format(names=CLIENTS + HEAVY)
    runs = [json.loads(subprocess.check_output([sys.executable, "-c", program])) for _ in range(repeats)]
    return statistics.median(cpu for cpu, _ in runs), runs[0][1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    base, results = 0.0, []
    for step in STEPS:
        cpu, loaded = measured(step, given.repeats)
        base = base or cpu
        clients = [name for name in loaded if name in CLIENTS]
        others = [name for name in loaded if name in HEAVY]
        results.append(
            {"step": step, "cpu_ms": round((cpu - base) * 1e3, 1), "clients": clients, "heavy": others}
        )
        print(
            f"{step:28} {(cpu - base) * 1e3:7.1f} ms CPU; clients {clients or 'none'}; heavy {others or 'none'}"
        )
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
