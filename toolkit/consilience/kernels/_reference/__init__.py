"""The kernels in plain Python and NumPy: what the compiled twins must equal, and what serves without them."""

from consilience.kernels._reference.arrow_columns import arrow_columns
from consilience.kernels._reference.dawid_skene import dawid_skene
from consilience.kernels._reference.glad import glad
from consilience.kernels._reference.jaccard_matrix import jaccard_matrix
from consilience.kernels._reference.layout import layout
from consilience.kernels._reference.majority import majority
from consilience.kernels._reference.multisets import multisets
from consilience.kernels._reference.near_join import near_join
from consilience.kernels._reference.scan import scan
from consilience.kernels._reference.token_sets import token_sets
from consilience.kernels._reference.trie import trie
from consilience.kernels._reference.two_rates import two_rates
from consilience.kernels._reference.union_find import union_find
from consilience.kernels._reference.write_synced import write_synced

__all__ = [
    "arrow_columns",
    "dawid_skene",
    "glad",
    "jaccard_matrix",
    "layout",
    "majority",
    "multisets",
    "near_join",
    "scan",
    "token_sets",
    "trie",
    "two_rates",
    "union_find",
    "write_synced",
]
