from consilience.kernels._arrays import Codes, Offsets

def multisets(
    task: Codes, label: Codes, n_tasks: int, n_labels: int
) -> tuple[Offsets, Codes, Codes, Offsets]: ...
