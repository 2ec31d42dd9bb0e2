"""What doctor is told, and the real model behind it."""

from __future__ import annotations

import pytest

from consilience.experts.local import local_status, resolve
from consilience.experts.local.artifact import SMOLLM2, is_verified, model_path


def test_the_status_tells_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path))
    status = local_status()
    assert not status.model_present
    assert not status.ready
    assert status.size == 0
    assert status.path == model_path()
    assert "consilience setup-local" in status.remedy
    status.path.parent.mkdir(parents=True)
    status.path.write_bytes(b"damaged")
    damaged = local_status()
    assert damaged.model_present
    assert not damaged.model_verified


@pytest.mark.slow
def test_the_real_model_is_there_and_verified(model_file):
    assert model_file.stat().st_size == SMOLLM2.model_bytes
    assert is_verified(model_file, quick=False)
    assert local_status().model_verified


@pytest.mark.slow
def test_the_users_pip_knows_the_real_wheel():
    where = resolve.locate(SMOLLM2)
    assert where is not None
    assert where.sha256 in (None, SMOLLM2.wheel_sha256)
