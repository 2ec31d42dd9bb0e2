from consilience.kernels._arrays import Codes
from consilience.kernels.columns import Found, StringColumn
from consilience.kernels.literals import Literals

def scan(
    literals: Literals,
    column: StringColumn,
    folds: Codes,
    longest_only: bool,
    place: tuple[int, int, int],
    most: int,
) -> tuple[Found, int, int]: ...
