import importlib
import pkgutil
import subprocess
import sys

import pytest

import consilience as cs


@pytest.mark.parametrize("name", cs.__all__)
def test_every_public_name_is_there(name):
    assert getattr(cs, name) is not None
    assert name in dir(cs)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        cs.magic  # noqa: B018 - the access is the test


@pytest.mark.parametrize("name", [name for name in cs.__all__ if name[0].isupper() or name == "evaluate"])
def test_every_public_name_is_documented(name):
    assert len((getattr(cs, name).__doc__ or "").strip()) > 15


def test_all_errors_hang_on_one_tree():
    for name in cs.errors.__all__:
        assert issubclass(getattr(cs.errors, name), cs.errors.ConsilienceError)
        assert name in cs.errors.__doc__


@pytest.mark.parametrize(
    "module",
    [
        m.name
        for m in pkgutil.walk_packages(cs.__path__, "consilience.")
        if not m.name.endswith(("child", "__main__"))
    ],
)
def test_every_all_is_complete(module):
    loaded = importlib.import_module(module)
    for name in getattr(loaded, "__all__", ()):
        assert hasattr(loaded, name)


def test_evaluate_stays_a_function_whatever_was_imported_first():
    code = (
        "import consilience.evaluation, consilience as cs; assert callable(cs.evaluate); assert cs.evaluation"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_import_starts_no_thread_and_opens_no_file():
    code = (
        "import sys, threading, os\n"
        "def watch(event, args):\n"
        "    if event == 'open' and isinstance(args[0], str) and not args[0].endswith(('.py', '.pyc', '.so')):\n"
        "        print('opened', args[0])\n"
        "    if event.startswith('socket'):\n"
        "        print(event)\n"
        "import importlib.metadata\n"
        "sys.addaudithook(watch)\n"
        "import consilience\n"
        "print(threading.active_count())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1"]
