"""The different designs of the zoo: which norm in which form at which places."""

from collections.abc import Mapping
from dataclasses import dataclass

from normlab.chapters.norms_in_the_wild.zoo import Zoo, ZooModel
from normlab.chapters.norms_in_the_wild.zoo_cells import SEVERAL_STREAMS
from normlab.inspection import diagram
from normlab.inspection.norm_reading import Affine, Kind
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.placement.wiring import Wiring, trace
from normlab.tools.table import Table

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "post-norm": ("post-norm",),
    "pre-norm": ("pre-norm", "layerscale"),
    "parallel": ("parallel", "parallel, two norms"),
    "norm on both sides": (
        *("peri-norm", "depth-scaled peri-norm", "gated peri-norm", "pre-norm, normed FFN"),
    ),
    "norm behind the branch": ("reordered-norm", "reordered every 4th"),
    "shifted post-norm": ("shifted deepnorm", "shifted GLM"),
    "on a sphere": ("normed sphere",),
    "several streams": (SEVERAL_STREAMS,),
}
"""The placements of the zoo by what they look like from afar."""

ANY = "any"
SHORT_NAMES: Mapping[Kind, str] = {"LayerNorm": "LN", "RMSNorm": "RMS"}
GAINS: Mapping[Affine, str] = {
    "none": "{}",
    "weight": "w ⊙ {}",
    "weight, bias": "w ⊙ {} + b",
    "1 + weight": "(1 + w) ⊙ {}",
    "1 + weight, bias": "(1 + w) ⊙ {} + b",
}


def family(model: ZooModel) -> str:
    """The family of a model's placement.

    >>> from normlab.chapters.norms_in_the_wild.zoo import find_model
    >>> family(find_model("Falcon 40B"))
    'parallel'
    """
    return next(name for name, members in FAMILIES.items() if model.placement in members)


def norm_formula(kind: Kind, affine: Affine) -> str:
    """What a norm computes, in one line.

    >>> norm_formula("RMSNorm", "1 + weight")
    '(1 + w) ⊙ x/√(mean(x²) + ε)'
    """
    core = "x/√(mean(x²) + ε)" if kind == "RMSNorm" else "(x − mean(x))/√(var(x) + ε)"
    return GAINS[affine].format(core)


@dataclass(frozen=True)
class Design:
    """Models that have the same norm in the same form at the same places, with any ε.

    Attributes:
        models: of this design, in the order of the years.
    """

    models: Zoo

    @property
    def first(self) -> ZooModel:
        """The oldest model; it stands for the design."""
        return self.models.models[0]

    def label(self) -> str:
        """The design in a few words."""
        model = self.first
        qk = "" if model.qk_norm == "no" else f", QK-norm: {model.qk_norm}"
        v = ", V-norm" if model.v_norm else ""
        inner = model.inner - model.v_norm
        if model.qk_norm != "no":
            inner -= 1 if model.qk_norm.endswith("of k") else 2
        extra = f", {inner} more inside" if inner else ""
        place = model.placement
        if model.streams != "one":
            place += f" ({model.streams})"
        elif model.wiring:
            number = sum(" = f(" in equation for equation in model.wiring)
            place += " of 1 sub-layer" if number == 1 else f" of {number} sub-layers"
        return f"{model.norm} ({model.affine}), {place}{qk}{v}{extra}"

    def wiring(self) -> Wiring | None:
        """One layer; None where no equations of it are known (`model_wiring`)."""
        return model_wiring(self.first)

    def table(self) -> Table:
        """One row per model."""
        return self.models.table()


def designs(zoo: Zoo) -> list[Design]:
    """The designs of some models, the oldest first.

    Example:
        >>> from normlab.chapters.norms_in_the_wild.zoo import load_zoo
        >>> found = designs(load_zoo())
        >>> found[0].first.name, len(found) < len(load_zoo())
        ('Transformer', True)
    """
    groups: dict[tuple[object, ...], list[ZooModel]] = {}
    for m in zoo:
        groups.setdefault(design_key(m), []).append(m)
    return [Design(Zoo(tuple(models))) for models in groups.values()]


def design_key(m: ZooModel) -> tuple[object, ...]:
    """What models of one design have in common."""
    norms = (m.norm, m.affine, m.norms, m.inner, m.qk_norm, m.v_norm)
    return (*norms, m.placement, m.streams, m.wiring)


def model_wiring(model: ZooModel) -> Wiring | None:
    """The diagram of one layer.

    It comes from the placement that `build_block` runs, or from the model's own equations. None for
    several streams of which none are known.

    >>> from normlab.chapters.norms_in_the_wild.zoo import find_model
    >>> wirings = [model_wiring(find_model(name)) for name in ("LLaMA", "Mamba", "Gemma 3n")]
    >>> [wiring and len(wiring.nodes) for wiring in wirings]
    [9, 5, None]
    """
    norm = SHORT_NAMES[model.norm]
    if model.wiring:
        names = [equation.split(" = ")[0] for equation in model.wiring]
        labels = {name: norm for name in names if name.startswith("n")}
        return diagram(model.wiring, labels)
    if model.placement == SEVERAL_STREAMS:
        return None
    return trace(ZOO_PLACEMENTS[model.placement], norm, layer=4)  # OLMo Hybrid's with attention


@dataclass(frozen=True)
class Timeline:
    """All models, and the family of placements that is looked for, or `ANY`."""

    zoo: Zoo
    family: str

    def chosen(self, year: int, norm: str) -> Zoo:
        """The models of the family up to a year with that norm, or with `ANY`."""
        return self.zoo.where(
            lambda m: m.year <= year and norm in (ANY, m.norm) and self.family in (ANY, family(m))
        )


def placement_counts(zoo: Zoo) -> Table:
    """How many models each placement has, by norm."""
    rows = []
    for name in zoo.count("placement"):
        chosen = zoo.where(placement=name)
        norms = [len(chosen.where(norm=norm)) for norm in ("LayerNorm", "RMSNorm")]
        rows.append([name, *norms, len(chosen)])
    return Table(("placement", "LayerNorm", "RMSNorm", "models"), rows)
