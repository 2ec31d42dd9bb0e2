"""A run that is interrupted, or cannot show how far it is, loses nothing that it heard."""

import os
import signal
import subprocess
import sys

import pytest

from consilience.runs.progress import show
from consilience.runs.tally import Tally
from consilience.store import Store

RUN = """
import asyncio, sys
import consilience as cs
from consilience.runs.work import Work

heard = open(sys.argv[2], "a", buffering=1)
was = Work._heard


def tell(self, asked, answers, replicate, response):
    was(self, asked, answers, replicate, response)
    if response.answered:
        heard.write(asked.question.digest + "\\n")
        if len(asked.question.digest) and int(asked.key) == 100:
            print("hundred", flush=True)


Work._heard = tell


async def ana(question):
    await asyncio.sleep(0.01)
    return "yes"


frame = {"id": list(range(100_000)), "text": [str(n) for n in range(100_000)]}
with cs.Circle([ana], store=sys.argv[1]) as circle:
    circle.run(frame, "Is it? {text}", answer=cs.Label("yes", "no"), key="id", progress=False).wait_sync()
"""


def test_ctrl_c_stops_a_run_at_once_and_what_it_heard_is_in_the_store(where, tmp_path):
    heard = tmp_path / "heard"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUN, str(where), str(heard)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout.readline() == "hundred\n"
        os.kill(child.pid, signal.SIGINT)
        said = child.communicate(timeout=60)[1]
    assert said.strip().endswith("KeyboardInterrupt")
    digests = set(heard.read_text().split())
    assert 100 < len(digests) < 100_000
    with Store(where) as store:
        kept = set(store.sql("SELECT digest FROM cells WHERE state = 'settled'")["digest"])
        assert digests <= kept
        assert store.sql("SELECT state FROM runs ORDER BY asked_at")["state"].to_list()[-1] == "interrupted"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("closed file")])
def test_progress_that_cannot_be_shown_is_logged(error, caplog):
    class Broken:
        interval = 1.0

        def show(self, tally, state=""):
            raise error

    show(Broken(), Tally(1))
    assert "cannot be shown" in caplog.text
