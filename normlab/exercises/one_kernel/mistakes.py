"""Exercise 09: the known mistakes, as edits of the reference."""

from normlab.checks.examination import Examination
from normlab.checks.exercise import Mistake, Seen
from normlab.checks.signs import changes_arguments, fails
from normlab.exercises import common
from normlab.exercises.drivers.one_kernel import left_unwritten
from normlab.exercises.rms_norm import familiar

PADDED, HALF = "padded", "half"
"""Signs of probes: a row is shorter than its block; numbers are float16."""
X, WEIGHT, Y = (
    "x_ptr + row * row_stride + columns",
    "weight_ptr + columns",
    "y_ptr + row * row_stride + columns",
)
X_LOAD = f"{X}, mask=inside, other=0.0"
X_WIDE = f"{X_LOAD}).to(tl.float32)"
SUM, MEAN = "tl.sum(x * x)", "tl.sum(x * x) / D"
CENTERED = "(x - tl.sum(x) / D)"
ROOT = "tl.sqrt(mean_square + eps)"
PRODUCT = "weight * normalized"
DTYPE_OF_X, DTYPE_OF_WEIGHT = "x_ptr.dtype.element_ty", "weight_ptr.dtype.element_ty"


def _strays(access: str) -> Seen:
    """An element just behind a row that is shorter than its block is read or written."""

    def seen(e: Examination) -> list[int]:
        said = {i: e.got[i].raised for i in e.showing(PADDED)}
        return [i for i, raised in said.items() if raised and f"{access} element" in raised.message]

    return seen


def _leaves_elements(e: Examination) -> list[int]:
    """An element of y is as it was before the launch."""
    outputs = {i: e.got[i].outputs for i in e.failing(e.first_wrong or "")}
    return [i for i, given in outputs.items() if given and left_unwritten(given.get("y"))]


def _half_comes_out_wrong(e: Examination) -> list[int]:
    """Or is refused by a root, for which Triton wants float32."""
    raised = {i: e.got[i].raised for i in e.showing(HALF)}
    refused = [i for i, error in raised.items() if error and "fp16" in error.message]
    return refused or fails(HALF)(e)


OF_THE_FORMULA = (
    familiar.still_centered(
        {"= x / ": f"= {CENTERED} / "},
        {"= x / ": f"= {CENTERED} / ", MEAN: f"tl.sum({CENTERED} * {CENTERED}) / D"},
    ),
    familiar.deviation_for_rms({MEAN: f"tl.sum({CENTERED} * {CENTERED}) / D"}),
    familiar.sum_for_mean({MEAN: SUM}),
    familiar.mean_outside({ROOT: f"(tl.sqrt({SUM} + eps) / D)"}),
    familiar.unbiased({MEAN: f"{SUM} / (D - 1)"}),
    familiar.mean_of_sizes(
        {MEAN: "tl.sum(tl.abs(x)) / D * (tl.sum(tl.abs(x)) / D)"},
        {MEAN: "tl.sum(x) / D * (tl.sum(x) / D)"},
    ),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.root_twice({ROOT: "tl.sqrt(tl.sqrt(mean_square) + eps)"}),
    familiar.multiplied({"x / tl.sqrt": "x * tl.sqrt"}),
    familiar.gamma_missing({PRODUCT: "normalized"}),
    common.gamma_plus_one({PRODUCT: "(1 + weight) * normalized"}),
    familiar.gain_first({MEAN: "tl.sum(weight * x * weight * x) / D"}),
    Mistake(
        "row-of-program-missing",
        "not every program has a row of its own",
        "All programs run the same lines, and tl.program_id(0) alone tells them apart. Program r "
        "reads the row of x, and writes the row of y, that starts at r · row_stride.",
        {"tl.program_id(0)": "0"},
        {X: "x_ptr + columns"},
        {Y: "y_ptr + columns"},
    ),
    Mistake(
        "wrong-addresses",
        "the addresses are not row · stride + column",
        "A pointer counts elements. Row r starts at r · stride, and its columns lie side by side.",
        {X: "x_ptr + row + columns * row_stride"},
        {Y: "y_ptr + row + columns * row_stride"},
        {X: "x_ptr + 4 * (row * row_stride + columns)"},
    ),
)

