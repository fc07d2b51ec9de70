"""All claims of the seed text, by theme and by number."""

from collections.abc import Mapping

from normlab.claims import (
    deepnorm,
    elsewhere,
    frameworks,
    listings,
    models,
    placements,
    rms,
    training,
    what_it_is,
)
from normlab.claims.claim import Claim
from normlab.claims.seed import check_number

THEMES: Mapping[str, tuple[Claim, ...]] = {
    "what layer norm is": what_it_is.CLAIMS,
    "where it stands": placements.CLAIMS,
    "gradients and training": training.CLAIMS,
    "RMSNorm": rms.CLAIMS,
    "DeepNorm": deepnorm.CLAIMS,
    "other networks": elsewhere.CLAIMS,
    "real models": models.CLAIMS,
    "code": listings.CLAIMS + frameworks.CLAIMS,
}
CLAIMS = tuple(sorted((c for claims in THEMES.values() for c in claims), key=lambda c: c.number))
_BY_NUMBER = {claim.number: claim for claim in CLAIMS}


def find_claim(number: int) -> Claim:
    """The claim of that number.

    Raises:
        ValueError: if there is none.

    >>> find_claim(25).verdict
    'wrong'
    """
    return _BY_NUMBER[check_number(number, _BY_NUMBER)]


def theme_of(number: int) -> str:
    """The theme that a claim belongs to.

    >>> theme_of(25)
    'RMSNorm'
    """
    claim = find_claim(number)
    return next(theme for theme, claims in THEMES.items() if claim in claims)
