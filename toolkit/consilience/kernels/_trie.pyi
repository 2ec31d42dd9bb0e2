import numpy as np
import numpy.typing as npt

from consilience.kernels._arrays import Codes

def trie(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], Codes, Codes, Codes, Codes, Codes, Codes]: ...
