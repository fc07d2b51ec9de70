"""Sphinx's configuration. `docs.site.build` names the folders."""

from typing import Any

from docs.site.links import DESCRIPTION, REPOSITORY

project = "normlab"
author = "normlab"
language = "en"
extensions = ["myst_nb", "docs.site.folds", "docs.site.written.docstrings"]

exclude_patterns = ["_static"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
myst_html_meta = {"description": DESCRIPTION}

# One file that needs no fonts and asks for nothing; its menu would be a stop of the Tab key at each
# formula, while what screen readers read stays.
mathjax_path = "course/mathjax/tex-svg.js"
mathjax3_config: dict[str, Any] = {
    "options": {"enableMenu": False},
    "loader": {"load": ["a11y/assistive-mml"]},
}

html_context = {"default_mode": "auto"}
html_theme = "sphinx_book_theme"
html_title = "normlab"
html_favicon = "favicon.svg"
html_css_files = ["course/site.css"]
html_js_files = [("course/site.js", {"type": "module"})]
html_show_copyright = False  # the footer says more
html_show_search_summary = False  # it would quote what stands behind a question
html_show_sourcelink = False
html_copy_source = False
html_theme_options: dict[str, Any] = {
    "show_toc_level": 2,
    "show_navbar_depth": 1,
    "navbar_persistent": [],  # the field for a search stands in the sidebar
    "home_page_in_toc": True,
    "extra_footer": "The code is under the MIT license, the texts are under "
    '<a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>.',
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_repository_button": True,
    "repository_url": REPOSITORY,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
templates_path = ["templates"]
