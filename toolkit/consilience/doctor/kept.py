"""Whether a store can be read, how large it is, and what waits for it."""

from __future__ import annotations

from pathlib import Path

from consilience.doctor.check import Check


def store(given: str | Path, timeout: float = 2.0) -> list[Check]:
    """Look at a store; it is opened for reading if there is one, and none is made.

    Parameters
    ----------
    given
        Path of the file, or URL of a server.
    timeout
        Seconds to wait while another process holds it.
    """
    from consilience.errors import StoreBusy, StoreError
    from consilience.markup import size
    from consilience.store import Store
    from consilience.store.places import is_url

    server = is_url(given)
    shown = "the store on the server" if server else str(given)  # a URL can hold a password
    if not server and not Path(given).exists():
        return [Check("store", None, f"{shown} is not there", "it is made when a circle first asks with it")]
    try:
        with Store(given, timeout=timeout) as opened:
            found, shown = opened.status(), opened.address
    except StoreBusy as error:
        return [Check("store", False, f"{shown} is held by another process", str(error))]
    except StoreError as error:
        return [Check("store", False, f"{shown} cannot be read", str(error))]
    rows = int(found.tables["rows"].sum())
    told = f"{shown}: {rows:,} rows, {size(found.size)}, version {found.version}; nobody holds it alone"
    waits = f"{found.waiting:,} segments, {size(found.waiting_size)}" if found.waiting else "nothing"
    hint = "a process that writes takes them; else any store.flush() does" if found.waiting else ""
    return [Check("store", True, told), Check("waiting in the spool", None, waits, hint)]
