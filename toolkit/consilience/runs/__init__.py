"""Runs: one prompt over all rows of a frame, that never lose or re-pay a cell."""

from consilience.runs.budget import Budget, Purse, Spending
from consilience.runs.plan import ExpertPlan, Plan
from consilience.runs.result import RunResult
from consilience.runs.run import Run

__all__ = ["Budget", "ExpertPlan", "Plan", "Purse", "Run", "RunResult", "Spending"]
