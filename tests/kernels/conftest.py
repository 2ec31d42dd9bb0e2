"""The same tests run on the compiled kernels and on their references."""

import importlib

import pytest

from consilience.kernels import _selector


class Twin:
    """One implementation of every kernel behind the public functions."""

    def __init__(self, backend: str) -> None:
        for module in _selector.COMPILED:
            name = module.removeprefix("_")
            source = (
                f"consilience.kernels.{module}" if backend == "cython" else "consilience.kernels._reference"
            )
            setattr(self, name, getattr(importlib.import_module(source), name))


@pytest.fixture(params=["cython", "python"])
def kernels(request, monkeypatch):
    """Give ``consilience.kernels`` with one implementation behind it."""
    if request.param == "cython" and _selector.backend != "cython":
        pytest.skip("the extension is not in use")
    twin = Twin(request.param)
    for name in vars(twin):
        monkeypatch.setattr(_selector, name, getattr(twin, name))
    return importlib.import_module("consilience.kernels")
