"""The child process: when it starts, who shares it, and that it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable

import psutil
import pytest

from consilience.errors import (
    LocalExtraMissing,
    LocalModelCrashed,
    LocalModelError,
    LocalModelMissing,
    LocalPortTaken,
)
from consilience.experts.local import LocalModel, artifact, server
from consilience.experts.local.server import Lanes, LocalServer, using
from consilience.models import Label, Question

pytestmark = pytest.mark.slow

WET = Question("Is water wet?", Label("yes", "no"))
ANSWERS = ("yes", "no")
STORY = Question("Write a very long story about a sailor, with all his voyages.")


def talk(model: LocalModel, question: Question) -> Callable[[object], object]:
    """Return what `LocalModel.answer` would let a server do."""

    async def work(client):
        if isinstance(question.answer, Label):
            return await model._choose(client, question, question.answer)
        return await model._write(client, question, question.answer)

    return work


@pytest.fixture
def model() -> LocalModel:
    return LocalModel(max_tokens=1500)


def gone(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


async def answering(own, count=1):
    while own.pid is None or own.client is None or await own.client.busy() < count:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)


async def quiet(own):
    while await own.client.busy():  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)


def test_nothing_starts_before_the_first_question(model_file, model):
    async def story():
        async with using(model_file) as own:
            assert own.pid is None
            await own.call(model, talk(model, WET))
            return own.pid

    assert gone(asyncio.run(story()))


def test_models_share_a_child_until_the_last_is_closed(model_file):
    async def story():
        first, second = LocalModel("first"), LocalModel("second")
        await asyncio.gather(first.answer(WET), second.answer(WET))
        shared = server.shared_server(model_file, 0)
        pid = shared.pid
        await first.aclose()
        assert shared.pid == pid
        await second.aclose()
        assert gone(pid)
        assert (await first.answer(WET)).raw in ANSWERS
        await first.aclose()

    asyncio.run(story())


def test_three_loops_in_a_row_work(model_file):
    async def story():
        assert (await LocalModel().answer(WET)).raw in ANSWERS
        return server.shared_server(model_file, 0).pid

    pids = [asyncio.run(story()) for _ in range(3)]
    assert len(set(pids)) == 3
    server._end_all()
    assert all(map(gone, pids))


def test_the_token_is_in_no_argument_environment_or_repr(model_file, model):
    async def story():
        async with using(model_file) as own:
            await own.call(model, talk(model, WET))
            token = own.client._http.headers["Authorization"].removeprefix("Bearer ")
            child = psutil.Process(own.pid)
            seen = [
                *child.cmdline(),
                *child.environ().values(),
                repr(own),
                repr(own.client),
                repr(own._process),
            ]
            assert not any(token in text for text in seen)
            assert child.environ()["OMP_WAIT_POLICY"] == "passive"

    asyncio.run(story())


def test_other_users_of_the_machine_are_refused(model_file, model):
    import httpx2

    async def story():
        async with using(model_file) as own:
            await own.call(model, talk(model, WET))
            async with httpx2.AsyncClient(base_url=own.address, trust_env=False) as stranger:
                origin = {"Origin": "https://example.org"}
                replies = [
                    await stranger.post("/completion", json={"prompt": "x", "n_predict": 1}, headers=origin),
                    await stranger.get("/slots", headers=origin),
                    await stranger.get("/", headers=origin),
                ]
            assert [reply.status_code for reply in replies] == [401, 401, 404]
            assert not any(reply.headers.get("Access-Control-Allow-Origin") for reply in replies)

    asyncio.run(story())


def test_a_child_killed_in_the_middle_fails_the_calls_in_flight_and_the_next_starts_another(
    model_file, model
):
    async def story():
        async with using(model_file) as own:
            calls = [asyncio.ensure_future(own.call(model, talk(model, STORY))) for _ in range(3)]
            await answering(own, 3)
            pid = own.pid
            os.kill(pid, signal.SIGKILL)
            for error in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(error, LocalModelCrashed)
                assert "SIGKILL" in str(error)
                assert "next question starts it anew" in str(error)
            assert len(own._crashes) == 1
            assert (await own.call(model, talk(model, WET))).raw in ANSWERS
            assert own.pid not in (None, pid)

    asyncio.run(story())


def test_three_crashes_within_a_minute_stop_the_starting(model_file, model, until):
    now = [0.0]

    async def story():
        own = LocalServer(model_file, clock=lambda: now[0])
        try:
            for _ in range(3):
                await own.call(model, talk(model, WET))
                process = own._process
                os.kill(own.pid, signal.SIGKILL)
                assert await process.ended(60)
                now[0] += 1
            with pytest.raises(LocalModelCrashed, match=r"3 times within a minute.*consilience doctor"):
                await own.call(model, talk(model, WET))
            now[0] += 60
            assert (await own.call(model, talk(model, WET))).raw in ANSWERS
        finally:
            await own.aclose()

    asyncio.run(story())


def test_cancelled_calls_stop_generating_and_leave_the_server_usable(model_file, model):
    async def story():
        async with using(model_file) as own:
            await own.call(model, talk(model, WET))
            for delay in (0.0, 0.001, 0.003, 0.1):
                calls = [asyncio.ensure_future(own.call(model, talk(model, STORY))) for _ in range(20)]
                await asyncio.sleep(delay)
                if delay == 0.1:
                    await answering(own, 1)
                for call in calls:
                    call.cancel()
                ends = await asyncio.gather(*calls, return_exceptions=True)
                assert all(isinstance(end, asyncio.CancelledError) for end in ends)
            await asyncio.wait_for(quiet(own), 60)
            pid = own.pid
            assert (await own.call(model, talk(model, WET))).raw in ANSWERS
            assert own.pid == pid

    asyncio.run(story())


def test_a_label_that_nobody_waits_for_any_more_lets_none_run_beside_it(model_file, model):
    long = Question("word " * 1500, WET.answer)

    async def story():
        async with using(model_file) as own:
            expected = await own.call(model, talk(model, WET), alone=True)
            stopped, unanswered, most = asyncio.Event(), 0, 0

            async def asked(request):
                nonlocal unanswered, most
                unanswered += 1
                most = max(most, unanswered)
                if b"word word" in request.content:
                    # so that it surely has not answered when the caller leaves
                    os.kill(own.pid, signal.SIGSTOP)
                    stopped.set()

            async def answered(response):
                nonlocal unanswered
                unanswered -= 1

            own.client._http.event_hooks = {"request": [asked], "response": [answered]}
            for _ in range(5):
                left = asyncio.ensure_future(own.call(model, talk(model, long), alone=True))
                await stopped.wait()
                stopped.clear()
                left.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await left
                after = asyncio.ensure_future(own.call(model, talk(model, WET), alone=True))
                await asyncio.sleep(0.1)
                assert unanswered == 1
                os.kill(own.pid, signal.SIGCONT)
                assert await after == expected
            assert most == 1

    asyncio.run(story())


def test_a_caller_that_leaves_during_the_start_takes_nothing_from_the_others(model_file, model):
    async def story():
        async with using(model_file) as own:
            calls = [
                asyncio.ensure_future(own.call(model, talk(model, STORY))),
                *(asyncio.ensure_future(own.call(model, talk(model, WET))) for _ in range(3)),
            ]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            calls[0].cancel()
            first, *others = await asyncio.gather(*calls, return_exceptions=True)
            assert isinstance(first, asyncio.CancelledError)
            assert all(reply.raw in ANSWERS for reply in others)

    asyncio.run(story())


def test_closing_while_calls_run_says_so(model_file, model):
    async def story():
        async with using(model_file) as own:
            call = asyncio.ensure_future(own.call(model, talk(model, STORY)))
            await answering(own)
            await own.aclose()
            with pytest.raises(LocalModelError, match="was closed while it answered"):
                await call
            assert not own._crashes

    asyncio.run(story())


def test_who_takes_all_lanes_is_alone_and_nobody_starves():
    async def story():
        lanes, inside, most = Lanes(4), 0, {1: 0, 4: 0}

        async def use(count):
            nonlocal inside
            async with lanes.use(count):
                inside += 1
                most[count] = max(most[count], inside)
                try:
                    await asyncio.sleep(0)
                finally:
                    inside -= 1

        jobs = [asyncio.ensure_future(use(4 if i % 3 == 0 else 1)) for i in range(60)]
        await asyncio.sleep(0)
        for job in jobs[::7]:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await use(4)
        return most

    most = asyncio.run(story())
    assert most[4] == 1
    assert 1 <= most[1] <= 4


def test_without_the_extra_the_sentence_names_it(model_file, model, monkeypatch):
    monkeypatch.setattr(server, "extra_installed", lambda: False)
    with pytest.raises(LocalExtraMissing, match=r'pip install "consilience\[local\]"'):
        asyncio.run(model.answer(WET))


def test_without_the_file_the_sentence_names_the_command(tmp_path, model, monkeypatch):
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path))
    with pytest.raises(LocalModelMissing, match="consilience setup-local"):
        asyncio.run(model.answer(WET))


def test_a_damaged_file_is_not_loaded(tmp_path, model):
    damaged = tmp_path / "damaged.gguf"
    with damaged.open("wb") as file:
        file.truncate(artifact.SMOLLM2.model_bytes)

    async def story():
        async with using(damaged) as own:
            await own.call(model, talk(model, WET))

    with pytest.raises(LocalModelError, match=r"damaged.*consilience setup-local"):
        asyncio.run(story())


def test_a_file_that_was_damaged_unnoticed_is_found_when_it_cannot_be_loaded(tmp_path, model, monkeypatch):
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF but not really")
    monkeypatch.setattr(server, "is_verified", lambda path, quick=True: quick)

    async def story():
        async with using(damaged) as own:
            await own.call(model, talk(model, WET))

    with pytest.raises(LocalModelError, match=r"damaged.*consilience setup-local"):
        asyncio.run(story())


def test_a_port_that_is_taken_is_named(model_file):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(LocalPortTaken, match=f"Port {port} must be free.*port=0"):
            asyncio.run(LocalModel(port=port).answer(WET))


def test_ctrl_c_in_the_terminal_is_for_the_parent(model_file, model):
    async def story():
        async with using(model_file) as own:
            await own.call(model, talk(model, WET))
            assert os.getsid(own.pid) != os.getsid(0)

    asyncio.run(story())
