"""What write_synced promises, on both implementations."""

from pathlib import Path

import pytest

DESCRIPTORS = Path("/proc/self/fd")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "data", [b"", b"abc", b"x" * 3_000_001, memoryview(b"abcdef")[2:4], bytearray(b"abc")]
)
def test_the_file_is_whole_and_alone(kernels, tmp_path, data):
    kernels.write_synced(tmp_path, ".new", "rows", data)
    assert names(tmp_path) == ["rows"]
    assert (tmp_path / "rows").read_bytes() == bytes(data)


def test_a_file_of_that_name_is_replaced(kernels, tmp_path):
    kernels.write_synced(str(tmp_path), ".new", "rows", b"first")
    kernels.write_synced(str(tmp_path), ".new", "rows", b"second")
    assert names(tmp_path) == ["rows"]
    assert (tmp_path / "rows").read_bytes() == b"second"


def test_names_beyond_ascii(kernels, tmp_path):
    folder = tmp_path / "größe \N{SNOWMAN}"
    folder.mkdir()
    kernels.write_synced(folder, ".neu", "zeilen ä", b"x")
    assert names(folder) == ["zeilen ä"]


def test_the_file_has_the_rights_of_any_new_file(kernels, tmp_path):
    (tmp_path / "usual").touch()
    kernels.write_synced(tmp_path, ".new", "rows", b"x")
    assert (tmp_path / "rows").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_without_a_folder_the_error_is_the_systems(kernels, tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        kernels.write_synced(tmp_path / "gone", ".new", "rows", b"x")


def test_a_temporary_file_of_somebody_else_is_not_written_into(kernels, tmp_path):
    (tmp_path / ".new").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        kernels.write_synced(tmp_path, ".new", "rows", b"x")
    assert (tmp_path / ".new").read_bytes() == b"theirs"
    assert names(tmp_path) == [".new"]


def test_what_cannot_get_its_name_is_removed(kernels, tmp_path):
    (tmp_path / "rows").mkdir()
    with pytest.raises(IsADirectoryError):
        kernels.write_synced(tmp_path, ".new", "rows", b"x")
    assert names(tmp_path) == ["rows"]


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="counts descriptors in /proc")
def test_no_descriptor_is_left(kernels, tmp_path):
    before = names(DESCRIPTORS)
    kernels.write_synced(tmp_path, ".new", "rows", b"x")
    with pytest.raises(OSError, match="File name too long"):
        kernels.write_synced(tmp_path, ".new", "n" * 300, b"x")
    assert names(DESCRIPTORS) == before
    assert names(tmp_path) == ["rows"]


def test_names_with_a_zero_byte_are_refused(kernels, tmp_path):
    with pytest.raises(ValueError, match="null"):
        kernels.write_synced(tmp_path, ".new", "a\0b", b"x")
    assert names(tmp_path) == []
