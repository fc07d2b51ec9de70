"""What lessons say of many models, by name: counts over the stored scan and the table of models.

A lesson writes `{{ scan decoders }}` or `{{ zoo models }}`, and the build puts the count there.
"""

from collections.abc import Callable, Mapping
from itertools import chain

from normlab.chapters.norms_in_the_wild.library_scan import load_scan
from normlab.chapters.norms_in_the_wild.scanned_models import (
    Share,
    has_qk_norm,
    has_rms_norm,
    is_plain_pre_norm,
    load_decoders,
    load_encoders,
    load_vision_models,
)
from normlab.chapters.norms_in_the_wild.trained_placements import load_trained_placements
from normlab.chapters.norms_in_the_wild.zoo import load_zoo
from normlab.chapters.norms_in_the_wild.zoo_designs import designs
from normlab.chapters.norms_in_the_wild.zoo_lines import EVERY, family_tree
from normlab.inspection.scan.rows import ScanRow


def placed(placement: str) -> Callable[[ScanRow], bool]:
    """A test of rows: whether the placement is that one."""
    return lambda row: row["placement"] == placement


SCAN: Mapping[str, Callable[[], object]] = {
    "folders": lambda: len({row["folder"] for row in load_scan()}),
    "decoders": lambda: len(load_decoders()),
    "decoders with a wiring": lambda: len(load_decoders().wired),
    "decoders without a year": lambda: len(load_decoders().where(lambda row: not row["year"])),
    "decoders of 2024 with RMSNorm": lambda: (
        load_decoders().between(2024, 2024).share(has_rms_norm)
    ),
    "decoders since 2025 with RMSNorm": lambda: load_decoders().between(2025).share(has_rms_norm),
    "decoders since 2024 without RMSNorm": lambda: ", ".join(
        f"`{name}`"
        for name in load_decoders().between(2024).where(lambda row: not has_rms_norm(row)).folders
    ),
    "decoders with pre-norm": lambda: load_decoders().wired.share(is_plain_pre_norm),
    "decoders since 2023 with post-norm": lambda: (
        load_decoders().wired.between(2023).share(placed("post-norm"))
    ),
    "decoders since 2025 with peri-norm": lambda: (
        load_decoders().wired.between(2025).share(placed("peri-norm"))
    ),
    "decoders of 2024 with QK-norm": lambda: (
        load_decoders().wired.between(2024, 2024).share(has_qk_norm)
    ),
    "decoders since 2025 with QK-norm": lambda: (
        load_decoders().wired.between(2025).share(has_qk_norm)
    ),
    "encoders with post-norm": lambda: load_encoders().wired.share(placed("post-norm")),
    "encoders with RMSNorm": lambda: load_encoders().share(has_rms_norm),
    "vision models with an embedding norm": lambda: load_vision_models().wired.share(
        lambda row: row["embedding_norm"] == "yes"
    ),
}

ZOO: Mapping[str, Callable[[], object]] = {
    "models": lambda: len(load_zoo()),
    "designs": lambda: len(designs(load_zoo())),
    "models with QK-norm": lambda: _share(lambda model: model.qk_norm != "no"),
    "QK-norms per head": lambda: _of_qk_norms("per head"),
    "QK-norms over all heads": lambda: _of_qk_norms("all heads"),
    "QK-norms of latents": lambda: _of_qk_norms("latents"),
    "models since 2024 with RMSNorm": lambda: Share(
        len(load_zoo().where(lambda m: m.year > 2023 and m.norm == "RMSNorm")),
        len(load_zoo().where(lambda m: m.year > 2023)),
    ),
    "models of 2026": lambda: len(load_zoo().where(year=2026)),
    "lines": lambda: len(family_tree(load_zoo()).lines),
    "steps that change the design": lambda: Share(
        sum(bool(step.changes) for step in family_tree(load_zoo()).steps(EVERY)),
        len(family_tree(load_zoo()).steps(EVERY)),
    ),
    "models with V-norm": lambda: _names(lambda m: m.v_norm),
    "models with several streams": lambda: _names(lambda m: m.streams != "one"),
    "models with a released ε": lambda: _share(lambda m: m.eps_released is not None),
    "trained runs": lambda: len(load_trained_placements().runs),
}


def counted(source: str, name: str) -> str:
    """A count as text: "28 of 35".

    Args:
        source: "scan" or "zoo".
        name: what is counted.

    Raises:
        ValueError: if nothing of that name is counted.

    >>> counted("zoo", "models with QK-norm").split()[1]
    'of'
    """
    known = {"scan": SCAN, "zoo": ZOO}.get(source, {})
    if name not in known:
        names = ", ".join(chain(SCAN, ZOO))
        raise ValueError(f"{source} counts no {name!r}; expected one of {names}.")
    return str(known[name]())


def _share(keep: Callable[..., bool]) -> Share:
    return Share(len(load_zoo().where(keep)), len(load_zoo()))


def _of_qk_norms(scope: str) -> Share:
    normed = load_zoo().where(lambda model: model.qk_norm != "no")
    return Share(len(normed.where(lambda model: scope in model.qk_norm)), len(normed))


def _names(keep: Callable[..., bool]) -> str:
    return ", ".join(model.name for model in load_zoo().where(keep))
