import pytest

from consilience.aggregate import majority
from consilience.errors import InvalidFrame


def test_silence_counts_in_a_strict_majority_and_not_in_a_plurality():
    frame = {"task": [1, 1, 1, 1], "expert": list("abcd"), "label": ["x", "x", None, None]}
    assert majority(frame).answers["decision"].to_list() == ["no majority"]
    assert majority(frame, strict=False).answers["answer"].to_list() == ["x"]


def test_ties_are_listed_with_their_labels():
    result = majority({"task": [7, 7, 8], "expert": list("aba"), "label": ["x", "y", "x"]})
    assert result.ties.rows() == [(7, "x", 1), (7, "y", 1)]
    assert result.decided == 1
    assert "1 of 2 tasks decided, 1 tied" in repr(result)


def test_labels_of_any_type_come_back_as_they_were():
    result = majority({"task": ["t", "t"], "expert": [1, 2], "label": [3, 3]})
    assert result.answers["answer"].to_list() == [3]


@pytest.mark.parametrize("labels", [[None, None], []])
def test_tasks_without_an_answer_and_empty_frames_are_fine(labels):
    import polars as pl

    frame = pl.DataFrame(
        {"task": [1] * len(labels), "expert": list("ab")[: len(labels)], "label": labels},
        schema={"task": pl.Int64, "expert": pl.String, "label": pl.String},
    )
    result = majority(frame)
    assert result.decided == 0
    assert len(result.answers) == bool(labels)


def test_an_aggregation_escapes_labels_in_html():
    result = majority({"task": [1], "expert": ["a"], "label": ["<script>"]})
    assert "<script>" not in result._repr_html_()


def test_a_missing_column_is_named():
    with pytest.raises(InvalidFrame, match="label is missing"):
        majority({"task": [1], "expert": ["a"]})
