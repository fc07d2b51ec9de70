"""What one framework was found to do: numbers and words that can be stored and read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Defaults:
    """What a norm is unless one says otherwise.

    Attributes:
        call: what was called.
        first_argument: of the call, by its name in the signature.
        eps: the default in the signature, as text.
        measured_eps: ε from an output: mean(x²)/mean(y²) − mean(x²).
        parameters: what the library calls the weights.
    """

    call: str
    first_argument: str
    eps: str
    measured_eps: float
    parameters: str


@dataclass(frozen=True)
class HalfPrecision:
    """A norm on float16 inputs.

    Attributes:
        output_dtype: of a layer made with defaults, on a float16 input.
        output_dtype_half: of a layer that is itself in float16, as the library has it.
        roundings: of that layer: the greatest error in units of the output's spacing; ½ is one
            rounding at the end.
        large: that layer's first output for (300, −300), whose squares float16 cannot hold.
    """

    output_dtype: str
    output_dtype_half: str
    roundings: float
    large: float


@dataclass(frozen=True)
class SweepPoint:
    """A norm with its defaults on rows of one standard deviation and offset, in float32.

    Attributes:
        std, offset: of the input.
        from_own: greatest difference from float64 with the same ε.
        from_ideal: the same from float64 with ε = 0.
        output_rms: root mean square of the output.
    """

    std: float
    offset: float
    from_own: float
    from_ideal: float
    output_rms: float


@dataclass(frozen=True)
class Carried:
    """A pre-norm block with torch's weights; differences are fractions of the greatest output.

    Attributes:
        settled: difference from float64 when ε and the GELU's form are carried too.
        default_eps: the same with the library's own ε.
        default_gelu: the same with the library's own GELU.
        came_back: whether all weights read back from it are torch's, bit for bit.
    """

    settled: float
    default_eps: float
    default_gelu: float
    came_back: bool = False


@dataclass(frozen=True)
class Report:
    """One framework's answers. Mappings are by norm, "LayerNorm" and "RMSNorm".

    Attributes:
        versions: by package.
        defaults: what each norm is by default.
        differences: by result ("y", "dx", "dγ", "dβ"), the greatest difference from float64 at
            one ε, as a fraction of the greatest entry.
        half: each norm in float16.
        sweep: each norm with its defaults on small and shifted inputs.
        carried: the block; None where there are no linear layers.
        printed: what each listing printed, by its name.
    """

    versions: Mapping[str, str]
    defaults: Mapping[str, Defaults]
    differences: Mapping[str, Mapping[str, float]]
    half: Mapping[str, HalfPrecision]
    sweep: Mapping[str, Sequence[SweepPoint]]
    carried: Carried | None
    printed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Report":
        """The report that `dataclasses.asdict` made into plain data."""
        return cls(
            data["versions"],
            {norm: Defaults(**values) for norm, values in data["defaults"].items()},
            data["differences"],
            {norm: HalfPrecision(**values) for norm, values in data["half"].items()},
            {norm: [SweepPoint(**p) for p in points] for norm, points in data["sweep"].items()},
            Carried(**data["carried"]) if data["carried"] else None,
            data["printed"],
        )
