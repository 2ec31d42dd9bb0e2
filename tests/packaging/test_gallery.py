"""The gallery shows every notebook as it is now."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
gallery = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = gallery  # its dataclasses look for their module there
_spec.loader.exec_module(gallery)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def test_the_page_is_that_of_the_notebooks():
    made = gallery.page([gallery.read(path) for path in NOTEBOOKS])
    assert gallery.PAGE.read_text(encoding="utf-8") == made, "a notebook was changed: make gallery"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_a_question_a_card_lessons_and_a_picture(path):
    entry = gallery.read(path)
    assert entry.title.startswith(path.stem[:2])
    assert "?" in entry.title + entry.question
    assert entry.learned
    assert "## The data" in path.read_text(encoding="utf-8")
    assert entry.figure.exists(), "make gallery"
    assert entry.figure.stat().st_size < 100_000
