"""Locks exclude threads as they exclude processes, and time out without a real clock."""

from __future__ import annotations

import itertools
import os
import threading

import pytest

from consilience.errors import StoreBusy, StoreError
from consilience.store.locks import Locks


@pytest.fixture
def locks(tmp_path):
    ticks = itertools.count(step=0.1)
    return Locks(tmp_path / "spool", clock=lambda: next(ticks), sleep=lambda _: None)


def test_readers_share_the_store(locks):
    with locks.reading(1), locks.reading(1):
        pass


def test_a_writer_excludes_readers_and_writers_of_the_same_process(locks):
    with locks.writing(1):
        for attempt in (locks.reading, locks.writing):
            with pytest.raises(StoreBusy, match="free within 1 s"), attempt(1):
                pass


def test_a_reader_excludes_writers_and_lets_go(locks):
    with locks.reading(1), pytest.raises(StoreBusy), locks.writing(1):
        pass
    with locks.writing(1):
        pass


def test_one_thread_is_elected_and_the_others_learn_it_at_once(locks):
    with locks.ingesting() as first, locks.ingesting() as second:
        assert (first, second) == (True, False)
    with locks.ingesting() as third:
        assert third


def test_a_waiting_writer_stops_new_readers(tmp_path, until):
    locks = Locks(tmp_path / "spool")
    entered = threading.Event()

    def write():
        with locks.writing(60):
            entered.set()

    with locks.reading(1):
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: _turnstile_is_held(locks))
        with pytest.raises(StoreBusy), locks.reading(0.01):
            pass
        assert not entered.is_set()
    writer.join(60)
    assert entered.is_set()


def _turnstile_is_held(locks):
    import fcntl

    fd = os.open(locks._folder / "turnstile.lock", os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def test_a_lock_file_that_was_removed_still_excludes(locks, tmp_path):
    with locks.writing(1):
        pass
    (tmp_path / "spool" / "store.lock").unlink()
    with locks.writing(1), pytest.raises(StoreBusy), locks.reading(1):
        pass


def test_a_lock_file_that_cannot_be_made_is_named(tmp_path):
    locks = Locks(tmp_path / "missing" / "spool")
    with (
        pytest.raises(StoreError, match=r"lock file .*store\.lock|lock file .*turnstile\.lock"),
        locks.writing(1),
    ):
        pass
