"""Which claims of the seed no laptop can test at their own scale."""

from normlab.claims.stored import load_ledger
from normlab.tools.table import Table

_ABOUT = {
    4: "translation with 1,000 layers",
    11: "the original code",
    17: "large language models",
    18: "models of GPT-3's size",
    19: "BLEU after long training",
    20: "what people prefer",
    24: "language models",
    26: "clusters",
    28: "all decoders",
}


def beyond_this_machine() -> Table:
    """One row per such claim: what it is about, and what was run for it.

    Example:
        >>> [number for number, *_ in beyond_this_machine().rows]
        [4, 11, 17, 18, 19, 20, 24, 26, 28]
    """
    scales = {result.claim.number: result.claim.scale for result in load_ledger().results}
    rows = [[number, subject, scales[number]] for number, subject in _ABOUT.items()]
    return Table(("", "the claim is about", "what was run"), rows)
