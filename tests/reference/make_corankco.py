"""Print what corankco says of random elections; its output is `corankco.csv`.

corankco compiles itself with numba on import, for some ten seconds, so its results are stored::

    python -m pip install --target /tmp/corankco corankco==7.2.0
    PYTHONPATH=/tmp/corankco python tests/reference/make_corankco.py > tests/reference/corankco.csv

An election is written as rankings with `>` between places and `=` between tied items, best first; the consensus has
the same form. Scores count a pair that a ranking reverses as 1 and pairs that it ties as 0, as ours does.
"""

import random

from corankco import BordaCount, CopelandMethod, Dataset, ScoringScheme
from corankco.algorithms.exact.exactalgorithmpulp import ExactAlgorithmPulp

REVERSED = ScoringScheme([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]])


def written(buckets: list[set]) -> str:
    return ">".join("=".join(sorted(str(item) for item in bucket)) for bucket in buckets)


def election(generator: random.Random, n_items: int, n_experts: int, *, ties: bool) -> list[list[set[str]]]:
    rankings = []
    for _ in range(n_experts):
        items = generator.sample("abcdefgh"[:n_items], n_items)
        buckets: list[set[str]] = []
        for item in items:
            if buckets and ties and generator.random() < 0.4:
                buckets[-1].add(item)
            else:
                buckets.append({item})
        rankings.append(buckets)
    return rankings


if __name__ == "__main__":
    generator = random.Random(20)
    print("method,election,consensus,distance")
    for number in range(12):
        rankings = election(generator, 4 + number % 5, 3 + number % 4, ties=number % 2 == 1)
        text = "|".join(written(ranking) for ranking in rankings)
        dataset = Dataset.from_raw_list(rankings)
        methods = {"copeland": CopelandMethod(), "kemeny": ExactAlgorithmPulp()}
        if not number % 2:
            methods["borda"] = BordaCount()  # it counts ties in another way than the mean of their places
        for name, algorithm in methods.items():
            found = algorithm.compute_consensus_rankings(dataset, REVERSED, True)
            print(name, text, written(found.consensus_rankings[0].buckets), found.kemeny_score, sep=",")
