"""When two texts say the same: by their words, by embeddings, or as a judge decides.

An equivalence proposes; the guard of `consilience.contradiction` has the last word in everything that uses one, so
that a negated sentence or a changed number is never the same answer, however near an embedding puts it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from consilience.contradiction import Claim, Relation, compare, contained
from consilience.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np

    Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Comparison", "Embeddings", "Entailment", "Equivalence", "Judge", "Lexical", "Pair", "guarded"]

#: Two rows and how alike they are, from 0 to 1.
Pair: TypeAlias = tuple[int, int, float]

_FEW = 64  # below, comparing all pairs costs less than joining them
_BLOCK = 1024


class Comparison(Protocol):
    """Texts that were read once, to be compared among each other."""

    def pairs(self, rows: Sequence[int]) -> list[Pair]:
        """Return the pairs of these rows that say the same, the smaller row first."""

    def similarity(self, rows: Sequence[int]) -> Matrix:
        """Return how alike every two of these rows are: shape ``(n, n)``, symmetric, 1 on the diagonal."""


@runtime_checkable
class Equivalence(Protocol):
    """A way to tell whether texts say the same."""

    @property
    def method(self) -> str:
        """What it is, in words, for displays: "entailment" only where entailment was asked for."""

    def over(self, claims: Sequence[Claim]) -> Comparison:
        """Read all texts that will be compared; the text of a claim is ``claim.text``."""


def guarded(pairs: Sequence[Pair], claims: Sequence[Claim]) -> list[Pair]:
    """Return the pairs that the guard lets stand."""
    return [pair for pair in pairs if compare(claims[pair[0]], claims[pair[1]]) is Relation.COMPATIBLE]


class Lexical:
    """The same content words, or nearly: nothing is understood.

    Two texts are the same if the Jaccard similarity of their content words reaches the threshold and only one of
    them has words of its own: where both have, one word may stand in for another ("index the orders", "index the
    customers").

    Parameters
    ----------
    threshold
        Above 0, at most 1. 0.7 lets one word be added to three, two to five; ``benchmarks/merging.py`` shows what
        other values do.

    Examples
    --------
    >>> from consilience.contradiction import read_claim
    >>> claims = [
    ...     read_claim(text) for text in ("Add an index on orders", "Please add index to the orders", "Shard")
    ... ]
    >>> Lexical().over(claims).pairs([0, 1, 2])
    [(0, 1, 1.0)]
    """

    def __init__(self, threshold: float = 0.7) -> None:
        if not 0 < threshold <= 1:
            raise InvalidInput(f"threshold must be above 0 and at most 1, {threshold!r} came; 0.7 is usual.")
        self.threshold = threshold

    def __repr__(self) -> str:
        return f"Lexical(threshold={self.threshold:g})"

    @property
    def method(self) -> str:
        """What it is, in words."""
        return f"content words (Jaccard {self.threshold:g})"

    def over(self, claims: Sequence[Claim]) -> Comparison:
        """Return the texts as sets of content words."""
        return _Words(claims, self.threshold)


class _Words:
    def __init__(self, claims: Sequence[Claim], threshold: float) -> None:
        self.claims = claims
        self.threshold = threshold

    def pairs(self, rows: Sequence[int]) -> list[Pair]:
        alike = _all_pairs if len(rows) < _FEW else _joined_pairs
        claims = self.claims
        return [
            pair
            for pair in alike(claims, rows, self.threshold)
            if contained(claims[pair[0]], claims[pair[1]])
        ]

    def similarity(self, rows: Sequence[int]) -> Matrix:
        import numpy as np

        found = np.eye(len(rows))
        for i, j in combinations(range(len(rows)), 2):
            found[i, j] = found[j, i] = _jaccard(self.claims[rows[i]].words, self.claims[rows[j]].words)
        return found


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    either = len(one) + len(other) - shared
    return shared / either if either else 1.0


def _all_pairs(claims: Sequence[Claim], rows: Sequence[int], threshold: float) -> list[Pair]:
    scored = ((i, j, _jaccard(claims[i].words, claims[j].words)) for i, j in combinations(sorted(rows), 2))
    return [pair for pair in scored if pair[2] >= threshold - 1e-9]


def _joined_pairs(claims: Sequence[Claim], rows: Sequence[int], threshold: float) -> list[Pair]:
    from consilience.dedup.near import near_duplicates

    # words become numbers, since the kernel would cut some of them again
    ordered = sorted(rows)
    numbers: dict[str, str] = {}
    texts = [
        " ".join([numbers.setdefault(word, str(len(numbers))) for word in claims[row].words])
        for row in ordered
    ]
    found = near_duplicates(texts, threshold).pairs()
    return [(ordered[i], ordered[j], alike) for i, j, alike in found.iter_rows()]


class Embeddings:
    """Near in the space of an embedding that the caller brings.

    Embeddings put a negated sentence as near as a paraphrase, sometimes nearer: what they propose passes the guard.

    Parameters
    ----------
    embed
        Takes a list of texts, returns a vector a text, shape ``(n, d)``, d as it likes. Called once with all texts.
    cutoff
        Cosine from which two texts are the same. It depends on the embedding, so that there is no default: take one
        between the cosines of paraphrases and of unrelated texts of yours.
    one_word_apart
        Whether two texts may be the same that share two content words or more and differ by one each: "index the
        orders", "index the customers". No by default: an embedding does not tell another thing from another word for
        it (15 of 15 such pairs passed, see ``benchmarks/merging.py``).
    name
        What the embedding is called in displays.

    Raises
    ------
    InvalidInput
        The cutoff is not a cosine, or ``embed`` returns something else than a finite vector a text.

    Examples
    --------
    >>> from consilience.contradiction import read_claim
    >>> lengths = Embeddings(lambda texts: [[len(text), 10] for text in texts], cutoff=0.99, name="length")
    >>> lengths.over([read_claim("Shard"), read_claim("Index"), read_claim("Partition by tenant")]).pairs(
    ...     [0, 1, 2]
    ... )
    [(0, 1, 1.0)]
    """

    def __init__(
        self,
        embed: Callable[[list[str]], Any],
        cutoff: float,
        *,
        one_word_apart: bool = False,
        name: str = "",
    ) -> None:
        if not -1 <= cutoff <= 1:
            raise InvalidInput(f"cutoff is a cosine from -1 to 1, {cutoff!r} came.")
        self.embed = embed
        self.cutoff = cutoff
        self.one_word_apart = one_word_apart
        self.name = name or _name_of(embed)

    def __repr__(self) -> str:
        return f"Embeddings({self.name}, cutoff={self.cutoff:g})"

    @property
    def method(self) -> str:
        """What it is, in words."""
        return f"embeddings by {self.name} (cosine {self.cutoff:g})"

    def over(self, claims: Sequence[Claim]) -> Comparison:
        """Embed all texts, each different one once."""
        import numpy as np

        texts = list(dict.fromkeys(claim.text for claim in claims))
        place = {text: at for at, text in enumerate(texts)}
        vectors = np.asarray(self.embed(texts), dtype=np.float64) if texts else np.zeros((0, 1))
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise InvalidInput(
                f"{self.name} must return a vector of finite numbers for each of {len(texts)} texts, an array of shape "
                f"{vectors.shape} came{'' if np.isfinite(vectors).all() else ' with nan or infinite values'}."
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        return _Vectors(
            units[[place[claim.text] for claim in claims]],
            self.cutoff,
            None if self.one_word_apart else claims,
        )


class _Vectors:
    def __init__(self, units: Matrix, cutoff: float, claims: Sequence[Claim] | None) -> None:
        self.units = units
        self.cutoff = cutoff
        self.claims = claims  # to leave out what is one word apart, if that is wanted

    def pairs(self, rows: Sequence[int]) -> list[Pair]:
        import numpy as np

        ordered = np.sort(np.asarray(rows, dtype=np.int64))
        chosen = self.units[ordered]
        found: list[Pair] = []
        for start in range(0, len(ordered), _BLOCK):
            cosine = np.clip(chosen[start : start + _BLOCK] @ chosen.T, -1, 1)
            left, right = np.nonzero(cosine >= self.cutoff - 1e-9)
            later = left + start < right
            left, right = left[later], right[later]
            alike = cosine[left, right].round(12)
            found += zip(ordered[left + start].tolist(), ordered[right].tolist(), alike.tolist(), strict=True)
        claims = self.claims
        return (
            found
            if claims is None
            else [pair for pair in found if not _swapped(claims[pair[0]], claims[pair[1]])]
        )

    def similarity(self, rows: Sequence[int]) -> Matrix:
        import numpy as np

        chosen = self.units[list(rows)]
        found: Matrix = np.clip(chosen @ chosen.T, -1, 1)
        np.fill_diagonal(found, 1.0)
        return found


def _swapped(one: Claim, other: Claim) -> bool:
    """Return whether one content word of each stands where the other has another, and two or more are shared."""
    shared = len(one.words & other.words)
    return shared > 1 and len(one.words) == len(other.words) == shared + 1


class Judge:
    """A function that is asked whether two texts say the same: a language model, a rule, a person.

    Parameters
    ----------
    same
        Takes two texts, returns True or False. Asked once for two texts, the one that sorts first first.
    name
        What it is called in displays; the function's own name by default.
    most
        Pairs that may be asked about; more are refused before the first call, since calls may cost money.

    Raises
    ------
    InvalidInput
        There are more pairs, or the answer is neither True nor False.

    Examples
    --------
    >>> from consilience.contradiction import read_claim
    >>> judge = Judge(lambda a, b: a[0] == b[0], name="first letter")
    >>> judge.over([read_claim("Shard it"), read_claim("Split it"), read_claim("Wait")]).pairs([0, 1, 2])
    [(0, 1, 1.0)]
    """

    def __init__(self, same: Callable[[str, str], bool], *, name: str = "", most: int = 10_000) -> None:
        self.same = same
        self.name = name or _name_of(same)
        self.most = most

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    @property
    def method(self) -> str:
        """What it is, in words."""
        return f"judged by {self.name}"

    def over(self, claims: Sequence[Claim]) -> Comparison:
        """Keep the texts; nothing is asked yet."""
        return _Judged(claims, self)

    def ask(self, one: str, other: str) -> bool:
        """Ask about two texts."""
        return self.answer(one, other)

    def answer(self, one: str, other: str) -> bool:
        """Call the function and check what it says."""
        said = self.same(one, other)
        if type(said).__name__ not in ("bool", "bool_"):  # NumPy's own counts too
            raise InvalidInput(f"{self.name} must return True or False, {said!r} came for {one[:60]!r}.")
        return bool(said)


class Entailment(Judge):
    """A judge of entailment, asked in both directions: two texts say the same if each follows from the other.

    Parameters
    ----------
    entails
        Takes premise and hypothesis, returns True where the hypothesis follows. Called at most twice for two texts.
    name, most
        As in `Judge`.

    Notes
    -----
    L. Kuhn, Y. Gal, S. Farquhar, *Semantic uncertainty*, ICLR 2023.

    Examples
    --------
    >>> from consilience.contradiction import read_claim
    >>> follows = Entailment(lambda premise, hypothesis: hypothesis in premise, name="substring")
    >>> follows.over([read_claim("Shard it now"), read_claim("Shard it")]).pairs([0, 1])
    []
    """

    def __init__(self, entails: Callable[[str, str], bool], *, name: str = "", most: int = 10_000) -> None:
        super().__init__(entails, name=name, most=most)

    @property
    def method(self) -> str:
        """What it is, in words."""
        return f"entailment both ways by {self.name}"

    def ask(self, one: str, other: str) -> bool:
        """Ask in both directions."""
        return self.answer(one, other) and self.answer(other, one)


class _Judged:
    def __init__(self, claims: Sequence[Claim], judge: Judge) -> None:
        self.claims = claims
        self.judge = judge
        self.known: dict[tuple[str, str], bool] = {}

    def pairs(self, rows: Sequence[int]) -> list[Pair]:
        count = len(rows) * (len(rows) - 1) // 2
        if count > self.judge.most:
            raise InvalidInput(
                f"{self.judge.name} may be asked about {self.judge.most:,} pairs, {len(rows):,} texts have {count:,}: "
                "raise most=, or use Embeddings."
            )
        return [(i, j, 1.0) for i, j in combinations(sorted(rows), 2) if self._same(i, j)]

    def similarity(self, rows: Sequence[int]) -> Matrix:
        import numpy as np

        place = {row: at for at, row in enumerate(rows)}
        found = np.eye(len(rows))
        for i, j, _ in self.pairs(rows):
            found[place[i], place[j]] = found[place[j], place[i]] = 1.0
        return found

    def _same(self, i: int, j: int) -> bool:
        if compare(self.claims[i], self.claims[j]) is not Relation.COMPATIBLE:
            return False  # the guard would refuse it: no call is spent
        one, other = sorted((self.claims[i].text, self.claims[j].text))
        if one == other:
            return True
        if (one, other) not in self.known:
            self.known[one, other] = self.judge.ask(one, other)
        return self.known[one, other]


def _name_of(function: object) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
