"""The checks, in the order in which they are reported, and what it means where one fails."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

from normlab.audit import behaviour, forward, gradients
from normlab.audit.errors import Measured
from normlab.audit.report import ORDER, Line, Verdict
from normlab.audit.subject import Parameters, Subject
from normlab.checks.diagnosis import Fault

AS_GOOD, WORSE, REFUSED, WRONG = ORDER
TIMES = 3.0
"""Up to so many times torch's error, an error is as good as torch's: sums in another order."""


@dataclass(frozen=True)
class Check:
    """One thing that is asked of a norm.

    Attributes:
        name: for programs.
        title: for readers.
        run: what is seen of an implementation, input by input.
        meaning: what it means if nothing of the course's mistakes explains a failure.
        same_bits: whether any difference is wrong.
        needs: the parameter without which there is nothing to check.
    """

    name: str
    title: str
    run: Callable[[Subject], Iterable[Measured]]
    meaning: Fault
    same_bits: bool = False
    needs: str = ""

    def applies(self, parameters: Parameters) -> bool:
        """Whether a norm with these parameters has what is checked."""
        return not self.needs or getattr(parameters, self.needs) is not None


def _empty(subject: Subject) -> Iterable[Measured]:
    return chain(forward.of_nothing(subject), gradients.of_no_rows(subject))


_HALF = Fault(
    "half-wrong",
    "half-precision numbers come out wrong, and float32 ones do not",
    "Look for statistics in half precision, where squares pass 65,504 and digits are few, and for "
    "a path of its own that takes another ε or leaves the gain or the bias out.",
)
_FAR = Fault(
    "cancellation",
    "digits are lost far from 0",
    "Subtract the mean first, then square: E[x²] − E[x]² is the difference of two large numbers.",
)
_FORMULA = Fault("unknown", "the values differ, in a way that matches no known mistake")


def _gradient_wrong(name: str, of: str) -> Fault:
    return Fault(f"{name}-wrong", f"the gradient for {of} is not that of the outputs")


CHECKS = (
    Check("float32", "forward, float32", forward.ordinary, _FORMULA),
    Check(
        "float64",
        "forward, float64",
        forward.in_float64,
        Fault(
            "float64-narrowed",
            "digits of float64 numbers are lost, as by computing in float32",
            "float32 is the least precision, not the only one. A gradient check needs all digits.",
        ),
    ),
    Check("float16", "forward, float16", forward.in_float16, _HALF),
    Check("bfloat16", "forward, bfloat16", forward.in_bfloat16, _HALF),
    Check("offset-100", "rows + 100", forward.at_offset_100, _FAR),
    Check("offset-1e4", "rows + 1e4", forward.at_offset_1e4, _FAR),
    Check("offset-1e6", "rows + 1e6", forward.at_offset_1e6, _FAR),
    Check(
        "tiny-rows",
        "tiny rows, to 1e-30",
        forward.of_tiny_rows,
        Fault(
            "tiny-rows",
            "tiny rows come out wrong",
            "ε decides what becomes of them: its value, and that it stands under the root.",
        ),
    ),
    Check(
        "huge-rows",
        "huge rows, to 1e30",
        forward.of_huge_rows,
        Fault(
            "huge-rows",
            "huge rows come out wrong, where torch's do not",
            "Their squares may overflow: √(float32's greatest) is 1.8e19.",
        ),
    ),
    Check(
        "zero-rows",
        "rows of zeros",
        forward.of_zero_rows,
        Fault("zero-rows", "a row of zeros comes out wrong", "0/0 is NaN: ε belongs to the root."),
    ),
    Check(
        "constant-rows",
        "constant rows",
        forward.of_constant_rows,
        Fault(
            "constant-rows",
            "a row of equal numbers comes out wrong",
            "Its variance is 0, and must not come out negative.",
        ),
    ),
    Check(
        "sizes",
        "D = 1 to 65,537",
        forward.of_sizes,
        Fault(
            "size-dependent",
            "it is right for some sizes D alone",
            "A kernel that works in blocks has to leave out what lies behind the end of a row.",
        ),
    ),
    Check(
        "shapes",
        "1 to 5 axes",
        forward.of_shapes,
        Fault(
            "axes-fixed",
            "it is right for some numbers of axes alone",
            "The features are the last axis, however many there are.",
        ),
    ),
    Check(
        "not-contiguous",
        "not contiguous",
        forward.not_contiguous,
        Fault(
            "strides-ignored",
            "a tensor that is not contiguous comes out wrong",
            "Its rows do not lie one after the other: use its strides, or .contiguous() first.",
        ),
    ),
    Check(
        "empty",
        "an empty batch",
        _empty,
        Fault("empty-batch", "a batch without rows fails", "It has no outputs, and no error."),
    ),
    Check("dx", "gradient for x", gradients.of_x, _gradient_wrong("dx", "x")),
    Check(
        "dgain",
        "gradient for the gain",
        gradients.of_gain,
        _gradient_wrong("dgain", "the gain"),
        needs="gain",
    ),
    Check(
        "dbias",
        "gradient for the bias",
        gradients.of_bias,
        _gradient_wrong("dbias", "the bias"),
        needs="bias",
    ),
    Check(
        "second",
        "second derivative",
        gradients.twice,
        Fault(
            "second-derivative",
            "there is no right second derivative",
            "The backward pass must itself be made of operators that can be differentiated. A "
            "custom autograd.Function without one says so with once_differentiable.",
        ),
    ),
    Check(
        "nan-rows",
        "rows of NaN and inf",
        behaviour.spreading_nan,
        Fault(
            "rows-leak",
            "NaN or inf in one row changes other rows, or is hidden",
            "Each row has its own mean and variance, and NaN must stay seen.",
        ),
        same_bits=True,
    ),
    Check(
        "batch-invariance",
        "a row alone, and among 513",
        behaviour.batch_invariance,
        Fault(
            "batch-dependent",
            "what becomes of a row depends on how many others there are",
            "Statistics of other rows, or another order of summation: the same prompt then has "
            "other outputs in another batch.",
        ),
        same_bits=True,
    ),
    Check(
        "determinism",
        "twice the same call",
        behaviour.determinism,
        Fault(
            "not-deterministic",
            "two calls with the same input give different results",
            "Something is drawn, kept from an earlier call, or summed in an order that changes.",
        ),
        same_bits=True,
    ),
    Check(
        "input-unchanged",
        "input left unchanged",
        behaviour.unchanged,
        Fault(
            "input-mutated",
            "an argument is changed in place",
            "The caller still needs what it gave: in a transformer x is the residual stream.",
        ),
        same_bits=True,
    ),
)


def judged(check: Check, own: Subject, torchs: Subject) -> Line:
    """The line of a check: the input on which an implementation is worst, beside torch's own."""
    pairs = [*zip(check.run(own), check.run(torchs), strict=True)]
    seen = [(_verdict(one, other), one, other) for one, other in pairs]
    verdict, one, other = max(seen, key=lambda line: (ORDER.index(line[0]), line[1].ulps))
    torchs_worst = other.ulps
    said = one.refused or one.wrong
    if verdict == AS_GOOD:
        torchs_worst = max(measured.ulps for _, measured in pairs)
        said = "torch's own is wrong there, too" if one.ulps > one.limit else ""
    return Line(check.name, check.title, verdict, one.ulps, torchs_worst, one.where, said)


def _verdict(own: Measured, torchs: Measured) -> Verdict:
    if own.refused:
        return AS_GOOD if torchs.refused else REFUSED
    if own.wrong:
        return AS_GOOD if torchs.wrong else WRONG
    if own.ulps <= max(own.rounded, TIMES * torchs.ulps):
        return AS_GOOD
    return WRONG if own.ulps > own.limit else WORSE
