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


def find_claim(number: int) -> Claim:
    """The claim of that number.

    Raises:
        ValueError: if there is none.

    >>> find_claim(25).verdict
    'wrong'
    """
    for claim in CLAIMS:
        if claim.number == number:
            return claim
    raise ValueError(f"there is no claim {number!r}; expected a number from 1 to {len(CLAIMS)}.")


def theme_of(number: int) -> str:
    """The theme that a claim belongs to.

    >>> theme_of(25)
    'RMSNorm'
    """
    claim = find_claim(number)
    return next(theme for theme, claims in THEMES.items() if claim in claims)


def find_theme(theme: str) -> tuple[Claim, ...]:
    """The claims of a theme.

    Raises:
        ValueError: if there is no such theme.

    >>> [claim.number for claim in find_theme("RMSNorm")]
    [22, 23, 24, 25, 26]
    """
    if theme not in THEMES:
        raise ValueError(f"there is no theme {theme!r}; expected one of {', '.join(THEMES)}.")
    return THEMES[theme]
