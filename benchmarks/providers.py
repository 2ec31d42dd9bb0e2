"""What a language model costs on this side of the wire: time to the first token, and CPU for a whole answer.

``python benchmarks/providers.py [pairs]`` asks llmock, a server in a process of its own, in turns through this package
and through the SDK of OpenAI alone, over the same HTTP pool, and prints medians over the pairs.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from openai import AsyncOpenAI

import consilience as cs
from consilience.experts.llm.connection import http_client
from consilience.experts.registry import as_expert
from consilience.loop import background

_MODEL = "gpt-4o-mini"


def _served(port: int) -> subprocess.Popen[bytes]:
    program = Path(sys.executable).with_name("llmock")
    process = subprocess.Popen(
        [program, "serve", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process
        time.sleep(0.1)
    raise SystemExit("llmock did not start")


async def _first_of_ours(expert: object, text: str) -> float:
    started = time.perf_counter()
    pieces = expert.policy().stream(expert.stream, cs.Question(text))
    await anext(pieces)
    passed = time.perf_counter() - started
    await pieces.aclose()
    return passed


async def _sdk(client: AsyncOpenAI, text: str, *, whole: bool) -> float:
    started = time.perf_counter()
    stream = await client.chat.completions.create(
        model=_MODEL,
        messages=[{"role": "user", "content": text}],
        stream=True,
        stream_options={"include_usage": True},
        temperature=0,
    )
    first = 0.0
    async for chunk in stream:
        if not first and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter() - started
            if not whole:
                break
    await stream.close()
    return first


async def _pair(expert: object, client: AsyncOpenAI, text: str) -> tuple[float, float, float, float]:
    ours, theirs = await _first_of_ours(expert, text), await _sdk(client, text, whole=False)
    start = time.process_time()
    await expert.answer(cs.Question(text))
    middle = time.process_time()
    await _sdk(client, text, whole=True)
    return ours, theirs, middle - start, time.process_time() - middle


async def _measured(url: str, pairs: int) -> None:
    expert = as_expert(cs.Model(f"openai:{_MODEL}", base_url=url))
    client = AsyncOpenAI(api_key="none", base_url=url, max_retries=0, http_client=http_client())
    await _pair(expert, client, "warm")
    found = [await _pair(expert, client, f"Question {number}") for number in range(pairs)]
    ours, theirs, cpu, sdk_cpu = (statistics.median(column) * 1e3 for column in zip(*found, strict=True))
    added = statistics.median(row[0] - row[1] for row in found) * 1e3
    print(f"first token: {ours:.2f} ms, the SDK alone {theirs:.2f} ms, added {added:.2f} ms")
    print(f"CPU of a whole answer: {cpu:.2f} ms, the SDK alone {sdk_cpu:.2f} ms")


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = _served(port)
    try:
        background.wait_sync(
            _measured(f"http://127.0.0.1:{port}/v1", int(sys.argv[1]) if sys.argv[1:] else 150)
        )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
