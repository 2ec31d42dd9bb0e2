"""An export is read by Dask as it lies there."""

import pytest

from consilience.circle import Circle
from consilience.experts.scripted import Scripted
from consilience.models import Label


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Dask calls what pandas is going to drop
def test_dask_reads_an_export_directly(tmp_path):
    dask = pytest.importorskip("dask.dataframe")
    with Circle([Scripted("ana", ["yes"]), Scripted("ben", ["no"])], store=tmp_path / "h.duckdb") as circle:
        circle.ask_all_sync(["one?", "two?"], answer=Label("yes", "no"))
        rows = circle.store.export(tmp_path)
    frame = dask.read_parquet(str(tmp_path / "history" / "responses"))
    assert rows["responses"] == len(frame) == 4
    counted = frame.groupby("expert")["answer"].count().compute(scheduler="synchronous")
    assert counted.to_dict() == {"ana": 2, "ben": 2}
    assert frame["day"].nunique().compute(scheduler="synchronous") == 1
