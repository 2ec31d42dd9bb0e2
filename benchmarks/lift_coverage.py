"""How often an interval of the lift over the best member holds the true lift.

Experts are simulated with planted accuracies and a planted correlation, so the true lift is known. Compared:

    again   the best member is chosen anew in every draw and scored on the same draw
    fixed   the best member of all tasks is kept, as if it had been chosen beforehand
    apart   what `cs.evaluate` does: one sample chooses, an independent one compares

For each, the share of circles whose interval lies above the true lift (the circle is flattered) and below it (its rival
is), and the mean error of the middle.

    python benchmarks/lift_coverage.py
"""

from statistics import NormalDist

import numpy as np

from consilience.evaluation.lift import lifts

CIRCLES, DRAWS, TASKS = 400, 400, 200
SETTINGS = {
    "five equal, independent": ([0.8] * 5, 0.0),
    "five equal, correlation 0.5": ([0.8] * 5, 0.5),
    "five equal, correlation 0.9": ([0.8] * 5, 0.9),
    "nine equal, correlation 0.6": ([0.8] * 9, 0.6),
    "close, correlation 0.5": ([0.82, 0.81, 0.80, 0.79, 0.78], 0.5),
    "far apart, correlation 0.5": ([0.9, 0.8, 0.75, 0.7, 0.7], 0.5),
}


def draw(generator, tasks, accuracies, correlation):
    threshold = np.array([NormalDist().inv_cdf(each) for each in accuracies])
    common = generator.standard_normal((tasks, 1))
    own = generator.standard_normal((tasks, len(accuracies)))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own <= threshold


def majority(right):
    return 2 * right.sum(axis=1, keepdims=True) > right.shape[1]


def others(right, circle, seed):
    flags = np.concatenate([right, circle], axis=1).astype(float)
    patterns, repeats = np.unique(flags, axis=0, return_counts=True)
    weights = np.random.default_rng(seed).multinomial(TASKS, repeats / TASKS, size=DRAWS) / TASKS
    means = weights @ patterns
    best = right.mean(axis=0).argmax()
    yield "again", np.quantile(means[:, -1] - means[:, :-1].max(axis=1), [0.025, 0.975])
    yield "fixed", np.quantile(means[:, -1] - means[:, best], [0.025, 0.975])


def main():
    generator = np.random.default_rng(1)
    print(f"{CIRCLES} circles, {TASKS} tasks: share of intervals above / below the true lift")
    for name, (accuracies, correlation) in SETTINGS.items():
        many = draw(generator, 400_000, accuracies, correlation)
        truth = majority(many).mean() - max(accuracies)
        missed = {}
        errors = []
        for seed in range(CIRCLES):
            right = draw(generator, TASKS, accuracies, correlation)
            circle = majority(right)
            (lift,) = lifts(right, circle, [str(k) for k in range(len(accuracies))], DRAWS, seed)
            errors.append((lift.plain - truth, lift.value - truth))
            for kind, (low, high) in [*others(right, circle, seed), ("apart", (lift.low, lift.high))]:
                above, below = missed.get(kind, (0, 0))
                missed[kind] = above + (low > truth), below + (high < truth)
        shares = "  ".join(f"{k} {a / CIRCLES:.3f} / {b / CIRCLES:.3f}" for k, (a, b) in missed.items())
        plain, value = np.mean(errors, axis=0)
        print(f"{name:28} lift {truth:+.3f}  {shares}  error as counted {plain:+.4f}, corrected {value:+.4f}")


if __name__ == "__main__":
    main()
