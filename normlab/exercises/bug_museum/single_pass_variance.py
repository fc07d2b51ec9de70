"""Exhibit 2: labml's variance in one pass.

Source: github.com/labmlai/annotated_deep_learning_paper_implementations,
labml_nn/normalization/layer_norm/__init__.py (read at commit 0eb74d7). PyTorch had a one-pass
variance, too: its issues 40302 and 51102.
"""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import FORMULA, Mistake, Probe, Question
from normlab.checks.signs import loses_dtype
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import Exhibit, Reason, failing_input_question
from normlab.exercises.bug_museum.laws import SCALE_SQUARED, SHIFT_FREE
from normlab.norms import FloatArray


def buggy_row_variance(x: FloatArray) -> FloatArray:
    mean = x.mean(axis=-1)  # (..., D) -> (...)
    mean_of_squares = (x**2).mean(axis=-1)  # (..., D) -> (...)
    return mean_of_squares - mean**2


def row_variance(x: FloatArray) -> FloatArray:
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    centered = x - mean
    return (centered**2).mean(axis=-1)  # (..., D) -> (...)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn = rng.standard_normal((4, 8))
    far = np.array([10_000.5, 10_000.0, 10_000.0, 10_000.0], np.float32)
    redrawn = inputs.redrawn
    return (
        redrawn(
            inputs.plain("one row", {"x": np.array([1.0, 2.0, 6.0])}),
            lambda rng: {"x": inputs.whole(rng, 3)},
        ),
        redrawn(
            inputs.plain("two rows", {"x": np.array([[1.0, 3.0], [5.0, 5.0]])}),
            lambda rng: {"x": inputs.whole(rng, 2, 2) * np.array([[1], [0]]) + rng.uniform(-9, 9)},
        ),
        redrawn(
            inputs.plain("a batch of two examples", {"x": rng.standard_normal((2, 3, 3))}),
            lambda rng: {"x": rng.standard_normal((2, *inputs.sizes(rng, 1, 3, 5) * 2))},
        ),
        inputs.plain("small numbers", {"x": 1e-4 * drawn[:1, :3]}),
        redrawn(
            inputs.plain("x with 5 axes", {"x": rng.standard_normal((1, 2, 1, 2, 3))}),
            lambda rng: {"x": rng.standard_normal((1, 2, *inputs.sizes(rng, 3, 2, 4)))},
        ),
        familiar.all_digits(x=1e3 * rng.standard_normal((1, 4))),
        # float32 numbers near 1e8 are multiples of 8, and one pass gives −8 in any order of sums.
        redrawn(
            Probe("float32 numbers near 1e4", {"x": far}, tolerance=1e-3),
            lambda rng: {"x": _far(rng)},
        ),
        redrawn(
            Probe(
                "float32 rows far from each other",
                {"x": np.stack([[0.0, 0.5, 0, 0], far]).astype(np.float32)},
                tolerance=1e-3,
            ),
            lambda rng: {"x": np.stack([rng.permutation(far) - far[1], _far(rng)])},
        ),
        Probe(
            # A float32 mean of numbers near 1e4 is off by about 1e-3, and that is squared.
            "many float32 numbers far from 0",
            {"x": (drawn + 1e4).astype(np.float32)},
            tolerance=1e-3,
            rounding=True,
        ),
        Probe(
            "float64 numbers far from 0",
            {"x": drawn + 1e8},
            tolerance=1e-6,
            rounding=True,
        ),
    )


def _far(rng: np.random.Generator) -> FloatArray:
    """A float32 row near 1e4, (D,), whose variance in one pass is negative in any order."""
    while True:
        row = float(rng.integers(8200, 11500)) + np.array([0.5, 0, 0, 0], np.float32)
        if all(buggy_row_variance(np.roll(row, k)) < 0 for k in range(4)):
            return rng.permutation(row)


TWO_PASS = "(centered**2).mean(axis=-1)"
ONE_PASS = "(x**2).mean(axis=-1) - mean[..., 0] ** 2"
WIDE = "x.astype(np.float64)"
WIDE_ONE_PASS = f"(({WIDE}**2).mean(-1) - {WIDE}.mean(-1) ** 2).astype(x.dtype)"

