"""How many threads the child computes with."""

from __future__ import annotations

import os

import pytest

from consilience.experts.local.cpus import cpu_quota, threads


def test_no_limit_is_none(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cpu_quota(tmp_path, tmp_path / "absent") is None


def test_the_smallest_quota_on_the_way_to_the_root_counts(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "a" / "b" / "cpu.max").write_text("400000 100000\n")
    (tmp_path / "membership").write_text("0::/a/b\n")
    assert cpu_quota(tmp_path, tmp_path / "membership") == pytest.approx(1.5)


def test_the_first_version_of_control_groups_is_read_too(tmp_path):
    (tmp_path / "cpu" / "a").mkdir(parents=True)
    (tmp_path / "cpu" / "a" / "cpu.cfs_quota_us").write_text("50000\n")
    (tmp_path / "cpu" / "a" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "membership").write_text("4:memory:/x\n3:cpu,cpuacct:/a\n")
    assert cpu_quota(tmp_path, tmp_path / "membership") == pytest.approx(0.5)


def test_threads_are_bounded_by_affinity_quota_and_eight(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert threads(tmp_path, tmp_path / "absent") == 8
    (tmp_path / "cpu.max").write_text("20000 100000\n")
    assert threads(tmp_path, tmp_path / "absent") == 1
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert threads(tmp_path, tmp_path / "absent") == 3
