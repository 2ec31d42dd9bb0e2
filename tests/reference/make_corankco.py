"""Print what corankco says of random elections; its output is `corankco.csv`.

corankco compiles itself with numba on import, for some ten seconds, so its results are stored::

    python -m pip install --target /tmp/corankco corankco==7.2.0
    PYTHONPATH=/tmp/corankco python tests/reference/make_corankco.py > tests/reference/corankco.csv

An election is written as rankings with `>` between places and `=` between tied items, best first; the consensus has
the same form. Scores count a pair that a ranking reverses as 1 and pairs that it ties as 0, as ours does.
"""

import random

from corankco import BordaCount, CopelandMethod, Dataset, ExactAlgorithm, ScoringScheme

REVERSED = ScoringScheme([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]])


def written(buckets: list[set]) -> str:
    return ">".join("=".join(sorted(str(item) for item in bucket)) for bucket in buckets)


def election(generator: random.Random, n_items: int, n_experts: int, n_places: int) -> list[list[set[str]]]:
    rankings = []
    for _ in range(n_experts):
        items = list("abcdefgh"[:n_items])
        generator.shuffle(items)
        if n_places:
            places = [[item for item in items if generator.random() < 0.3] for _ in range(n_places)]
            used: set[str] = set()
            buckets = []
            for place in [*places, items]:
                bucket = set(place) - used
                used |= bucket
                buckets += [bucket] if bucket else []
        else:
            buckets = [{item} for item in items]
        rankings.append(buckets)
    return rankings


if __name__ == "__main__":
    generator = random.Random(20)
    print("method,election,consensus,distance")
    for number in range(12):
        rankings = election(generator, 4 + number % 5, 3 + number % 4, n_places=2 * (number % 2))
        text = "|".join(written(ranking) for ranking in rankings)
        dataset = Dataset.from_raw_list(rankings)
        for name, algorithm in (("borda", BordaCount()), ("copeland", CopelandMethod()), ("kemeny", ExactAlgorithm())):
            found = algorithm.compute_consensus_rankings(dataset, REVERSED, True)
            print(name, text, written(found.consensus_rankings[0].buckets), found.kemeny_score, sep=",")
