"""Tables and texts that leave the dashboard as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel_material_ui as pmu

from consilience.dashboards.roles import Role
from consilience.errors import ConsilienceError

if TYPE_CHECKING:
    import polars as pl

    from consilience.dashboards.visit import Visit

__all__ = ["as_csv", "download"]

# A spreadsheet runs a cell that begins like this: what a model wrote must stay text there too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(frame: pl.DataFrame) -> bytes:
    r"""Return a frame as CSV in UTF-8; texts that a spreadsheet would run begin with an apostrophe.

    Examples
    --------
    >>> import polars as pl
    >>> as_csv(pl.DataFrame({"said": ["yes", "=HYPERLINK()"]}))
    b"said\nyes\n'=HYPERLINK()\n"
    """
    import polars as pl

    begins = pl.col(pl.String).str.slice(0, 1).is_in(_FORMULA)
    safe = frame.with_columns(
        pl.when(begins).then(pl.lit("'") + pl.col(pl.String)).otherwise(pl.col(pl.String)).name.keep()
    )
    return safe.write_csv().encode()


def download(visit: Visit, label: str, filename: str, make: Callable[[], bytes]) -> Any:
    """Return a button that makes a file when it is pressed, and says in the audit that it did.

    Parameters
    ----------
    visit
        Who presses it.
    label
        On the button.
    filename
        What the browser calls the file.
    make
        Returns its content; it runs when the button is pressed.
    """

    def made() -> io.BytesIO:
        try:
            visit.require(Role.READER, "A download")
            content = make()
            visit.audit("export", filename)
        except ConsilienceError as error:
            visit.notify(str(error))
            content = f"This file could not be made: {error}\n".encode()
        return io.BytesIO(content)

    return pmu.FileDownload(
        callback=made, filename=filename, label=label, variant="outlined", size="small", margin=0
    )
