from consilience.kernels._arrays import Codes
from consilience.kernels.sets import RankedSets, Words

def near_join(
    sets: RankedSets,
    fraction: tuple[int, int],
    bands: tuple[int, int] = (0, 0),
    threads: int = 1,
    collect: bool = False,
) -> tuple[Codes, Codes, Words]: ...