MISTAKES = (
    Mistake(
        "cancellation",
        "the bug is still there: the variance is computed as E[x²] − E[x]²",
        "Far from 0 both terms are large and nearly equal, and their difference is rounding error: "
        "it may be negative. Subtract the mean first, then square.",
        {TWO_PASS: ONE_PASS},
    ),
    Mistake(
        "clipped",
        "the negative variance is set to 0",
        "Then there is no NaN any more, but still no variance: where rounding made it positive, or "
        "0, it is wrong as before. Subtract the mean first, then square.",
        {TWO_PASS: f"np.maximum({ONE_PASS}, 0)"},
    ),
    Mistake(
        "absolute-value",
        "the sign of the negative variance is dropped",
        "The negative number was rounding error, and its absolute value is, too. Subtract the mean "
        "first, then square.",
        {TWO_PASS: f"np.abs({ONE_PASS})"},
    ),
    Mistake(
        "wider-dtype",
        "it is still one pass, in float64",
        "float64 moves the border from an offset of about 1e3 to about 1e7, and there it fails as "
        "before. Subtract the mean first, then square.",
        {TWO_PASS: WIDE_ONE_PASS},
        {TWO_PASS: f"np.maximum({WIDE_ONE_PASS}, 0)"},
    ),
    familiar.unbiased_variance({TWO_PASS: f"{TWO_PASS} * x.shape[-1] / (x.shape[-1] - 1)"}),
    Mistake(
        "deviation-for-variance",
        "the root is taken: this is the standard deviation",
        "The function returns the variance; ε is added, and the root is taken, by the caller.",
        {TWO_PASS: f"np.sqrt({TWO_PASS})"},
    ),
    Mistake(
        "absolute-deviation",
        "the mean distance from the mean is returned",
        "The variance is the mean of the squares of x − mean.",
        {"centered**2": "np.abs(centered)"},
    ),
    Mistake(
        "sum-for-mean",
        "the squares are summed",
        "The variance is the mean of the squares: the sum divided by D.",
        {"(centered**2).mean": "(centered**2).sum"},
    ),
    familiar.axis_all(
        {"x.mean(axis=-1": "x.mean(axis=None"},
        {"x.mean(axis=-1": "x.mean(axis=None", TWO_PASS: "(centered**2).mean()"},
    ),
    familiar.axis_batch({"x.mean(axis=-1": "x.mean(axis=0"}),
    Mistake(
        "eps-added",
        "ε is added",
        "The function returns the variance alone; the caller adds ε. ε would also hide the bug "
        "only where the rounding error is smaller than ε.",
        {TWO_PASS: f"{TWO_PASS} + 1e-5"},
    ),
    Mistake(
        "dimension-kept",
        "the last axis is kept, with one entry",
        "The buggy function returns the shape (...), without the last axis, and so should yours: "
        "no keepdims in the second mean.",
        {TWO_PASS: "(centered**2).mean(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "dtype-lost",
        "the dtype is lost",
        "float32 in, float32 out, as in the buggy function; convert back what you widened.",
        {TWO_PASS: f"{TWO_PASS}.astype(np.float64)"},
        seen=loses_dtype,
    ),
    Mistake(
        "mean-not-subtracted",
        "this is the mean of x²: the mean is not subtracted",
        "mean(x²) is what RMSNorm divides by. The variance is the mean of the squares of x − mean.",
        {"centered = x - mean": "centered = x"},
    ),
    common.float64_narrowed({TWO_PASS: f"{TWO_PASS}.astype(np.float32).astype(x.dtype)"}),
    common.input_mutated({"centered = x - mean": "centered = np.subtract(x, mean, out=x)"}),
)


def _constant(x: FloatArray) -> str | None:
    if np.ptp(x, axis=-1).any():  # (..., D) -> (...)
        return None
    return (
        f"every row is one number repeated, up to {np.abs(x).max():.3g}: its variance is 0, and "
        f"what its squares lose by rounding in {x.dtype} is small beside ε."
    )


def _near_zero(x: FloatArray) -> str | None:
    wide = x.astype(np.float64)
    mean, deviation = wide.mean(axis=-1), wide.std(axis=-1)  # (..., D) -> (...)
    return (
        f"x is {x.dtype}, which keeps {np.finfo(x.dtype).precision} decimal digits. Its rows have "
        f"means up to {np.abs(mean).max():.3g} and standard deviations from {deviation.min():.3g}: "
        "what E[x²] and E[x]² lose by rounding is small beside their difference, or beside ε."
    )


EXHIBIT = Exhibit(
    buggy=buggy_row_variance,
    right=row_variance,
    shapes="x (..., D)",
    shapes_fit=lambda x: x.ndim > 0,
    reasons=(
        Reason("constant-rows", "x is constant", _constant),
        Reason("near-zero", "x is too near to 0 for its dtype", _near_zero),
    ),
    dtypes=(np.float32, np.float64),
    greatest=1e9,
    zero=lambda x: 1e-5,  # the caller adds such an ε
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "E[x²] and E[x]² are rounded to about 7 digits in float32. When do all these digits agree?",
        "Take numbers far from 0 that differ little from each other, as float32: their squares are "
        "large and nearly equal.",
        'return {"x": np.array([10_000, 10_000.5, 10_001], np.float32)}',
    ),
)
REPAIR = Question(
    function="row_variance",
    levels={FORMULA: 1},
    driver=call("variance"),
    reference=row_variance,
    probes=probes,
    mistakes=MISTAKES,
    laws=(SHIFT_FREE, SCALE_SQUARED),
    hints={
        FORMULA: (
            "The variance does not change when a number is subtracted from all entries of a row. "
            "Which number makes them small?",
            "Two passes: first the mean, then the mean of the squares of x − mean.",
            "mean = x.mean(axis=-1, keepdims=True); return ((x - mean) ** 2).mean(axis=-1).",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
