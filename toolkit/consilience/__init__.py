"""Consult a circle of experts, and know how far they really agree.

>>> import consilience as cs
>>> circle = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["yes"]), cs.Scripted("cy", ["no"])])
>>> circle.ask_sync("Is water wet?", answer=cs.Label("yes", "no")).answer
'yes'

Names are loaded when they are first used, so that the import itself costs little and opens nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consilience import (
        aggregate,
        agreement,
        contradiction,
        dashboards,
        dedup,
        equivalence,
        errors,
        evaluation,
        experts,
        kernels,
        models,
        patterns,
        policies,
        pools,
        redaction,
        rounds,
        samples,
        simulate,
        sources,
        streaming,
        templates,
        testing,
    )
    from consilience.aggregate import Aggregation
    from consilience.agreement import Coefficient
    from consilience.circle import Circle
    from consilience.dedup import Merged, Recommendation
    from consilience.doctor import show_versions
    from consilience.evaluation import CircleReport, UnverifiedReport, evaluate
    from consilience.experts.base import Expert, FunctionExpert
    from consilience.experts.human import Human
    from consilience.experts.recorded import Recorded
    from consilience.experts.registry import Model
    from consilience.experts.scripted import Scripted
    from consilience.markup import Table
    from consilience.models import (
        Example,
        Items,
        Label,
        Outcome,
        Question,
        Ranking,
        Reply,
        Response,
        Score,
        Text,
        Usage,
    )
    from consilience.patterns import PatternSet
    from consilience.policies import cached
    from consilience.runs import Budget, Plan, Run, RunResult
    from consilience.store import Store
    from consilience.verdict import Decision, Verdict

_HOMES = {
    "Aggregation": "aggregate",
    "Budget": "runs",
    "Circle": "circle",
    "CircleReport": "evaluation",
    "Coefficient": "agreement",
    "Decision": "verdict",
    "Example": "models",
    "Expert": "experts.base",
    "FunctionExpert": "experts.base",
    "Human": "experts.human",
    "Items": "models",
    "Label": "models",
    "Merged": "dedup",
    "Model": "experts.registry",
    "Outcome": "models",
    "PatternSet": "patterns",
    "Plan": "runs",
    "Question": "models",
    "Ranking": "models",
    "Recommendation": "dedup",
    "Recorded": "experts.recorded",
    "Reply": "models",
    "Response": "models",
    "Score": "models",
    "Run": "runs",
    "RunResult": "runs",
    "Scripted": "experts.scripted",
    "Store": "store",
    "Table": "markup",
    "Text": "models",
    "UnverifiedReport": "evaluation",
    "Usage": "models",
    "Verdict": "verdict",
    "cached": "policies",
    "evaluate": "evaluation",
    "show_versions": "doctor",
}
_MODULES = (
    "agreement",
    "aggregate",
    "contradiction",
    "dashboards",
    "dedup",
    "equivalence",
    "errors",
    "evaluation",
    "experts",
    "kernels",
    "models",
    "patterns",
    "policies",
    "pools",
    "redaction",
    "rounds",
    "samples",
    "simulate",
    "sources",
    "streaming",
    "templates",
    "testing",
)

__all__ = [
    "Aggregation",
    "Budget",
    "Circle",
    "CircleReport",
    "Coefficient",
    "Decision",
    "Example",
    "Expert",
    "FunctionExpert",
    "Human",
    "Items",
    "Label",
    "Merged",
    "Model",
    "Outcome",
    "PatternSet",
    "Plan",
    "Question",
    "Ranking",
    "Recommendation",
    "Recorded",
    "Reply",
    "Response",
    "Run",
    "RunResult",
    "Score",
    "Scripted",
    "Store",
    "Table",
    "Text",
    "UnverifiedReport",
    "Usage",
    "Verdict",
    "__version__",
    "aggregate",
    "agreement",
    "cached",
    "contradiction",
    "dashboards",
    "dedup",
    "equivalence",
    "errors",
    "evaluate",
    "evaluation",
    "experts",
    "kernels",
    "models",
    "patterns",
    "policies",
    "pools",
    "redaction",
    "rounds",
    "samples",
    "show_versions",
    "simulate",
    "sources",
    "streaming",
    "templates",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"consilience.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"consilience.{name}")
    elif name == "__version__":
        from importlib.metadata import version

        value = version("consilience")
    else:
        raise AttributeError(f"module 'consilience' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """Bring ``%circle``, ``%%circle`` and ``%%circle_sql``; IPython calls this at ``%load_ext consilience``."""
    from consilience.notebook.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them out again, and give back what they hold."""
    from consilience.notebook.magics import unload

    unload(shell)
