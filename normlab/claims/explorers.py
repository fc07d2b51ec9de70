"""Explorer of the debate: every claim, its verdict and its numbers, stored or measured now."""

from functools import cache

from normlab.claims import CLAIMS, Claim, load_ledger, run_claim
from normlab.claims.figures import Find, describe_claim, draw_claim
from normlab.claims.run import shorten
from normlab.pictures import Choice, Explorer, Scene, Slider

STORED, NOW = "as stored", "measured now"


def explore_claims() -> Explorer:
    """Pick a claim; with "measured now" its experiment runs here, and then the others'."""

    def compute(numbers: str) -> Find:
        if numbers == NOW:
            return cache(run_claim)
        stored = {result.claim.number: result for result in load_ledger().results}
        return stored.__getitem__

    return Explorer(
        "The debate, claim by claim",
        Scene(compute, draw_claim, describe_claim, columns=2, size=(8.2, 4.4)),
        pages={"claim": Slider("claim", CLAIMS, show=_name, start=24)},
        settings={"numbers": Choice("numbers", (STORED, NOW))},
    )


def _name(claim: Claim) -> str:
    return f"{claim.number}: {shorten(claim.quote, 44)}"
