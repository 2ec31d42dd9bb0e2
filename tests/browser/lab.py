"""A real JupyterLab in a real browser."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
TOKEN = secrets.token_hex()
WAIT_MS = 60_000


def chromium() -> str | None:
    """Return the path of a browser, or ``None``."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Lab:
    """A running JupyterLab.

    Parameters
    ----------
    url
        Where it answers.
    folder
        Whose notebooks it shows.
    """

    url: str
    folder: Path
    made: int = 0

    def write(self, *cells: str) -> str:
        """Write a notebook with these code cells and return its name."""
        self.made += 1
        name = f"page{self.made}.ipynb"
        book = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell{n}",
                    "metadata": {},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for n, source in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (self.folder / name).write_text(json.dumps(book))
        return name


@dataclass
class Book:
    """A notebook that is open in a page.

    Parameters
    ----------
    page
        Playwright's page.
    errors
        What the page's script raised.
    """

    page: object
    errors: list[str] = field(default_factory=list)

    def run(self, n: int) -> None:
        """Run the cell of a number and wait for its end."""
        self.page.evaluate(
            """async (n) => {
                const app = window.jupyterapp;
                const notebook = app.shell.currentWidget.content;
                notebook.activeCellIndex = n;
                await app.commands.execute('notebook:run-cell');
            }""",
            n,
        )

    def begin(self, n: int) -> None:
        """Run the cell of a number, and go on while it runs."""
        self.page.evaluate(
            """(n) => {
                const app = window.jupyterapp;
                app.shell.currentWidget.content.activeCellIndex = n;
                void app.commands.execute('notebook:run-cell');
            }""",
            n,
        )

    def output(self, n: int):
        """Return the locator of the output of a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(n).locator(".jp-Cell-outputArea")

    def text(self, n: int) -> str:
        return self.output(n).inner_text()

    def value(self, expression: str) -> str:
        """Return what the kernel says an expression is, by a message of its own beside the cells."""
        return self.page.evaluate(
            """async (expression) => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const asked = {code: '', user_expressions: {x: expression}, store_history: false};
                const done = await kernel.requestExecute(asked).done;
                const x = done.content.user_expressions.x;
                return x.status === 'ok' ? x.data['text/plain'] : `${x.ename}: ${x.evalue}`;
            }""",
            expression,
        )

    def interrupt(self) -> None:
        """Press the kernel's stop button."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab on a folder, alone and offline, and stop it at the end."""
    home, books = folder / "home", folder / "books"
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    for made in (books, settings):
        made.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    port = free_port()
    # its kernels are those of a person, who sees a bar where a test sees lines
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = inherited | {
        "HOME": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(home / "ipython"),
    }
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root",
        f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={books}", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api?token={TOKEN}", server, folder / "lab.log")
        yield Lab(url, books)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - this machine
            return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def open_book(context, lab: Lab, *cells: str) -> Iterator[Book]:
    """Open a new notebook with these cells in a browser context."""
    name = lab.write(*cells)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    book = Book(page)
    page.on("pageerror", lambda error: book.errors.append(str(error)))
    page.goto(f"{lab.url}/lab/tree/{name}?token={TOKEN}&reset")
    ready(book)
    try:
        yield book
    finally:
        page.evaluate("window.jupyterapp?.shell.currentWidget?.sessionContext.shutdown()")
        page.close()


def ready(book: Book) -> None:
    """Wait until the notebook of a page that was loaded, or loaded again, has its kernel."""
    book.page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    book.page.wait_for_function(
        """() => {
            const session = window.jupyterapp?.shell.currentWidget?.sessionContext?.session;
            return session?.kernel?.status === 'idle';
        }"""
    )
