"""Files that are whole and durable, or not there."""

from __future__ import annotations

import os

from consilience.kernels import _selector
from consilience.kernels._reference.write_synced import sync_folder

__all__ = ["sync_folder", "write_synced"]


def write_synced(folder: str | os.PathLike[str], temporary: str, name: str, data: bytes) -> None:
    """Write a file under a temporary name, sync it, give it its name, and sync the folder.

    When this returns the file survives the end of the process and of the machine. Until then nobody sees it under its
    name.

    Parameters
    ----------
    folder
        Where it goes; it must exist.
    temporary, name
        Names in the folder. No file may have the first; a file of the second is replaced.
    data
        The whole of it.

    Raises
    ------
    OSError
        A system call failed, by its ``errno``: no such folder, no space, no right. The temporary file is removed.

    Notes
    -----
    The compiled form makes its system calls without a turn of the interpreter between them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_synced(folder, ".new", "rows", b"abc")
    ...     print([(path.name, path.read_bytes()) for path in Path(folder).iterdir()])
    [('rows', b'abc')]
    """
    _selector.write_synced(folder, temporary, name, data)
