"""Two models of the zoo side by side, and the lines in which one model follows another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normlab.chapters.norms_in_the_wild.zoo import Zoo, ZooModel, find_model
from normlab.chapters.norms_in_the_wild.zoo_designs import design_key, family
from normlab.tools.table import Table

SAME = "the same"
EVERY = "all lines"
ATTRIBUTES: Mapping[str, str] = {
    "norm": "norm",
    "shown_eps": "ε (class default)",
    "shown_eps_released": "ε released",
    "affine": "affine",
    "placement": "placement",
    "norms": "norms of a layer",
    "inner": "norms inside",
    "qk_norm": "QK-norm",
    "v_norm": "V-norm",
    "final_norm": "final norm",
    "embedding_norm": "embedding norm",
    "streams": "streams",
    "wiring": "equations of its own",
}
"""What two models are compared in, by the name that a table shows."""
OF_THE_DESIGN = ("norm", "affine", "placement", "norms", "inner", "qk_norm", "v_norm", "streams")


def shown(model: ZooModel, attribute: str) -> str:
    """An attribute as a cell of a table; "–" where there is none.

    >>> shown(find_model("Gemma 4"), "v_norm"), shown(find_model("Jais 2"), "shown_eps_released")
    ('yes', '–')
    """
    value = getattr(model, attribute)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ("; ".join(value) if isinstance(value, tuple) else str(value)) or "–"


def compare_models(first: ZooModel | str, second: ZooModel | str) -> Table:
    """The attributes in which two models of the zoo differ; one row says so if there are none.

    Args:
        first, second: rows of the zoo, or their names.

    Raises:
        ValueError: if there is no model of a name; it names those that look alike.

    Example:
        >>> compare_models("Gemma 3", "Gemma 2").rows[-1]
        ['QK-norm', 'RMSNorm per head', 'no']
        >>> compare_models("Qwen2", "SmolLM3").rows
        [['norms and wiring', 'the same', 'the same']]
    """
    one, other = (find_model(m) if isinstance(m, str) else m for m in (first, second))
    pairs = {
        name: (shown(one, attribute), shown(other, attribute))
        for attribute, name in ATTRIBUTES.items()
    }
    rows: list[list[object]] = [[name, a, b] for name, (a, b) in pairs.items() if a != b]
    return Table(("", one.name, other.name), rows or [["norms and wiring", SAME, SAME]])


@dataclass(frozen=True)
class Step:
    """From a model to one that follows it."""

    before: ZooModel
    model: ZooModel

    @property
    def changes(self) -> list[str]:
        """What the design has now that it had otherwise, one text each; ε is no part of it."""
        pairs = [
            (ATTRIBUTES[name], shown(self.before, name), shown(self.model, name))
            for name in OF_THE_DESIGN
        ]
        told = [f"{name}: {a} → {b}" for name, a, b in pairs if a != b]
        if not told and design_key(self.before) != design_key(self.model):
            return ["equations of its own"]
        return told


@dataclass(frozen=True)
class Line:
    """Models that follow one another, the first and its descendants in the order of the years."""

    models: tuple[ZooModel, ...]

    @property
    def first(self) -> ZooModel:
        return self.models[0]

    @property
    def steps(self) -> list[Step]:
        """One for each model but the first."""
        known = {model.name: model for model in self.models}
        return [Step(known[m.follows], m) for m in self.models[1:]]

    def table(self) -> Table:
        """One row per model: what it follows, and what changed."""
        rows: list[list[object]] = [[self.first.name, self.first.year, "–", "–"]]
        for step in self.steps:
            changed = "; ".join(step.changes) or "the same design"
            rows.append([step.model.name, step.model.year, step.before.name, changed])
        return Table(("model", "year", "follows", "change of the design"), rows)


def lines(zoo: Zoo) -> list[Line]:
    """The lines of at least two models, the oldest first.

    Example:
        >>> from normlab.chapters.norms_in_the_wild.zoo import load_zoo
        >>> (olmo,) = [line for line in lines(load_zoo()) if line.first.name == "OLMo"]
        >>> [model.name for model in olmo.models]
        ['OLMo', 'OLMoE', 'OLMo 2', 'OLMo 3', 'OLMo Hybrid']
        >>> olmo.steps[1].changes[0]
        'norm: LayerNorm → RMSNorm'
    """
    known = {model.name: model for model in zoo}
    groups: dict[str, list[ZooModel]] = {}
    for model in zoo:
        first = model
        while first.follows:
            first = known[first.follows]
        groups.setdefault(first.name, []).append(model)
    return [Line(tuple(models)) for models in groups.values() if len(models) > 1]


@dataclass(frozen=True)
class FamilyTree:
    """All models, and the lines in which they follow one another."""

    zoo: Zoo
    lines: Sequence[Line]

    @property
    def names(self) -> list[str]:
        """What can be chosen: all lines, or one by the name of its first model."""
        return [EVERY, *(line.first.name for line in self.lines)]

    @property
    def years(self) -> list[int]:
        """Every year from the first model's to the last one's."""
        years = self.zoo.count("year")
        return list(range(min(years), max(years) + 1))

    @property
    def cells(self) -> dict[tuple[int, str], list[ZooModel]]:
        """The models by year and family of placements."""
        cells: dict[tuple[int, str], list[ZooModel]] = {}
        for model in self.zoo:
            cells.setdefault((model.year, family(model)), []).append(model)
        return cells

    @property
    def counts(self) -> dict[tuple[int, str], int]:
        """How many models a year and a family have."""
        return {place: len(models) for place, models in self.cells.items()}

    def chosen(self, name: str) -> Sequence[Line]:
        """One line, or all."""
        return [line for line in self.lines if name in (EVERY, line.first.name)]

    def steps(self, name: str) -> list[Step]:
        """Those of a line, or of all."""
        return [step for line in self.chosen(name) for step in line.steps]


def family_tree(zoo: Zoo) -> FamilyTree:
    """The lines of some models, to be looked at one by one.

    >>> from normlab.chapters.norms_in_the_wild.zoo import load_zoo
    >>> tree = family_tree(load_zoo())
    >>> changed = [step.model.name for step in tree.steps("GLM-130B") if step.changes]
    >>> changed[0], changed[-1]
    ('GLM-4 9B', 'GLM-5.3-Flash')
    """
    return FamilyTree(zoo, lines(zoo))
