"""Identifiers are UUIDs, and nobody gets one twice."""

from __future__ import annotations

import os
import threading
import uuid

import pytest

from consilience.models.identifiers import new_id


def test_they_are_random_uuids():
    made = [new_id() for _ in range(1000)]
    assert {uuid.UUID(each).version for each in made} == {4}
    assert {uuid.UUID(each).variant for each in made} == {uuid.RFC_4122}
    assert {each[16] for each in made} == set("89ab")
    assert all(len(each) == 32 for each in made)


def test_threads_get_different_ones():
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend([new_id() for _ in range(5_000)])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 40_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is nothing to fork")
def test_a_forked_child_gets_others_than_its_parent():
    new_id()  # the rest of what was drawn would be the child's as well
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, "".join(new_id() for _ in range(300)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    theirs = {said[at : at + 32] for at in range(0, len(said), 32)}
    assert len(theirs) == 300
    assert not theirs & {new_id() for _ in range(300)}
