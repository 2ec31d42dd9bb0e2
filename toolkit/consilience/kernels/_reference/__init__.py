"""The kernels in plain Python and NumPy: what the compiled twins must equal, and what serves without them."""

from consilience.kernels._reference.majority import majority
from consilience.kernels._reference.union_find import union_find

__all__ = ["majority", "union_find"]
