"""Kernels: the few loops whose speed is felt, compiled where the extension is installed.

Each kernel is three files: the compiled form in ``kernels_ext/``, its readable twin in ``_reference/``, and a
public function here that checks the arguments and names the sources. ``_selector`` chooses between the twins once,
at import; ``backend`` says which serves.
"""

from consilience.kernels._selector import backend
from consilience.kernels.abilities import glad
from consilience.kernels.arrangement import Layout, layout
from consilience.kernels.buffers import ArrowColumn, arrow_columns
from consilience.kernels.climbing import Fit
from consilience.kernels.coins import mace, one_coin_dawid_skene
from consilience.kernels.columns import StringColumn
from consilience.kernels.components import union_find
from consilience.kernels.confusions import dawid_skene
from consilience.kernels.files import write_synced
from consilience.kernels.literals import Literals, literals
from consilience.kernels.near import Joined, TokenSets, jaccard_matrix, near_join
from consilience.kernels.scanning import scan
from consilience.kernels.sets import RankedSets
from consilience.kernels.tallies import Multisets, multisets
from consilience.kernels.voting import Majority, majority

__all__ = [
    "ArrowColumn",
    "Fit",
    "Joined",
    "Layout",
    "Literals",
    "Majority",
    "Multisets",
    "RankedSets",
    "StringColumn",
    "TokenSets",
    "arrow_columns",
    "backend",
    "dawid_skene",
    "glad",
    "jaccard_matrix",
    "layout",
    "literals",
    "mace",
    "majority",
    "multisets",
    "near_join",
    "one_coin_dawid_skene",
    "scan",
    "union_find",
    "write_synced",
]
