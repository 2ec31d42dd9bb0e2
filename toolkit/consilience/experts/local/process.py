"""A child process, its handshake and its last words."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_SCRIPT = Path(__file__).with_name("child.py")
_LOG_LINES = 20
_LOG_LINE = 300
_END_SECONDS = 3.0


class Ended(Exception):
    """The child ended before it served."""


class Refusal(Exception):
    """The child says why it cannot serve.

    Attributes
    ----------
    reason, detail
        One word, and what the system said.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Process:
    """A running child.

    Parameters
    ----------
    settings
        What the child is told through its standard input.
    secret
        A text that must not appear in what is kept of its log.

    Attributes
    ----------
    counted
        Whether its end was counted as a crash.
    ended_by_us
        Whether `end` was called.
    """

    def __init__(self, settings: dict[str, object], secret: str) -> None:
        self.counted = False
        self.ended_by_us = False
        self._secret = secret
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._first: Future[bytes] = _shared_future()
        self._over: Future[int] = _shared_future()
        self._popen = subprocess.Popen(  # noqa: S603 - this Python, this package's file
            [sys.executable, "-P", os.fspath(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # a buffered pipe has a lock, which a thread may hold for ever after a fork or when Python ends
            bufsize=0,
            # libgomp reads the policy when it is loaded; its default burns the processors while it waits
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
            start_new_session=True,  # Ctrl-C in a terminal or a notebook is for the parent
        )
        self._logger = threading.Thread(target=self._read_log, name="consilience-local-log", daemon=True)
        self._logger.start()
        threading.Thread(target=self._watch, name="consilience-local-watch", daemon=True).start()
        self._tell({**settings, "parent": os.getpid(), "sys_path": [entry for entry in sys.path if entry]})

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return not self._over.done()

    async def address(self) -> str:
        """Wait for the handshake and return the server's address.

        Raises
        ------
        Ended
            It ended without a word.
        Refusal
            It said why it cannot serve.
        """
        line = await asyncio.wrap_future(self._first)
        if not line.endswith(b"\n"):
            await self.ended(_END_SECONDS)
            raise Ended
        said = json.loads(line)
        if "refused" in said:
            await self.ended(_END_SECONDS)
            raise Refusal(said["refused"], said["detail"])
        return str(said["address"])

    async def ended(self, seconds: float) -> bool:
        """Wait until it has ended, for ``seconds`` at most, and say whether it has."""
        done, _ = await asyncio.wait([asyncio.wrap_future(self._over)], timeout=seconds)
        return bool(done)

    def end(self) -> None:
        """Close its standard input, at which it ends; kill it if it does not."""
        self.ended_by_us = True
        self._close_input()
        try:
            self._over.result(_END_SECONDS)
        except FutureTimeout:
            self._popen.kill()
            with suppress(FutureTimeout):
                self._over.result(_END_SECONDS)

    def forget(self) -> None:
        """Let go of the child, which belongs to the process that this one was forked from."""
        self.ended_by_us = True
        self._popen.returncode = 0  # it is not this process's to wait for
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()

    def how_it_ended(self) -> str:
        """Return the signal or the exit code, and the last words."""
        code = self._over.result(0) if self._over.done() else None
        if code is None:
            how = "it closed its output"
        elif code < 0:
            how = f"signal {_signal_name(-code)}"
        else:
            how = f"exit code {code}"
        words = self.last_words()
        return f"{how}; it said: {words}" if words else how

    def last_words(self) -> str:
        """Return the end of its log on one line; empty when it said nothing."""
        return " / ".join(list(self._log)[-3:])

    def _tell(self, settings: dict[str, object]) -> None:
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):  # it ended at once; the handshake says so
            self._popen.stdin.write(json.dumps(settings).encode() + b"\n")
            self._popen.stdin.flush()

    def _close_input(self) -> None:
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.close()

    def _read_log(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as log:
            rest = b""
            while chunk := log.read(4096):
                *lines, rest = (rest + chunk).split(b"\n")
                self._keep(lines)
                rest = rest[-4096:]
            self._keep([rest])

    def _keep(self, lines: list[bytes]) -> None:
        for line in lines:
            text = line.decode(errors="replace").strip().replace(self._secret, "[token]")
            if text:
                self._log.append(text[:_LOG_LINE])

    def _watch(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as answers:
            said = b""
            while b"\n" not in said and (chunk := answers.read(4096)):
                said += chunk
            _settle(self._first, said)
            while answers.read(4096):
                pass
        code = self._popen.wait()
        self._logger.join(_END_SECONDS)  # its last words first
        self._close_input()
        _settle(self._over, code)


def _shared_future() -> Future[T]:
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # one waiter's cancellation must not cancel it for the others
    return future


def _settle(future: Future[T], value: T) -> None:
    with suppress(InvalidStateError):
        future.set_result(value)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