OF_EPS = (
    familiar.eps_missing(
        {ROOT: "tl.sqrt(mean_square)"},
        {ROOT: "tl.where(mean_square > 0, tl.sqrt(mean_square), 1.0)"},
    ),
    common.eps_outside({ROOT: "(tl.sqrt(mean_square) + eps)"}),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given",
        "It is an argument of the launch. Weights that were trained with another ε give other "
        "outputs.",
        {ROOT: "tl.sqrt(mean_square + 1e-6)"},
        {ROOT: "tl.sqrt(mean_square + 1e-5)"},
        {ROOT: "tl.sqrt(mean_square + 1e-8)"},
    ),
    familiar.eps_as_floor(
        {ROOT: "tl.maximum(tl.sqrt(mean_square), eps)"},
        {ROOT: "tl.sqrt(tl.maximum(mean_square, eps))"},
    ),
    familiar.eps_in_sum({MEAN: f"({SUM} + eps) / D", ROOT: "tl.sqrt(mean_square)"}),
)

OF_MEMORY = (
    Mistake(
        "load-not-masked",
        "a load goes beyond the end of its row",
        "A block has a power of two of elements, and D need not be one. What lies behind the row "
        "is the next row, or memory of somebody else; a GPU reads it without a word, or stops. "
        "The mask of a load is columns < D.",
        {X_LOAD: X},
        {f"{WEIGHT}, mask=inside, other=0.0": WEIGHT},
        {"columns < D": "columns <= D"},
        {"columns < D": "columns < BLOCK"},
        seen=_strays("reads"),
    ),
    Mistake(
        "store-not-masked",
        "a store goes beyond the end of its row",
        "It writes over the next row, which another program writes at the same time on a GPU: "
        "whoever comes last wins. The interpreter runs one program after the other, and would "
        "hide it. The mask of a store is columns < D.",
        {f"{Y}, y, mask=inside": f"{Y}, y"},
        seen=_strays("writes"),
    ),
    Mistake(
        "other-missing",
        "a masked load has no `other`, and what it leaves undefined counts in the sum",
        "Triton promises nothing about what stands where the mask is false. Here it is NaN, so "
        "that it is seen; a GPU often has 0 there, and not always. other=0.0 adds nothing to Σx².",
        {X_LOAD: f"{X}, mask=inside"},
    ),
    Mistake(
        "padding-counts",
        "the padding of the block counts in the sum",
        "A sum goes over all BLOCK elements. Those behind the row have to be 0 in it: other=0.0, "
        "or tl.where(columns < D, …, 0.0).",
        {X_LOAD: f"{X}, mask=inside, other=1.0"},
        {X_LOAD: f"{X}, mask=inside, other=eps"},
        {MEAN: "tl.sum(tl.where(inside, x, 1.0) * tl.where(inside, x, 1.0)) / D"},
        {MEAN: f"({SUM} + (BLOCK - D) * eps) / D"},
    ),
    Mistake(
        "elements-left-unwritten",
        "elements of y are never written",
        "A program writes all D elements of its row: those at y_ptr + row * row_stride + 0, 1, … "
        "D − 1. One that no program writes keeps what lay in memory before; here that is NaN, so "
        "that it is seen.",
        {"columns < D": "columns < D - 1"},
        {"tl.arange(0, BLOCK)": "1 + tl.arange(0, BLOCK)"},
        {"tl.arange(0, BLOCK)": "tl.arange(0, BLOCK // 2)"},
        {f"{Y}, y, mask=inside": f"{Y}, y, mask=columns < D - 1"},
        seen=_leaves_elements,
    ),
    Mistake(
        "mean-over-block",
        "the sum is not divided by D",
        "The padding adds 0 to the sum, and nothing to the number of features, and row_stride says "
        "where rows lie: the mean is over D. tl.sum(…) / BLOCK is right where D is a power of two.",
        {MEAN: f"{SUM} / BLOCK"},
        {MEAN: f"{SUM} / row_stride"},
    ),
    Mistake(
        "wrong-stride",
        "rows are not row_stride apart",
        "A slice of a tensor has rows that are further apart than D. On a GPU this reads and "
        "writes the elements of other rows.",
        {X: "x_ptr + row * D + columns"},
        {Y: "y_ptr + row * D + columns"},
        {X: "x_ptr + row * D + columns", Y: "y_ptr + row * D + columns"},
        {X: "x_ptr + row * BLOCK + columns"},
        {Y: "y_ptr + row * BLOCK + columns"},
    ),
    Mistake(
        "input-mutated",
        "x or weight is changed in place",
        "The caller still needs what it gave: in a transformer x is the residual stream, and every "
        "program reads the weight. Store to y_ptr alone.",
        {f"y = {PRODUCT}": f"y = {PRODUCT}; tl.store({X}, normalized, mask=inside)"},
        {f"y = {PRODUCT}": f"y = {PRODUCT}; tl.store({X}, y, mask=inside)"},
        {f"y = {PRODUCT}": f"y = {PRODUCT}; tl.store({WEIGHT}, 1.0, mask=inside)"},
        seen=changes_arguments,
    ),
)

