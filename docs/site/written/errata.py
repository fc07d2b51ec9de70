"""The line at the end of a page with which a mistake on it is reported."""

from urllib.parse import urlencode

from published import REPOSITORY

import normlab
from docs.site.written.titles import page_title

FORM = "course.yml"
"""In .github/ISSUE_TEMPLATE; the names of its fields are `place` and `what`."""


def errata(page: str) -> str:
    """The last line of a page, as markdown: a link to a report that names the page and version.

    Args:
        page: where it stands in the site, without a suffix: "chapters/06_gradient_flow",
            "exercises/03_rms_norm", "glossary".

    Raises:
        ValueError: if the site has no such page.

    >>> print(errata("glossary").split("](")[0])
    Found a mistake on this page? [Report it
    """
    title = page_title(page)
    fields = {
        "template": FORM,
        "title": f"{page}: ",
        "place": f"{title} ({page}, normlab {normlab.__version__}), under the heading: ",
    }
    return (
        f"Found a mistake on this page? [Report it]({REPOSITORY}/issues/new?{urlencode(fields)}): "
        "the form already names the page and the version."
    )
