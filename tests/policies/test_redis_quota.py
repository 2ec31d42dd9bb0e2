"""One rate over several processes, with a real Redis that is killed and stopped."""

import asyncio
import subprocess
import sys
import time

import pytest

from consilience.errors import InvalidInput, RateLimited
from consilience.policies import Events, Policy, Rate, RateLimiter, RedisQuota, TierChanged

RATE = Rate.read("3600/h")


@pytest.fixture
def server(redis_server):
    return redis_server


def run(work):
    async def closing():
        try:
            return await work
        finally:
            for quota in QUOTAS:
                await quota.aclose()
            QUOTAS.clear()

    return asyncio.run(closing())


QUOTAS: list[RedisQuota] = []


def quota(server, **settings):
    QUOTAS.append(RedisQuota(server.url, **settings))
    return QUOTAS[-1]


def test_two_quotas_on_one_redis_give_out_one_rate(server):
    async def story():
        first, second = quota(server), quota(server)
        return [await each.take("openai", 1, RATE, 2) for each in (first, second, first, second)]

    waits = run(story())
    assert waits[:2] == [0, 0]
    assert all(0.9 < wait <= 1 for wait in waits[2:])


def test_names_and_prefixes_are_apart(server):
    async def story():
        plain, other = quota(server), quota(server, prefix="other")
        return [
            await plain.take("a", 1, RATE, 1),
            await plain.take("b", 1, RATE, 1),
            await other.take("a", 1, RATE, 1),
            await plain.take("a", 1, RATE, 1) > 0,
        ]

    assert run(story()) == [0, 0, 0, True]


def test_what_a_call_cost_less_comes_back_to_all(server):
    async def story():
        mine, theirs = (
            RateLimiter("3600/h", burst=10, name="tokens", shared=quota(server)) for _ in range(2)
        )
        await mine.acquire(10)
        mine.settle(-8)
        await mine.acquire(1)  # brings the 8 along
        await asyncio.wait_for(theirs.acquire(6), 5)

    run(story())


def test_a_call_that_would_pass_too_late_is_refused_before_it_waits(server):
    async def story():
        limiter = RateLimiter("3600/h", burst=1, name="openai", shared=quota(server))
        await quota(server).take("openai", 1, RATE, 1)
        with pytest.raises(RateLimited) as refused:
            await limiter.acquire(within=0.1)
        return refused.value.retry_after

    assert 0.5 < run(story()) <= 1


def test_processes_share_it(server):
    child = (
        "import asyncio, sys\n"
        "from consilience.policies import Rate, RedisQuota\n"
        "async def main():\n"
        "    quota = RedisQuota(sys.argv[1])\n"
        "    passed = [await quota.take('openai', 1, Rate.read('3600/h'), 20) == 0 for _ in range(20)]\n"
        "    await quota.aclose()\n"
        "    print(sum(passed))\n"
        "asyncio.run(main())\n"
    )
    started = time.monotonic()
    children = [
        subprocess.Popen([sys.executable, "-c", child, server.url], stdout=subprocess.PIPE) for _ in range(3)
    ]
    passed = sum(int(each.communicate(timeout=60)[0]) for each in children)
    assert 20 <= passed <= 21 + time.monotonic() - started


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_without_redis_each_process_keeps_the_rate_by_itself_and_says_so(server, fault):
    events, changed = Events(), []
    events.subscribe(lambda event: changed.append(event) if isinstance(event, TierChanged) else None)

    async def story():
        shared = quota(server, timeout=0.05, pause=0.05, events=events)
        policy = Policy("hosted", rate="3600/h", shared=shared, registered=False, events=Events())
        await policy.call(asyncio.sleep, 0)
        getattr(server, fault)()
        await policy.call(asyncio.sleep, 0)
        degraded = shared.degraded
        server.start() if fault == "kill" else server.go_on()
        while shared.degraded:
            await shared.take("other", 1, RATE, 1_000)
            await asyncio.sleep(0.02)
        return degraded

    assert run(story()) is True
    assert [event.degraded for event in changed] == [True, False]


def test_settings_out_of_range_are_refused_without_repeating_the_password():
    with pytest.raises(InvalidInput, match="above 0"):
        RedisQuota(timeout=0)
    with pytest.raises(InvalidInput) as refused:
        RedisQuota("mysql://user:secret@host")
    assert "secret" not in str(refused.value)
