from consilience.kernels._arrays import Codes, Offsets

def layout(
    task: Codes, expert: Codes, label: Codes, n_tasks: int, n_experts: int
) -> tuple[Offsets, Codes, Codes, Codes, tuple[int, int]]: ...
