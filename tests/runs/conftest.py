"""What every test of a run starts from."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest

from consilience.circle import Circle
from consilience.experts.base import FunctionExpert
from consilience.models import Label, Reply, Usage


class Asked:
    """Experts that count what they are asked, by question."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.raises: dict[str, BaseException] = {}
        self.usage = Usage(10, 1, 0.01)
        self._awaited = 0
        self._there = threading.Event()

    def count(self, name, question):
        self.calls[name, question.text] += 1
        if self.n == self._awaited:
            self._there.set()

    async def reached(self, n: int) -> None:
        """Wait for a number of calls, with a deadline that only a failure reaches."""
        self._awaited = n
        if self.n < n:
            assert await asyncio.to_thread(self._there.wait, 60)

    def expert(self, name: str, said: str = "yes") -> FunctionExpert:
        async def answer(question):
            self.count(name, question)
            await asyncio.sleep(0)
            if (error := self.raises.get(name)) is not None:
                raise error
            return Reply(said, usage=self.usage)

        return FunctionExpert(answer, name)

    @property
    def n(self) -> int:
        return self.calls.total()


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def circle(asked, where):
    experts = [asked.expert("ana"), asked.expert("ben", "no"), asked.expert("eva")]
    with Circle(experts, store=where) as made:
        yield made


@pytest.fixture
def kind():
    return Label("yes", "no")


@pytest.fixture
def frame():
    return {"id": ["a", "b", "c", "d"], "text": ["one", "two", "three", "two"]}
