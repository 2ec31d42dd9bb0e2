"""What every test of a store starts from; ``engine`` says what keeps its rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from consilience.models import Label, Outcome, Question, Response, Source
from consilience.store import Store
from consilience.verdict import Verdict, decide

Asked: TypeAlias = tuple[Question, list[Response], Verdict]
SECONDS = 60.0


@pytest.fixture
def open_store(where: Path | str) -> Iterator[Callable[..., Store]]:
    """Open one more view of the same store, closed when the test ends."""
    opened: list[Store] = []

    def make(**settings: object) -> Store:
        opened.append(Store(where, **{"interval": 0.05, **settings}))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., Store]) -> Store:
    return open_store()


@pytest.fixture
def asked() -> Callable[..., Asked]:
    """Make a question to three experts, two of whom say yes."""

    def make(text: str = "Is water wet?", **said: object) -> Asked:
        question = Question(text, Label("yes", "no"))
        responses = [
            Response(
                **{
                    "question_id": question.id,
                    "expert": expert,
                    "source": Source.SCRIPTED,
                    "outcome": Outcome.ANSWERED,
                    "answer": answer,
                    **said,
                }
            )
            for expert, answer in (("ana", "yes"), ("ben", "no"), ("eva", "yes"))
        ]
        return question, responses, decide(question, responses)

    return make


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait for a condition, with a deadline that only a failure reaches."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            time.sleep(0.005)

    return wait
