"""Write docs/gallery/README.md from the notebooks: question, figure, what we learned. ``make gallery`` runs it.

The page is made from the sources of the notebooks alone; ``--figures`` also runs them, and takes the picture of each
from what a browser shows. A test compares the page with the notebooks.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
PAGE = ROOT / "docs" / "gallery" / "README.md"
HEAD = """# Gallery

A tour in notebooks. Each asks one question, of data with a card, and ends with what was learned. They run offline, each
in a few seconds: `make lab` opens them, `make notebooks` runs them all, `make gallery` makes this page anew.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A notebook on the page.

    Parameters
    ----------
    path
        Of the notebook.
    title
        Its heading.
    question
        Its first paragraph.
    learned
        The points of its last section.
    caption
        What its figure shows; empty without one.
    """

    path: Path
    title: str
    question: str
    learned: tuple[str, ...]
    caption: str

    @property
    def figure(self) -> Path:
        """Where its picture lies."""
        return PAGE.parent / f"{self.path.stem}.png"


def read(path: Path) -> Entry:
    """Return the entry of a notebook, from its source."""
    told = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    title, _, rest = told[0].partition("\n")
    learned = re.split(r"^[-*] ", told[-1].partition("\n")[2].strip(), flags=re.MULTILINE)[1:]
    captions = [text.strip("*") for text in told if re.fullmatch(r"\*[^*].*\*", text, re.DOTALL)]
    return Entry(
        path,
        title.removeprefix("# ").strip(),
        rest.strip().split("\n\n")[0],
        tuple(" ".join(point.split()) for point in learned),
        captions[0] if captions else "",
    )


def page(entries: list[Entry]) -> str:
    """Return the page."""
    return "\n".join([HEAD, *map(_section, entries)])


def _section(entry: Entry) -> str:
    said = re.sub(r"[\[\]]", "", entry.caption) or f"The figure of {entry.title}"
    link = f"../../notebooks/{entry.path.name}"
    points = "\n".join(f"- {point}" for point in entry.learned)
    return (
        f"## [{entry.title}]({link})\n\n{entry.question}\n\n[![{said}]({entry.figure.name})]({link})\n\n"
        f"**What we learned**\n\n{points}\n"
    )


def pictures(entries: list[Entry]) -> None:
    """Run the notebooks and keep a picture of the figure of each."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        sys.exit("make_gallery: the pictures need chromium: apt install chromium, then make gallery.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for entry in entries:
            _picture(browser, _executed(entry.path, Path(folder)), entry.figure)
        browser.close()


def _executed(path: Path, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "html",
        "--execute",
        str(path),
        "--output-dir",
        folder,
    ]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return folder / f"{path.stem}.html"


def _picture(browser, html: Path, to: Path) -> None:
    shown = browser.new_page(viewport={"width": 1000, "height": 900}, color_scheme="light")
    # the page names scripts of the network that no picture needs
    shown.route("http*://**/*", lambda route: route.abort())
    shown.goto(html.as_uri())
    figures = shown.locator(".bk-Figure, .bk-root .bk-canvas")
    if figures.count() == 0:
        shown.wait_for_timeout(3_000)
    place = figures.last if figures.count() else shown.locator(".jp-OutputArea-output .cs").last
    place.scroll_into_view_if_needed()
    shown.wait_for_timeout(500)
    to.parent.mkdir(parents=True, exist_ok=True)
    place.screenshot(path=to)
    shown.close()
    _smaller(to)


def _smaller(path: Path) -> None:
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(64)
    small.save(path, optimize=True)


def main() -> None:
    """Write the page, and with ``--figures`` the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--figures", action="store_true", help="run the notebooks and take their pictures anew"
    )
    parser.add_argument("--only", default="", help="of these notebooks, by the beginning of their name")
    told = parser.parse_args()
    entries = [read(path) for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))]
    if told.figures:
        pictures([entry for entry in entries if entry.path.name.startswith(told.only)])
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(entries), encoding="utf-8")


if __name__ == "__main__":
    main()
