"""Where a chapter can be read, by its number."""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

PAGES = (
    "00_start_here",
    "01_layer_norm",
    "02_backward_and_geometry",
    "03_numerics",
    "04_rms_norm",
    "05_residual_placement",
    "06_gradient_flow",
    "07_training_and_warmup",
    "08_deepnorm",
    "09_beyond_transformers",
    "10_frameworks",
    "11_norms_in_the_wild",
    "12_the_debate",
    "13_one_kernel",
)
"""The notebooks."""


def chapter_page(number: str) -> str:
    """The address of a chapter on the course's site; "" where that is not known.

    >>> chapter_page("05").rpartition("/")[2]
    '05_residual_placement.html'
    """
    page = next((page for page in PAGES if page.startswith(f"{number}_")), "")
    return f"{_site()}chapters/{page}.html" if page and _site() else ""


@cache
def _site() -> str:
    """The site of the repository that pyproject.toml names."""
    try:
        addresses = metadata("normlab").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    for address in addresses:
        name, _, url = address.partition(", ")
        if name == "Repository" and "github.com/" in url:
            owner, repository = url.rstrip("/").split("/")[-2:]
            return f"https://{owner}.github.io/{repository}/"
    return ""
