"""What every test shares."""

import subprocess
from contextlib import suppress

import pytest
from hypothesis import settings

# They make the stored figures with oracles that are not installed here; see the card beside them.
collect_ignore_glob = ["reference/*.py"]

# No deadline: on a busy machine a slow example says nothing about the code.
settings.register_profile("consilience", deadline=None)
settings.load_profile("consilience")


@pytest.fixture(scope="session")
def local_model():
    """Fetch the model once into the user's cache; the tests that need it run the real one."""
    from consilience.experts.local import setup_local

    return setup_local().path


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB in memory, where mounting is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a full disk needs the right to mount a tmpfs: {error}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def fill():
    """Write into a folder until nothing more goes in."""

    def until_full(folder):
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as stream:
            for size in (65536, 1024, 1):
                with suppress(OSError):
                    while stream.write(b"x" * size) == size:
                        pass

    return until_full
