"""Exercise 09: RMSNorm's forward pass as one kernel of Triton."""

import numpy as np

from normlab.checks.examples import number
from normlab.checks.exercise import ANY_INPUT, FORMULA, PRECISION, Law, Outputs, Question
from normlab.exercises import row_laws
from normlab.exercises.drivers import one_kernel as drivers
from normlab.exercises.one_kernel.mistakes import MISTAKES
from normlab.exercises.one_kernel.probes import probes
from normlab.exercises.one_kernel.reference import rms_norm_kernel

_ROWS = {
    "x": np.array([[1, 3, -2, 4], [5, 5, 8, 1]], np.float32),
    "weight": np.ones(4, np.float32),
}


def _direction(out: Outputs) -> str | None:
    x, y = _ROWS["x"], out["y"]
    lengths = np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1)  # (N, D) -> (N,)
    cosine = (x * y).sum(-1) / lengths  # (N, D) -> (N,)
    if np.allclose(cosine, 1, atol=1e-5):
        return None
    return f"with a weight of ones the cosines between x and y are {number(cosine)}."


LAWS = (
    row_laws.rows_depend(_ROWS),
    Law("direction-changes", "the rows do not keep their direction", (_ROWS,), _direction),
    row_laws.size_not_one(_ROWS),
    row_laws.scale_changes(_ROWS),
)

HINTS = {
    FORMULA: (
        "All programs run the same lines. Which line tells a program what row is its own? And what "
        "does it need of that row before it can write the first number?",
        "row = tl.program_id(0) is its row, and columns = tl.arange(0, BLOCK) are the columns, all "
        "at once. tl.load(x_ptr + row * row_stride + columns) is the row. tl.sum(…) of a block is "
        "one number.",
        "mean_square = tl.sum(x * x) / D; y = weight * x / tl.sqrt(mean_square + eps); "
        "tl.store(y_ptr + row * row_stride + columns, y).",
    ),
    ANY_INPUT: (
        "A row of 100 numbers in a block of 128: what do the last 28 elements of the block read, "
        "what do they add to the sum, and where do they write? And where does row 3 start, if a "
        "row starts 150 elements after the one before?",
        "inside = columns < D is the mask of every load and of the store. What a load leaves out "
        "is its `other`: 0.0 adds nothing to the sum of squares. D counts the features, BLOCK does "
        "not. row_stride says where a row starts.",
        "x = tl.load(x_ptr + row * row_stride + columns, mask=inside, other=0.0), and "
        "tl.store(y_ptr + row * row_stride + columns, y, mask=inside).",
    ),
    PRECISION: (
        "Which dtype has what tl.load returns, and which dtype does x * x have then?",
        "Widen each load by .to(tl.float32). Nothing else need be converted: tl.store converts to "
        "the dtype of what y_ptr points to.",
    ),
}

ONE_KERNEL = Question(
    function="rms_norm_kernel",
    levels={FORMULA: 2, ANY_INPUT: 2, PRECISION: 1},
    driver=drivers.kernel,
    reference=rms_norm_kernel,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (ONE_KERNEL,)
