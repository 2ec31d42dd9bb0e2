"""What runs in the child process: llama.cpp's HTTP server, and a watch on the parent.

The file is run by its path, so it imports nothing of the package. The parent writes one JSON line with the
settings to standard input and keeps the pipe open; the child writes one JSON line with its address, or with the
reason why it cannot serve, to standard output. The token travels through the pipe, since arguments and
environment variables can be read from outside.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from typing import Any, NoReturn

_POLL_SECONDS = 0.5


def main() -> NoReturn:
    """Serve until the parent closes the pipe or is gone."""
    parent = os.getppid()
    settings: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    if settings["parent"] != parent and os.name == "posix":
        os._exit(0)  # the parent ended before this process began to watch it
    answers = _claim_stdout()
    threading.Thread(target=_end_at_eof, daemon=True).start()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    server = _serve(settings, answers)
    _say(answers, {"address": server.listening_address})
    while True:  # the server's threads are not Python's: the main thread holds the object
        time.sleep(3600)


def _claim_stdout() -> int:
    # llama.cpp or a library may print: what goes to file descriptor 1 from here on lands in the log.
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _say(answers: int, message: dict[str, object]) -> None:
    os.write(answers, json.dumps(message).encode() + b"\n")


def _end_at_eof() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _end_with(parent: int) -> None:
    # A process that the parent forked may hold the other end of the pipe open after the parent is gone.
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(0)


def _refuse(answers: int, reason: str, detail: str) -> NoReturn:
    _say(answers, {"refused": reason, "detail": detail})
    os._exit(3)


def _serve(settings: dict[str, Any], answers: int) -> Any:
    _check_port(settings["port"], answers)
    sys.path[:] = settings["sys_path"]
    try:
        import xllamacpp
    except ImportError as error:
        _refuse(answers, "import", str(error))
    try:
        return xllamacpp.Server(_parameters(xllamacpp, settings))
    except RuntimeError as error:
        # llama.cpp says why only in its log; a port can also be taken between the check and the start
        _check_port(settings["port"], answers)
        _refuse(answers, "load", str(error))


def _check_port(port: int, answers: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            _refuse(answers, "port", str(error))


def _parameters(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    p = xllamacpp.CommonParams()
    p.model.path = settings["model"]
    p.hostnames = ["127.0.0.1"]
    p.port = settings["port"]
    p.api_keys = [settings["token"]]
    p.ui = False
    p.cors_origins = ""
    p.cors_credentials = False
    p.cors_origins_explicit = True
    p.verbosity = 1
    p.n_parallel = settings["slots"]
    p.n_ctx = settings["slots"] * settings["context"]
    p.warmup = False
    p.cache_ram_mib = 0
    for cpu in (p.cpuparams, p.cpuparams_batch):
        cpu.poll = 0  # polling threads take the processors from each other
        cpu.n_threads = settings["threads"]
    return p


if __name__ == "__main__":
    main()
