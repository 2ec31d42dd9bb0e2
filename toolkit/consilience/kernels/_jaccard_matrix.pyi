import numpy as np
import numpy.typing as npt

def jaccard_matrix(
    offsets: npt.NDArray[np.int64],
    words: npt.NDArray[np.uint32],
    size: npt.NDArray[np.int32],
    n_words: int,
    width: int,
    threads: int,
) -> npt.NDArray[np.float32]: ...
