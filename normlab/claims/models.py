"""Claims on which models have which norm, where, from the table of models of chapter 11."""

from normlab.chapters.norms_in_the_wild.zoo import Zoo, ZooModel, load_zoo
from normlab.claims.claim import Claim, Finding, Measure

FAMILIES = {
    "GPT-3": ("GPT-3",),
    "LLaMA": ("LLaMA", "Llama 4"),
    "Mistral": ("Mistral 7B", "Mixtral 8x7B"),
    "Gemma": ("Gemma", "Gemma 2", "Gemma 3"),
    "Falcon": ("Falcon 7B", "Falcon 40B"),
}
"""The five of the seed. Falcon3 and Falcon-H1 are later and built otherwise."""

NO_DECODERS = ("ModernBERT", "DINOv2", "ViT-22B")
"""Models of the last years in the table that are no decoders of language."""


def named(*names: str) -> Zoo:
    """The models of these names.

    Raises:
        ValueError: if one is not in the table.
    """
    found = load_zoo().where(lambda model: model.name in names)
    if len(found) != len(names):
        raise ValueError(f"the table has {[m.name for m in found]} of {names}; expected all.")
    return found


def decoders_since(year: int) -> Zoo:
    return load_zoo().where(lambda m: m.year >= year and m.name not in NO_DECODERS)


def plain_post_norm() -> Finding:
    """Claim 20: how many models of the last years have plain post-norm?"""
    recent = decoders_since(2023)
    plain = len(recent.where(placement="post-norm"))
    outside = len(recent.where(lambda m: m.placement in ("reordered-norm", "peri-norm")))
    return Finding(
        (
            Measure("plain post-norm since 2023", plain, "none in the table", high=0),
            Measure("models since 2023 in the table", len(recent), "enough to ask", low=20),
            Measure("of them with a norm behind f", outside, "not post-norm: x + norm(f)", low=3),
        ),
        f"Of {len(recent)} models since 2023 {plain} have plain post-norm; {outside} have a norm "
        f"behind the sub-layer, inside the branch.",
    )


def five_families() -> Finding:
    """Claim 21: which of the five families are plain pre-norm?"""

    def plain(model: ZooModel) -> bool:
        return model.placement == "pre-norm"

    families = sum(all(map(plain, named(*names))) for names in FAMILIES.values())
    sides = len(named("Gemma 2", "Gemma 3").where(norms=4))
    parallel = len(named(*FAMILIES["Falcon"]).where(lambda m: "parallel" in m.placement))
    others = ("OLMo 2", "OLMo 3", "EXAONE 4.0", "MiniMax-Text-01", "GLM-130B", "OPT 350M")
    unlike = len(named(*others).where(lambda m: not plain(m)))
    return Finding(
        (
            Measure(
                "families of 5 that are plain pre-norm", families, "GPT-3, LLaMA, Mistral", 3, 3
            ),
            Measure("Gemmas with norms on both sides", sides, "Gemma 2 and 3", 2, 2),
            Measure("Falcons with parallel branches", parallel, "7B and 40B", 2, 2),
            Measure("major models that are not pre-norm", unlike, "the named six", 6, 6),
        ),
        f"Plain pre-norm are {families} of the 5 families; {sides} Gemmas have norms on both "
        f"sides, {parallel} Falcons parallel branches, and {unlike} other known models are not "
        f"pre-norm.",
    )


def four_families() -> Finding:
    """Claim 27: which of the four families have RMSNorm?"""
    falcons = len(named("Falcon 7B", "Falcon 40B").where(norm="LayerNorm"))
    later = len(named("Falcon3", "Falcon-H1").where(norm="RMSNorm"))
    families = ("LLaMA", "Mistral", "Gemma")
    three = sum(all(m.norm == "RMSNorm" for m in named(*FAMILIES[name])) for name in families)
    return Finding(
        (
            Measure("Falcon 7B, 40B with LayerNorm", falcons, "both", 2, 2),
            Measure("Falcon3, Falcon-H1 with RMSNorm", later, "both", 2, 2),
            Measure("LLaMA, Mistral, Gemma with RMSNorm", three, "all three families", 3, 3),
        ),
        f"{falcons} of 2 Falcons of 2023 have LayerNorm and {later} of 2 later ones RMSNorm, "
        f"as have {three} of the other 3 families.",
    )


def recent_decoders() -> Finding:
    """Claim 28: how many decoders since 2024 have RMSNorm?"""
    recent = decoders_since(2024)
    layer = recent.where(norm="LayerNorm")
    share = len(recent.where(norm="RMSNorm")) / len(recent)
    early = len(load_zoo().where(lambda m: m.norm == "RMSNorm" and m.year < 2023))
    return Finding(
        (
            Measure("decoders since 2024 with LayerNorm", len(layer), "some are left", low=5),
            Measure("share of RMSNorm since 2024", share, "most, not all", 0.6, 0.95),
            Measure("models with RMSNorm before LLaMA", early, "T5 was the first", low=1),
        ),
        f"Of {len(recent)} decoders since 2024 in the table {len(layer)} have LayerNorm: "
        f"{', '.join(m.name for m in layer)}.",
    )


SCALE = "the table of models; a test runs the code of those that the installed transformers has"
CLAIMS = (
    Claim(
        20,
        "Post-norm remains preferred when absolute final quality matters more than training "
        "stability",
        "imprecise",
        "an opinion",
        "No model since 2023 in the table has plain post-norm. Some put a norm behind the "
        "sub-layer, inside the branch (OLMo 2, Gemma 2), which is another placement.",
        plain_post_norm,
        SCALE,
        "chapters/norms_in_the_wild/zoo.csv, a source for each model",
        "11",
    ),
    Claim(
        21,
        "All major LLM families (GPT-3, LLaMA, Mistral, Gemma, Falcon) use pre-norm.",
        "imprecise",
        "Gemma 2 and 3 and Falcon differ",
        "Gemma 2 and 3 have a norm on both sides of each sub-layer, Falcon 7B to 180B parallel "
        "branches. OLMo 2, EXAONE 4, MiniMax-Text-01, GLM-130B and OPT-350M are not pre-norm.",
        five_families,
        SCALE,
        "chapters/norms_in_the_wild/zoo.csv; modeling_gemma2.py and modeling_falcon.py of "
        "transformers",
        "11",
    ),
    Claim(
        27,
        "Used in: LLaMA (all versions), Mistral, Gemma, Falcon",
        "wrong",
        "of Falcon",
        "Falcon 7B, 40B and 180B have LayerNorm. Falcon3 and Falcon-H1 have RMSNorm.",
        four_families,
        SCALE,
        "chapters/norms_in_the_wild/zoo.csv; modeling_falcon.py of transformers",
        "11",
    ),
    Claim(
        28,
        "essentially all modern decoder-only LLMs after 2023",
        "imprecise",
        "most",
        "Most do. Command R, DBRX, Nemotron-4, StarCoder2 and OLMo 1, all of 2024, have LayerNorm; "
        "and T5 had RMSNorm in 2019, before LLaMA.",
        recent_decoders,
        SCALE,
        "chapters/norms_in_the_wild/zoo.csv, a source for each model",
        "11",
    ),
)
