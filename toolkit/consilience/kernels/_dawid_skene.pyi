from consilience.kernels._arrays import Codes, Offsets, Reals

def dawid_skene(
    votes: tuple[Offsets, Codes, Codes],
    gold: Codes,
    prior: Reals,
    confusion: Reals | None,
    posterior: Reals,
    counts: Reals,
    mass: Reals,
) -> float: ...
