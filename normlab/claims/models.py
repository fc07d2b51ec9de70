"""Claims on which models have which norm, where: counts over all decoders of the stored scan."""

import re

from normlab.chapters.norms_in_the_wild.scanned_models import (
    ScannedModels,
    has_rms_norm,
    is_plain_pre_norm,
    kind_of_norm,
    load_decoders,
    load_encoders,
    load_vision_models,
)
from normlab.claims.claim import Claim, Finding, Measure
from normlab.inspection.scan.rows import ScanRow

FAMILIES = {
    "GPT-2 and GPT-3": r"gpt2$",
    "LLaMA": r"llama",
    "Mistral": r"mistral|mixtral|ministral",
    "Gemma": r"gemma",
    "Falcon": r"falcon$",
}
"""The five of the seed by the names of their folders. GPT-3 has "the same model and architecture as
GPT-2" (Brown et al. 2020, §2.1). `falcon` is that of 2023; later ones have other names."""


def family(name: str) -> ScannedModels:
    """The decoders of one of the five families."""
    return load_decoders().where(lambda row: re.search(FAMILIES[name], row["folder"]) is not None)


def is_post_norm(row: ScanRow) -> bool:
    return row["placement"] == "post-norm"


def plain_post_norm() -> Finding:
    """Claim 20: how many decoders and encoders of text have plain post-norm?"""
    recent = load_decoders().wired.between(2023)
    plain = recent.share(is_post_norm)
    inside = len(recent.where(lambda row: row["placement"] in ("reordered-norm", "peri-norm")))
    encoders = load_encoders().wired.share(is_post_norm)
    return Finding(
        (
            Measure(
                "decoders since 2023 with plain post-norm", plain.part, "preferred: many", high=2
            ),
            Measure("of so many decoders", plain.whole, "enough to ask", low=50),
            Measure("of them with a norm behind f", inside, "not post-norm: x + norm(f)", low=3),
            Measure("share of it in encoders", encoders.part / encoders.whole, "alive", low=0.5),
        ),
        f"{plain} decoders since 2023 have plain post-norm; {inside} have a norm behind the "
        f"sub-layer, inside the branch. Of text encoders of all years {encoders} have it.",
    )


def five_families() -> Finding:
    """Claim 21: which of the five families are plain pre-norm, and how many of all decoders?"""
    plain = [name for name in FAMILIES if all(map(is_plain_pre_norm, family(name).wired))]
    sides = len(family("Gemma").where(lambda row: row["placement"] == "peri-norm"))
    parallel = len(family("Falcon").where(lambda row: row["placement"] == "parallel"))
    every = load_decoders().wired.share(is_plain_pre_norm)
    return Finding(
        (
            Measure("families of 5 that are plain pre-norm", len(plain), "all would be 5", 1, 4),
            Measure("Gemmas with norms on both sides", sides, "peri-norm since Gemma 2", low=2),
            Measure("Falcon's blocks are parallel", parallel, "one folder for 7B to 180B", 1, 1),
            Measure("share of pre-norm, all decoders", every.part / every.whole, "most", 0.6, 0.95),
        ),
        f"Plain pre-norm are {', '.join(plain)}; {sides} Gemmas have norms on both sides, and the "
        f"Falcon of 2023 parallel branches. Of all decoders {every} are plain pre-norm.",
    )


def four_families() -> Finding:
    """Claim 27: which of the four families have RMSNorm?"""
    falcon = family("Falcon").share(has_rms_norm)
    later = load_decoders().named("falcon_h1", "falcon_mamba").share(has_rms_norm)
    others = [family(name).share(has_rms_norm) for name in ("LLaMA", "Mistral", "Gemma")]
    part, whole = (sum(getattr(share, name) for share in others) for name in ("part", "whole"))
    return Finding(
        (
            Measure("the Falcon of 2023 has RMSNorm", falcon.part, "LayerNorm, 7B to 180B", high=0),
            Measure("later Falcons with RMSNorm", later.part, "the two later folders", 2, 2),
            Measure("of LLaMA, Mistral, Gemma: without", whole - part, "all have it", high=0),
            Measure("of so many folders", whole, "enough to ask", low=8),
        ),
        f"{part} of {whole} folders of LLaMA, Mistral and Gemma have RMSNorm; the Falcon of 2023 "
        f"has {', '.join(map(kind_of_norm, family('Falcon')))}, and {later} later ones RMSNorm.",
    )


