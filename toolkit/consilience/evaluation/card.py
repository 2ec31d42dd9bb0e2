"""A report as HTML: finding, accuracies, shared errors, calibration, cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from consilience.evaluation.costs import dollars, provider_table
from consilience.markup import Html, accuracy_bar, details, escape, expert_mark, page, table

if TYPE_CHECKING:
    from consilience.evaluation.report import CircleReport

_MOST = 12


def card(report: CircleReport) -> str:
    """Return the report as self-contained HTML; names are escaped."""
    parts = [
        f"<div class=cs-a>{escape(report.finding)}</div>",
        _accuracy(report),
        _worth(report),
        _lifts(report),
        _together(report),
        _calibration(report),
        _costs(report),
        "" if report.providers is None else provider_table(report.providers),
        f"<div class=cs-foot>{escape(report.agreement.explain())}</div>",
    ]
    return page(Html(f"<div class=cs-card>{''.join(parts)}</div>"))


def _accuracy(report: CircleReport) -> Html:
    rows = [
        (_who(row), row["right"], accuracy_bar(row["accuracy"], row["low"], row["high"]))
        for row in report.accuracy.iter_rows(named=True)
    ]
    right = f"right of {report.accuracy['tasks'][0]:,}"
    return table(("who", right, "accuracy, 0 to 1, with 95 % interval"), rows, numeric=(right,))


def _who(row: Mapping[str, str]) -> Html:
    if row["kind"] == "member":
        return expert_mark(row["who"])
    return Html(f"<b>{escape(row['who'], 80)}</b>") if row["kind"] == "circle" else escape(row["who"], 80)


def _lifts(report: CircleReport) -> str:
    rows = [
        (name, f"{lift.plain:+.3f}", f"{lift.value:+.3f}", f"[{lift.low:+.3f}, {lift.high:+.3f}]")
        for name, lift in report.lifts.items()
    ]
    columns = ("method", "counted", "less the luck of the best member", "95 % interval")
    return (
        details("Lift of each method over the best member", table(columns, rows, numeric=columns[1:]))
        if rows
        else ""
    )


def _worth(report: CircleReport) -> str:
    if report.votes is None:
        return ""
    return f"<div class=cs-row>{escape(report.votes.explain())}</div>"


def _together(report: CircleReport) -> str:
    if report.shared_errors.is_empty():
        return ""
    pairs = report.shared_errors.sort(
        "double_fault", "first", "second", descending=[True, False, False], nulls_last=True
    )
    rows = [
        (
            Html(expert_mark(row["first"]) + expert_mark(row["second"])),
            row["double_fault"],
            row["expected"],
            row["correlation"],
            row["q"],
        )
        for row in pairs.head(_MOST).iter_rows(named=True)
    ]
    columns = ("pair", "both wrong", "if independent", "correlation", "Yule's Q")
    left = f", the {_MOST} highest of {len(pairs)} pairs" if len(pairs) > _MOST else ""
    return details(f"Who errs together{left}", table(columns, rows, numeric=columns[1:]))


def _calibration(report: CircleReport) -> str:
    if report.calibration is None:
        return ""
    columns = ("who", "answers", "confidence", "accuracy", "ECE", "ECE by chance", "Brier")
    names = ("answers", "confidence", "accuracy", "ece", "ece_by_chance", "brier")
    rows = [
        (_who(row), *(row[name] for name in names)) for row in report.calibration.scores.iter_rows(named=True)
    ]
    return details("Does confidence come true", table(columns, rows, numeric=columns[1:]))


def _costs(report: CircleReport) -> str:
    if report.costs is None:
        return ""
    rows = [
        (
            _who(row),
            None if row["cost_usd"] is None else dollars(row["cost_usd"]),
            None if row["usd_per_right"] is None else dollars(row["usd_per_right"]),
            row["unpriced"],
        )
        for row in report.costs.iter_rows(named=True)
    ]
    columns = ("who", "cost, USD", "USD a right answer", "answers without a price")
    return details("Cost, known part", table(columns, rows, numeric=columns[1:]))
