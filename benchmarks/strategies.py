"""Strategies of a circle on recorded answers: how often each is right, and what it costs.

The four recorded models of panel60 answer its 60 questions through a circle: by majority, by escalation, in juries, by
weights. Cost is what the models would have computed, tokens times parameters, relative to asking all four; the
recording's own seconds come from a busy machine and are no measure. The tiers of the escalation are set by size, before
looking at who is right. Weights are learned without the question that they decide.

What cannot be compared: a recorded answer does not change when others' answers are shown, so Delphi, debate and peer
review have no figure here; and who answers first is not in the recording, so neither has ``first=``.

    python benchmarks/strategies.py [--json PATH]
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

import consilience as cs
from consilience.intervals import wilson
from consilience.rounds import Escalation, Juries, Rounds
from consilience.samples import PanelQuestion, panel60, panel60_path

# billions of parameters, from the card
SIZES = {"smollm2": 0.135, "gemma270": 0.27, "qwen25coder05": 0.5, "qwen25coder15": 1.5}
DRAWS, SEED = 10_000, 1


def tokens() -> dict[tuple[str, str], int]:
    """Return the tokens read and written by expert and question text."""
    rows = [json.loads(line) for line in panel60_path().read_text(encoding="utf-8").splitlines()]
    return {
        (row["expert"].removesuffix("_fewshot"), row["question"]): row["prompt_tokens"]
        + row["completion_tokens"]
        for row in rows
    }


def circle(method: str = "majority") -> cs.Circle:
    """Return the circle of the four recorded models."""
    return cs.Circle(
        [cs.Recorded(panel60_path(), expert=f"{name}_fewshot", name=name) for name in SIZES], method=method
    )


class Measure:
    """Right answers and cost of a strategy, beside the majority of all four."""

    def __init__(self, panel: Sequence[PanelQuestion]) -> None:
        self._panel = panel
        self._tokens = tokens()
        self._all = sum(self._cost(one, SIZES) for one in panel)

    def _cost(self, one: PanelQuestion, asked: object) -> float:
        return sum(self._tokens[name, one.question.text] * SIZES[name] for name in asked)  # type: ignore[attr-defined]

    def row(
        self, name: str, verdicts: Sequence[cs.Verdict], beside: Sequence[cs.Verdict]
    ) -> dict[str, object]:
        """Return the figures of one strategy."""
        right = [v.answer == one.gold for v, one in zip(verdicts, self._panel, strict=True)]
        other = [v.answer == one.gold for v, one in zip(beside, self._panel, strict=True)]
        undecided = sum(verdict.answer is None for verdict in verdicts)
        asked = [[response.expert for response in verdict.heard] for verdict in verdicts]
        cost = sum(self._cost(one, names) for one, names in zip(self._panel, asked, strict=True))
        low, high = wilson(sum(right), len(right))
        lift = [float(a) - float(b) for a, b in zip(right, other, strict=True)]
        return {
            "strategy": name,
            "right": sum(right),
            "low": low,
            "high": high,
            "undecided": undecided,
            "lift": sum(lift) / len(lift),
            "lift_low": bootstrapped(lift)[0],
            "lift_high": bootstrapped(lift)[1],
            "asked": sum(map(len, asked)) / len(asked),
            "cost": cost / self._all,
        }


def bootstrapped(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean, drawn by question."""
    draw = random.Random(SEED)
    means = sorted(math.fsum(draw.choices(values, k=len(values))) / len(values) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS)]


def asked(
    panel: Sequence[PanelQuestion], circle: cs.Circle, rounds: Rounds | None = None
) -> list[cs.Verdict]:
    """Ask every question."""
    return [circle.ask_sync(one.question, rounds=rounds) for one in panel]


def weighted(panel: Sequence[PanelQuestion], verdicts: Sequence[cs.Verdict]) -> list[cs.Verdict]:
    """Decide each by the log odds of each member's accuracy on all other questions."""
    return [
        verdict.replay(weights={name: _log_odds(name, panel, verdicts, without=n) for name in SIZES})
        for n, verdict in enumerate(verdicts)
    ]


def _log_odds(
    name: str, panel: Sequence[PanelQuestion], verdicts: Sequence[cs.Verdict], without: int
) -> float:
    kept = [
        next(r.answer for r in verdict.responses if r.expert == name) == one.gold
        for n, (verdict, one) in enumerate(zip(verdicts, panel, strict=True))
        if n != without
    ]
    share = (sum(kept) + 1) / (len(kept) + 2)
    return max(math.log(share / (1 - share)), 0.0)


def figures() -> list[dict[str, object]]:
    """Return a row a strategy."""
    panel = panel60()
    measure = Measure(panel)
    majority = asked(panel, circle())
    small = ["smollm2", "gemma270"]
    families = {"smollm2": ["smollm2"], "gemma": ["gemma270"], "qwen": ["qwen25coder05", "qwen25coder15"]}
    alone: dict[str, Callable[[], list[cs.Verdict]]] = {
        f"{name} alone": lambda name=name: [
            v.replay(without=[n for n in SIZES if n != name]) for v in majority
        ]  # type: ignore[misc]
        for name in SIZES
    }
    strategies: dict[str, Callable[[], list[cs.Verdict]]] = alone | {
        "majority of four": lambda: majority,
        "plurality of four": lambda: asked(panel, circle("plurality")),
        "weighted majority": lambda: weighted(panel, majority),
        "two smallest, then all; majority": lambda: asked(panel, circle(), Escalation(small)),
        "two smallest, then all; plurality": lambda: asked(panel, circle("plurality"), Escalation(small)),
        "three smallest, then all; two suffice": lambda: asked(
            panel, circle(), Escalation([*small, "qwen25coder05"], share=0.6)
        ),
        "three families as juries": lambda: asked(panel, circle(), Juries(families)),
    }
    return [measure.row(name, work(), majority) for name, work in strategies.items()]


def main() -> None:
    """Print the table, or write JSON too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    rows = figures()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=150, fmt_str_lengths=50, float_precision=2):
        print(pl.DataFrame(rows))


if __name__ == "__main__":
    main()
