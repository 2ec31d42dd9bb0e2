"""The state machines of the tests, for longer: 100,000 steps of the breaker and of the bulkhead against their models.

python benchmarks/policy_states.py --steps 100000
"""

import argparse
import importlib.util
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

TESTS = Path(__file__).parent.parent / "tests" / "policies"
MACHINES = {"test_breaker_states": "BreakerMachine", "test_concurrency_states": "BulkheadMachine"}
STEPS_A_STORY = 100


def machine(module: str, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(module, TESTS / f"{module}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return getattr(loaded, name)


def counted(kind: Any) -> tuple[Any, list[int]]:
    """Return the machine with a count of the steps that it really took: a check of the model follows each."""
    steps = [0]

    class Counted(kind):  # type: ignore[misc]
        def check_invariants(self, *args: Any, **kwargs: Any) -> None:
            steps[0] += 1
            super().check_invariants(*args, **kwargs)

    Counted.__name__ = kind.__name__
    return Counted, steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    wanted = parser.parse_args()
    for module, name in MACHINES.items():
        kind, steps = counted(machine(module, name))
        started = time.process_time()
        while steps[0] < wanted.steps:
            run_state_machine_as_test(
                kind,
                settings=settings(
                    max_examples=100,
                    stateful_step_count=STEPS_A_STORY,
                    deadline=None,
                    database=None,
                    phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        print(
            f"{name}: {steps[0]:,} steps agree with the model, {time.process_time() - started:.1f} s of CPU"
        )


if __name__ == "__main__":
    main()
