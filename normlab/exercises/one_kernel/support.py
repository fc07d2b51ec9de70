"""What notebooks of exercise 09 call where they are graded and normlab is out of reach."""

from typing import Any


def interpreted_triton() -> "tuple[Any, Any]":
    """`normlab.checks.interpreted_triton`, where there is Triton."""
    import os

    os.environ["TRITON_INTERPRET"] = "1"
    import triton
    import triton.language as tl

    return triton, tl
