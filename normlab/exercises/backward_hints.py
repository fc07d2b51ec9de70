"""Hints that the exercises on backward passes share."""

from normlab.checks.exercise import ANY_INPUT, PRECISION

ANY_SHAPE = {
    ANY_INPUT: (
        "Tokens may have any number of axes in front of their features, also none. Which of your "
        "axes are counted from the left? And which γ or dy would NumPy stretch without a word?",
        "The features are axis −1. The tokens are tuple(range(x.ndim - 1)): for a single token "
        "that is (), and a sum over no axes changes nothing. First of all compare the shapes, and "
        "raise a ValueError whose message holds them.",
        "if dy.shape != x.shape or gamma.shape != x.shape[-1:]: raise "
        'ValueError(f"dy {dy.shape}, gamma {gamma.shape}, x {x.shape}"); '
        "tokens = tuple(range(x.ndim - 1)); every sum over the tokens has axis=tokens.",
    )
}


def precision(cases: str = "", order: str = "") -> dict[str, tuple[str, ...]]:
    """Hints on dtypes.

    Args:
        cases: what to try besides float16, with a comma after it.
        order: what must be right besides the dtypes.
    """
    return {
        PRECISION: (
            f"Try {cases}float16 numbers near 300, and 3000 float16 tokens. Which one comes out "
            "wrong, and in which line does it happen?",
            f"{order}float16 x and dy are converted to float32 before anything else, the sums "
            "over the tokens included; float64 stays float64.",
            "dtype = np.promote_types(x.dtype, np.float32); x_wide, dy_wide = x.astype(dtype), "
            "dy.astype(dtype) first; the formulas with these two; dx.astype(x.dtype) and "
            "dgamma.astype(gamma.dtype) last.",
        )
    }