OF_PRECISION = (
    Mistake(
        "half-statistics",
        "half-precision numbers come out wrong, as by statistics in half precision",
        "tl.load gives what lies in memory. float16 ends at 65,504, so the square of 256 is "
        "already infinite, and it has 3 digits. Widen what was loaded, by .to(tl.float32); the "
        "registers of a program cost no memory.",
        {X_WIDE: f"{X_LOAD})"},
        {X_WIDE: f"{X_LOAD})", ROOT: "tl.sqrt(mean_square.to(tl.float32) + eps)"},
        {MEAN: f"tl.sum((x * x).to({DTYPE_OF_X})).to(tl.float32) / D"},
        {MEAN: f"tl.sum(x * x).to({DTYPE_OF_X}).to(tl.float32) / D"},
        seen=_half_comes_out_wrong,
    ),
    Mistake(
        "x-rounded",
        "x is rounded to a dtype that is not its own",
        "x may have more digits than the weight, or than float16. Widen what was loaded, and round "
        "nothing before tl.store.",
        {X_WIDE: f"{X_LOAD}).to(tl.float16).to(tl.float32)"},
        {X_WIDE: f"{X_LOAD}).to({DTYPE_OF_WEIGHT}).to(tl.float32)"},
    ),
    Mistake(
        "cast-before-gain",
        "x̂ is rounded before it is multiplied by the weight",
        "That rounds twice, and loses digits that y may hold. Multiply in float32; tl.store "
        "converts to what y_ptr points to.",
        {PRODUCT: f"weight * normalized.to({DTYPE_OF_X})"},
        {PRODUCT: f"weight * normalized.to({DTYPE_OF_WEIGHT})"},
    ),
    Mistake(
        "gain-rounded",
        "the weight is rounded to the dtype of x before it multiplies",
        "It is often kept in float32 because half precision is too coarse for it. Multiply by it "
        "as it is.",
        {PRODUCT: f"weight.to({DTYPE_OF_X}) * normalized"},
    ),
    Mistake(
        "y-rounded",
        "y is rounded before it is stored",
        "tl.store converts to what y_ptr points to. Who converts before it, to the dtype of x or "
        "to float16, loses digits that y could hold.",
        {f"y = {PRODUCT}": f"y = ({PRODUCT}).to({DTYPE_OF_X})"},
        {f"y = {PRODUCT}": f"y = ({PRODUCT}).to(tl.float16)"},
    ),
)

MISTAKES = OF_THE_FORMULA + OF_EPS + OF_MEMORY + OF_PRECISION
