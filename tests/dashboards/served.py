"""A dashboard served by a process of its own, and what is done in front of it."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from consilience.models import Label, Outcome, Question, Response, Source, Usage
from consilience.store import Store
from consilience.verdict.decide import decide

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
HOSTILE = "<script>window.stolen=1</script><img src=x onerror='window.stolen=1'> \"'>${7*7}{{7*7}}"
SCREENSHOTS = Path(__file__).parent.parent.parent / "build" / "screenshots"


SAID = []
"""What each server printed, in the order in which they began."""


@dataclass(frozen=True)
class Served:
    """A dashboard that runs: where it is, over what, and who may sign in."""

    url: str
    port: int
    store: Path
    users: Path


def ask(store, text, votes, *, kind=None):
    """Record one question with what each expert said, `None` for a time-out."""
    question = Question(text, kind or Label("yes", "no"))
    responses = [
        Response(
            question_id=question.id,
            expert=name,
            source=Source.PERSON if name == "ana" else Source.MODEL,
            outcome=Outcome.TIMED_OUT if said is None else Outcome.ANSWERED,
            answer=said,
            latency_s=1.25,
            usage=Usage(input_tokens=10, output_tokens=2, cost_usd=0.001),
        )
        for name, said in votes.items()
    ]
    store.record(question, responses, decide(question, responses))
    return question


@contextmanager
def serving(store, users, *options, **environment):
    """Run ``consilience serve`` until the block ends; it is ready when the block begins."""
    command = [
        sys.executable,
        "-c",
        "from consilience.cli import app; app()",
        "serve",
        str(store),
        "--port",
        "0",
    ]
    process = subprocess.Popen(
        [*command, "--users", str(users), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
    )
    said = []
    SAID.append(said)
    drain = threading.Thread(target=said.extend, args=(process.stdout,))  # a full pipe would stop the server
    try:
        for line in process.stdout:
            said.append(line)
            if " is at http://" in line:
                break
        else:
            pytest.fail(f"the server ended: {''.join(said)}")
        drain.start()
        url = line.split(" is at ")[1].split()[0]
        yield Served(url, int(url.split(":")[2].split("/")[0]), Path(store), Path(users))
    finally:
        process.terminate()
        process.wait(20)
        if drain.ident is not None:
            drain.join(20)
        process.stdout.close()


def sign_in(page, server, name, query=""):
    """Sign in and wait for the page."""
    page.goto(server.url + query)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("h1").first.wait_for()


def audit(server):
    """The audit as (person, action) in order."""
    with Store(server.store) as store:
        return store.read("SELECT person, action FROM audit ORDER BY asked_at, id").rows()


def audited(page, server, person, action):
    """Whether the audit knows; the server takes what was written into the store within a second or so."""
    for _ in range(100):
        if (person, action) in audit(server):
            return True
        page.wait_for_timeout(100)
    return False


def addresses(server):
    """The addresses that the audit knows."""
    with Store(server.store) as store:
        return store.read("SELECT DISTINCT address FROM audit")["address"].to_list()


def tell(page):
    """Print what a person would see and what went wrong; it is shown with a test that failed."""
    from playwright.sync_api import Error

    with suppress(Error):  # a tab that crashed
        print(page.url, page.errors, page.locator("body").aria_snapshot(timeout=5000), sep="\n")
    print(*(line.rstrip() for said in SAID[-2:] for line in said[-30:]), sep="\n")


def picture(page, name):
    """Keep a screenshot, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def serious(page):
    """What axe finds that is serious, as lines."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]} {json.dumps(each['nodes'][0]['any'][:1])[:300]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
