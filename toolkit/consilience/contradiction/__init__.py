"""The guard: whether two texts can say the same at all, whatever their words have in common.

A negated sentence and a changed number are not the same answer, however similar the words. The guard reads from each
text what it negates, which of two opposites it asks for and its quantities, and compares two readings. It looks at
words, not at meaning: it can only keep texts apart, and never says that two texts mean the same.

Limits. Negation is read in English, German, French, Spanish, Italian, Portuguese, Dutch, Russian and Chinese, and
holds from the word to the end of its clause (of the clause before it, where nothing follows); opposite verbs and
written-out numbers are read in English. Ordinals in words ("the first"), periods ("every year"), irony, questions,
negation by other means ("too risky", "out of the question"), opposites that no list names, and texts in other
languages pass unseen. ``benchmarks/merging.py`` says how often on labelled pairs.
"""

from consilience.contradiction.claims import Claim, Claims, content_words, read_claim
from consilience.contradiction.quantities import Quantity
from consilience.contradiction.relation import Relation, compare, contained

__all__ = ["Claim", "Claims", "Quantity", "Relation", "compare", "contained", "content_words", "read_claim"]