def recent_decoders() -> Finding:
    """Claim 28: how many decoders after 2023 have RMSNorm, by year?"""
    decoders = load_decoders()
    first, since = decoders.between(2024, 2024), decoders.between(2025)
    early, late = first.share(has_rms_norm), since.share(has_rms_norm)
    others = decoders.between(2024).where(lambda row: not has_rms_norm(row))
    return Finding(
        (
            Measure("share of RMSNorm in 2024", early.part / early.whole, "all: ≥ 0.95", 0.5, 0.94),
            Measure("share of RMSNorm since 2025", late.part / late.whole, "all: ≥ 0.95", 0.95, 1),
            Measure("of so many since 2025", late.whole, "enough to ask", low=40),
            Measure("decoders since 2024 without it", len(others), "some are left", low=5),
        ),
        f"RMSNorm have {early} decoders of 2024 and {late} since. Without it are: "
        f"{', '.join(others.folders)}.",
    )


def newest_models() -> Finding:
    """Claim 42: which norm have decoders since 2025, and encoders of text?"""
    decoders = load_decoders().between(2025).share(has_rms_norm)
    encoders, vision = (load().share(has_rms_norm) for load in (load_encoders, load_vision_models))
    return Finding(
        (
            Measure(
                "share of RMSNorm, decoders since 2025",
                decoders.part / decoders.whole,
                "default",
                0.95,
            ),
            Measure("of so many", decoders.whole, "enough to ask", low=40),
            Measure(
                "encoders with RMSNorm", encoders.part / encoders.whole, "a default: ½", high=0.5
            ),
            Measure("vision models with RMSNorm", vision.part / vision.whole, "the same", high=0.5),
        ),
        f"RMSNorm have {decoders} decoders since 2025, {encoders} encoders of text and {vision} "
        f"vision models of the library; the last two of all years.",
    )


SCALE = "all decoders of transformers 5.24 with layers of their own, from the stored scan"
SCAN = "chapters/norms_in_the_wild/scan.csv, which `normlab remake scan` makes"
CLAIMS = (
    Claim(
        20,
        "Post-norm remains preferred when absolute final quality matters more than training "
        "stability",
        "count",
        "imprecise",
        "nobody has measured what is preferred; among decoders it is gone",
        "No decoder of the library since 2023 has plain post-norm. Some put a norm behind the "
        "sub-layer, inside the branch (OLMo 2, Gemma 2), which is another placement. Encoders of "
        "text have it still.",
        plain_post_norm,
        SCALE,
        SCAN,
        "11",
    ),
    Claim(
        21,
        "All major LLM families (GPT-3, LLaMA, Mistral, Gemma, Falcon) use pre-norm.",
        "count",
        "imprecise",
        "most; Gemma since its second version and Falcon differ",
        "Gemma 2 and 3 have a norm on both sides of each sub-layer, Falcon 7B to 180B parallel "
        "branches. OLMo 2, EXAONE 4, MiniMax-Text-01, GLM-130B and OPT-350M are not pre-norm.",
        five_families,
        SCALE,
        SCAN,
        "11",
    ),
    Claim(
        27,
        "Used in: LLaMA (all versions), Mistral, Gemma, Falcon",
        "count",
        "imprecise",
        "the Falcon of 2023 has LayerNorm",
        "Falcon 7B, 40B and 180B have LayerNorm. Later ones, Falcon-H1 among them, have RMSNorm, "
        "as have all LLaMAs, Mistrals and Gemmas.",
        four_families,
        SCALE,
        SCAN,
        "11",
    ),
    Claim(
        28,
        "essentially all modern decoder-only LLMs after 2023",
        "count",
        "imprecise",
        "since 2025; in 2024 four of five",
        "Since 2025 nearly all do (19 of 20 are called that here). Command R, DBRX, Nemotron-4, "
        "StarCoder2 and OLMo 1, all of 2024, have LayerNorm; and T5 had RMSNorm in 2019.",
        recent_decoders,
        SCALE,
        SCAN,
        "11",
    ),
    Claim(
        42,
        "It is now the default for new transformer architectures.",
        "count",
        "imprecise",
        "for new decoders",
        "Decoders since 2025 have RMSNorm, with few exceptions. Most encoders and vision models of "
        "the library have LayerNorm, and so has PyTorch's own layer.",
        newest_models,
        f"{SCALE}, and its encoders and vision models",
        SCAN,
        "11",
    ),
)
