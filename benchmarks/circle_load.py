"""Many questions at once through one circle: CPU, wall time and peak memory; and what a stream adds to the first token.

    python benchmarks/circle_load.py [--questions 1000] [--experts 5] [--latency 0.05] [--json FILE]

Every question of a round is asked at the same moment on one loop; scripted experts answer after ``--latency`` seconds.
Two circles are measured in turn, with experts that wait and with experts that answer at once. Memory is what the
process grew by at its peak since before the first question. The first token's time is measured from the expert's side:
from the moment at which it yields to the moment at which a reader on another loop has it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import time
from pathlib import Path

import consilience as cs
from consilience.streaming import Token

YES_NO = cs.Label("yes", "no")


def peak_mb() -> float:
    """Return the process's peak resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def circle_of(experts: int, latency: float) -> cs.Circle:
    """Return a circle of scripted experts who mostly agree."""
    scripts = [["yes", "yes", "no"], ["yes"], ["yes", "no"]]
    return cs.Circle([cs.Scripted(f"e{n}", scripts[n % 3], latency=latency) for n in range(experts)])


async def ask_all(circle: cs.Circle, questions: int) -> int:
    """Ask all questions at once; return how many experts answered."""
    asked = [circle.ask(f"Question {n}?", answer=YES_NO) for n in range(questions)]
    verdicts = await asyncio.gather(*asked)
    return sum(verdict.outcomes[cs.Outcome.ANSWERED] for verdict in verdicts)


async def stream_all(circle: cs.Circle, questions: int) -> int:
    """Stream all questions at once; return how many events came."""

    async def read(n: int) -> int:
        return len([event async for event in circle.stream(f"Question {n}?", answer=YES_NO)])

    return sum(await asyncio.gather(*(read(n) for n in range(questions))))


def timed(work, *args: object) -> tuple[float, float]:
    """Return the CPU and the wall seconds of a coroutine function."""
    cpu, wall = time.process_time(), time.perf_counter()
    asyncio.run(work(*args))
    return time.process_time() - cpu, time.perf_counter() - wall


class Yields:
    """An expert that says when it wrote its first word."""

    name = "yields"
    source = cs.models.Source.SCRIPTED

    async def answer(self, _question: cs.Question) -> cs.Reply:
        return cs.Reply("yes")

    async def stream(self, _question: cs.Question):
        await asyncio.sleep(0.001)
        yield str(time.perf_counter_ns())
        await asyncio.sleep(0.001)
        yield cs.Reply("yes")

    async def aclose(self) -> None:
        pass


async def first_tokens(n: int) -> list[float]:
    """Return for each of n questions the milliseconds between the expert's first word and the reader's."""
    circle, found = cs.Circle([Yields()]), []
    for _ in range(n):
        async for event in circle.stream("Is it?", answer=YES_NO):
            if isinstance(event, Token):
                written = int(event.text)
                found.append((time.perf_counter_ns() - written) / 1e6)
    return found


async def starts(n: int) -> list[float]:
    """Return for each of n questions the milliseconds from asking to the expert's being asked."""
    found = []

    async def notes(question: cs.Question) -> str:
        found.append((time.perf_counter_ns() - int(question.text)) / 1e6)
        return "yes"

    circle = cs.Circle([notes])
    for _ in range(n):
        async for _event in circle.stream(str(time.perf_counter_ns()), answer=YES_NO):
            pass
    return found


def spread(values: list[float]) -> dict[str, float]:
    """Return median and 99th percentile."""
    return {"p50": statistics.median(values), "p99": statistics.quantiles(values, n=100)[98]}


def measured(questions: int, experts: int, latency: float, repeats: int) -> dict[str, object]:
    """Return the figures of all cases, repeated in turn."""
    asyncio.run(ask_all(circle_of(experts, 0), 10))  # imports and the loop's start are not the load
    before = peak_mb()
    cases = {
        "ask, waiting": (ask_all, latency),
        "ask, at once": (ask_all, 0),
        "stream, waiting": (stream_all, latency),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, (work, seconds) in cases.items():
            times[name].append(timed(work, circle_of(experts, seconds), questions))
    figures: dict[str, object] = {
        name: {
            "cpu_s": statistics.median(cpu for cpu, _ in runs),
            "wall_s": statistics.median(wall for _, wall in runs),
            "cpu_us_per_expert": 1e6 * statistics.median(cpu for cpu, _ in runs) / (questions * experts),
        }
        for name, runs in times.items()
    }
    return figures | {
        "peak_growth_mb": peak_mb() - before,
        "first_token_added_ms": spread(asyncio.run(first_tokens(300))),
        "asked_after_ms": spread(asyncio.run(starts(300))),
        "questions": questions,
        "experts": experts,
        "latency_s": latency,
        "repeats": repeats,
    }


def main() -> None:
    """Measure and print, or write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--experts", type=int, default=5)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    figures = measured(options.questions, options.experts, options.latency, options.repeats)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, value in figures.items():
        print(f"{name:22} {json.dumps(value) if isinstance(value, dict) else value}")


if __name__ == "__main__":
    main()
