"""Kernels: the few loops whose speed is felt, compiled where the extension is installed.

Each kernel is three files: the compiled form in ``kernels_ext/``, its readable twin in ``_reference/``, and a
public function here that checks the arguments and names the sources. ``_selector`` chooses between the twins once,
at import; ``backend`` says which serves.
"""

from consilience.kernels._selector import backend
from consilience.kernels.components import union_find
from consilience.kernels.voting import Majority, majority

__all__ = ["Majority", "backend", "majority", "union_find"]
