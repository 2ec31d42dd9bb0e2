from consilience.kernels._reference.arrow_columns import ArrowColumn

def arrow_columns(
    rows: list[tuple[object, ...]], kinds: str, before: int, after: int
) -> list[ArrowColumn | None]: ...
