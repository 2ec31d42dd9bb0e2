from consilience.kernels._arrays import Codes, Offsets, Reals

def two_rates(
    votes: tuple[Offsets, Codes, Codes],
    prior: Reals,
    right: Reals | None,
    wrong: Reals | None,
    posterior: Reals,
    hits: Reals,
    mass: Reals,
) -> float: ...
