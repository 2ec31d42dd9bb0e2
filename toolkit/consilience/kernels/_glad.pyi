from consilience.kernels._arrays import Codes, Offsets, Reals

def glad(
    votes: tuple[Offsets, Codes, Codes],
    prior: Reals,
    ability: Reals,
    ease: Reals,
    step: bool,
    posterior: Reals,
    hit: Reals,
    sums: Reals,
) -> float: ...
