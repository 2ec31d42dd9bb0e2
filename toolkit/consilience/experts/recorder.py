"""What experts answer, written to a file as they answer it, to be replayed by `Recorded`."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from consilience.errors import InvalidInput, StoreError
from consilience.experts import prices
from consilience.loop import call_in_thread
from consilience.models import Label, Outcome, Question, Response

_INTERVAL = 0.05
_KEPT = (Outcome.ANSWERED, Outcome.ABSTAINED, Outcome.REFUSED, Outcome.UNPARSEABLE)


@dataclass(frozen=True, slots=True)
class Facts:
    """Who an expert was: what a recording says of its origin.

    Parameters
    ----------
    provider, model
        Who was asked; ``None`` where an expert has no model.
    settings
        Hash of what it adds to any question; ``None`` where it does not say.
    """

    provider: str
    model: str | None = None
    settings: str | None = None


class Recorder:
    """A file of JSON lines that takes responses; made by `Circle.record`.

    A line is whole or not there: lines are appended by one write and synced, and a last line that a crash tore is cut
    off when the file is opened again. Several processes may record to one file on a local disk.

    Parameters
    ----------
    path
        The file; it is made, and what it holds is kept.
    facts
        Who the experts are, by name.

    Raises
    ------
    InvalidInput
        The file cannot be written.

    Notes
    -----
    What another time could bring otherwise is not recorded: time-outs, failures, open circuits, spent budgets. With
    ``redact=`` a circle records what it would store.
    """

    def __init__(self, path: str | os.PathLike[str], facts: Mapping[str, Facts]) -> None:
        self.path = Path(path)
        self._facts = dict(facts)
        self._lines: deque[bytes] = deque()
        self._writing = threading.Lock()
        self._later: asyncio.Task[None] | None = None
        self._prices = _price_list()
        self._made_with = f"consilience {version('consilience')}"
        self.n = 0
        try:
            self._file: int | None = _opened(self.path)
        except OSError as error:
            raise InvalidInput(
                f"A file that can be written is required, {self.path} came: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"<Recorder {self.path.name}, {self.n:,} answers{'' if self.is_open else ', closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether it still records."""
        return self._file is not None

    def put(self, question: Question, response: Response) -> None:
        """Take a response; on a loop it is durable within a tenth of a second, else with `flush`."""
        if not self.is_open or response.outcome not in _KEPT or not response.calls:
            return
        self._lines.append(self._line(question, response))
        self.n += 1
        with suppress(RuntimeError):  # without a running loop, flush or close writes
            loop = asyncio.get_running_loop()
            if self._later is None or self._later.done():
                self._later = loop.create_task(self._soon())

    async def written(self) -> None:
        """Return when everything that was put is durable.

        Raises
        ------
        StoreError
            It could not be written; it is kept in memory and goes with the next write.
        """
        if self._lines:
            await call_in_thread(self.flush)

    def flush(self) -> None:
        """Write what was put; it blocks. Errors are those of `written`."""
        with self._writing:
            lines = list(self._lines)
            if not lines or self._file is None:
                return
            try:
                with _alone(self._file):
                    _append(self._file, b"".join(lines))
            except OSError as error:
                raise StoreError(f"The recording {self.path} could not be written: {error}") from error
            for _ in lines:
                self._lines.popleft()

    def close(self) -> None:
        """Write what is left and record no more."""
        self.flush()
        with self._writing:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _soon(self) -> None:
        await asyncio.sleep(_INTERVAL)
        with suppress(StoreError):  # what could not be written is still there: whoever waits for it is told
            await self.written()

    def _line(self, question: Question, response: Response) -> bytes:
        facts = self._facts.get(response.expert, Facts("unknown"))
        answer = response.answer if response.answered else response.raw
        row: dict[str, Any] = {
            "question": question.text,
            "answer": list(answer) if isinstance(answer, tuple) else answer,
            "expert": response.expert,
            "labels": list(question.answer.choices) if isinstance(question.answer, Label) else None,
            "spec": question.answer.spec(),
            "context": question.context,
            "examples": [[e.question, e.answer] for e in question.examples] or None,
            "digest": question.digest,
            "outcome": str(response.outcome),
            "reason": response.reason,
            "confidence": response.confidence,
            "confidence_source": None
            if response.confidence_source is None
            else str(response.confidence_source),
            "probs": dict(response.probabilities) or None,
            "prompt_tokens": response.usage.input_tokens,
            "completion_tokens": response.usage.output_tokens,
            "cost_usd": response.usage.cost_usd,
            "calls": response.calls,
            "latency_s": round(response.latency_s, 6),
            "source": str(response.source),
            "provider": facts.provider,
            "model": facts.model,
            "settings": facts.settings,
            "prices": self._prices,
            "made_with": self._made_with,
            "recorded_at": datetime.now(UTC).isoformat(),
        }
        told = {
            name: value for name, value in row.items() if value is not None or name in ("answer", "cost_usd")
        }
        return json.dumps(told, ensure_ascii=True).encode() + b"\n"


def _price_list() -> str | None:
    found = prices.snapshot()
    return None if found is None else str(found)


def _opened(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
    try:
        with _alone(file):
            _cut_torn(file)
    except OSError:
        os.close(file)
        raise
    return file


def _cut_torn(file: int) -> None:
    """Cut off a last line without its end, which a crash left."""
    size = os.lseek(file, 0, os.SEEK_END)
    at, tail = size, b""
    while at and b"\n" not in tail:
        step = min(at, 65_536)
        at -= step
        os.lseek(file, at, os.SEEK_SET)
        tail = os.read(file, step) + tail
    whole = at + tail.rfind(b"\n") + 1
    if whole < size and not _is_json(tail[whole - at :]):
        os.ftruncate(file, whole)
    elif whole < size:
        _append(file, b"\n")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _append(file: int, lines: bytes) -> None:
    """Append by one write, and undo a part of it that a full disk took."""
    size = os.lseek(file, 0, os.SEEK_END)
    if os.write(file, lines) != len(lines):
        os.ftruncate(file, size)
        raise OSError("the disk is full")
    os.fsync(file)


@contextmanager
def _alone(file: int) -> Iterator[None]:
    """Keep other recorders of the file away: half of what one is writing looks like a line that a crash left."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
