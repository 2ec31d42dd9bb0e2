"""The real model, fetched once a session, and the questions of panel60."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from consilience.experts.local import LocalModel, setup_local
from consilience.loop import background
from consilience.models import Label, Question

PANEL = Path(__file__).parents[2] / "data" / "panel60" / "panel60.jsonl"
NAMES = {"sentiment": "Sentiment", "topic": "Topic", "fact": "Answer"}

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session")
def model_file() -> Path:
    return setup_local().path


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a coroutine on the package's one loop, as a circle does."""
    return background.wait_sync


@pytest.fixture(scope="session")
def local(model_file: Path, run: Run) -> Iterator[LocalModel]:
    model = LocalModel()
    yield model
    run(model.aclose())


@pytest.fixture(scope="session")
def panel() -> list[dict[str, Any]]:
    with PANEL.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def smollm_rows(panel: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in panel if row["model"] == "smollm2"]


def question_of(row: dict[str, Any]) -> Question:
    """Return a panel row's question, with the examples that stand in its prompt."""
    examples = []
    for block in row["prompt"].split("\n\n")[:-1]:
        asked, answered = block.split("\n")
        examples.append((asked.split(": ", 1)[1], answered.split(": ", 1)[1]))
    return Question(row["question"], Label(*row["labels"], name=NAMES[row["kind"]]), examples=tuple(examples))


@pytest.fixture(scope="session")
def ask() -> Callable[[dict[str, Any]], Question]:
    return question_of


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], bool]], None]:
    """Poll a condition; the deadline is far beyond what it takes on a busy machine."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            time.sleep(0.02)

    return wait
