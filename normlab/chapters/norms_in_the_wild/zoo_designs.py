"""The different designs of the zoo: which norm in which form at which places."""

from collections.abc import Mapping
from dataclasses import dataclass

from normlab.chapters.norms_in_the_wild.zoo import Zoo, ZooModel
from normlab.inspection.norm_reading import Affine, Kind
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.placement.wiring import Wiring, trace
from normlab.tools.table import Table

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "post-norm": ("post-norm",),
    "pre-norm": ("pre-norm", "layerscale"),
    "parallel": ("parallel", "parallel, two norms"),
    "norm on both sides": ("peri-norm",),
    "norm behind the branch": ("reordered-norm",),
    "shifted post-norm": ("shifted deepnorm", "shifted GLM"),
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
        inner = model.inner - (0 if model.qk_norm == "no" else 2)
        extra = f", {inner} more inside" if inner else ""
        return f"{model.norm} ({model.affine}), {model.placement}{qk}{extra}"

    def wiring(self) -> Wiring:
        """One layer, from the placement that `build_block` runs."""
        return trace(ZOO_PLACEMENTS[self.first.placement], SHORT_NAMES[self.first.norm])

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
        key = (m.norm, m.affine, m.placement, m.norms, m.inner, m.qk_norm)
        groups.setdefault(key, []).append(m)
    return [Design(Zoo(tuple(models))) for models in groups.values()]


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
