"""Every page of the site in a real browser, in light and dark, on a desk and on a phone.

One load of a page serves all checks of it in both themes: what it asks for, its widgets, its
pictures' words, its width, and axe-core's findings. Every other page is loaded in the dark.
"""

import re
from pathlib import Path

import jupyterlab_page
import pytest
from site_pages import pages_of
from test_widgets_in_browser import LOOK as LOOK_OF_AN_EXPLORER

jupyterlab_page.skip_without_chromium()

ROOT = Path(__file__).parent.parent
AXE = (ROOT / "docs" / "site" / "vendor" / "axe" / "axe.min.js").read_text(encoding="utf-8")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
OF_THE_THEME = [
    # a button named "Search" shows "Search Ctrl+K" (pydata-sphinx-theme's search-button-field.html)
    [".search-button__button"],
]
THEMES = ("light", "dark")
PARTS = 30
"""The pages are looked at in so many tests, since a file with many tests starts early."""
COLORS = ["color-contrast", "link-in-text-block"]
"""The rules of axe that a theme can change; all others find the same in both."""
FINDINGS = """async ([excluded, rules]) => {
    const only = rules.length ? { runOnly: { type: "rule", values: rules } } : {};
    const options = { resultTypes: ["violations"], iframes: false, ...only };
    const { violations } = await axe.run({ exclude: excluded }, options);
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, impact, nodes }) => [
            `${id} (${impact}, ${nodes.length})`,
            ...nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)),
        ].join(" | "));
}"""
OPEN_ALL = """() => {
    for (const fold of document.querySelectorAll("article details")) fold.open = true;
}"""
ALL_MOUNTED = """() => [...document.querySelectorAll(".normlab-widget")]
    .every((host) => ["yes", "failed"].includes(host.dataset.mounted))"""
LOOK = """() => {
    const page = document.scrollingElement;
    const hosts = [...document.querySelectorAll(".normlab-widget")];
    const scrolling = ".normlab-scroll, pre, .pst-scrollable-table-container, mjx-container, svg, "
        + ".normlab-box details, .cm-scroller";
    const right = document.documentElement.clientWidth + 1;
    const over = [...document.querySelectorAll("article *")].filter((node) => {
        const box = node.getBoundingClientRect();
        return box.right > right && box.width && !node.closest(scrolling);
    });
    return {
        wide: page.scrollWidth - innerWidth,
        over: over.slice(0, 3).map((node) => node.outerHTML.slice(0, 160)),
        failed: hosts.map(({ dataset }) => dataset)
            .filter(({ mounted }) => mounted !== "yes").map(({ call }) => call),
        alts: [...document.querySelectorAll("article img")].map((image) => image.alt),
    };
}"""


WORN = "(theme) => document.documentElement.dataset.theme === theme"
SMALL_TEXTS = f"""() => [...document.querySelectorAll(".normlab-explorer")]
    .flatMap((explorer) => ({LOOK_OF_AN_EXPLORER})(explorer).small)"""


CROSSING_TEXTS = """() => [...document.querySelectorAll(".normlab-panel > svg")].flatMap((svg) => {
    const panel = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        const [x, y] = [(left + right) / 2, (top + bottom) / 2];
        const mine = x > panel.left && x < panel.right && y > panel.top && y < panel.bottom;
        const beyond = [panel.left - left, right - panel.right, panel.top - top,
            bottom - panel.bottom];
        return mine && Math.max(...beyond) > 0.5;
    }).map((text) => text.textContent.trim());
})"""
"""Texts of explorers that are cut off at the edge of their panel."""


class Visit:
    """One load of a page, and all that is wrong with it."""

    def __init__(self, page, url):
        self.page, self.url, self.wrong = page, url, []
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))

    def _on_request(self, request):
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"asks outside: {request.url}")

    def _on_response(self, response):
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def _on_console(self, message):
        if message.type == "error":
            self.wrong.append(f"console: {message.text}")

    def open(self, path):
        self.page.goto(f"{self.url}/{path}")
        self.page.wait_for_selector("html[data-widgets]", state="attached")
        self.page.evaluate(OPEN_ALL)
        self.page.wait_for_function(ALL_MOUNTED)

    def wear(self, theme):
        """Change the theme of the machine, as at dusk; the page follows."""
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_function(WORN, arg=theme)

    def look(self, name):
        seen = self.page.evaluate(LOOK)
        if seen["wide"] > 0 or seen["over"]:
            self.wrong.append(f"{name}: {seen['wide']} px too wide: {seen['over']}")
        if small := self.page.evaluate(SMALL_TEXTS):
            self.wrong.append(f"{name}: texts in pictures are too small: {small[:9]}")
        if crossing := self.page.evaluate(CROSSING_TEXTS):
            self.wrong.append(f"{name}: texts cross the edge of their panel: {crossing[:9]}")
        if seen["failed"]:
            self.wrong.append(f"widgets not shown: {seen['failed']}")
        bad = [
            alt for alt in seen["alts"] if len(alt) < 20 or re.search(r"\.(png|svg|gif)|<Fig", alt)
        ]
        if bad:
            self.wrong.append(f"pictures without words: {bad}")

    def examine(self, rules=()):
        """Let axe look at the page, with all rules or some."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        self.wrong += self.page.evaluate(FINDINGS, [OF_THE_THEME, list(rules)])


@pytest.mark.parametrize("first", range(PARTS))
def test_every_page_is_right(browser, site, first):
    begun, other = THEMES if first % 2 else THEMES[::-1]
    context = browser.new_context(viewport=DESK, color_scheme=begun, reduced_motion="reduce")
    wrong = {}
    for path in [*site.pages(), "search.html?q=norm"][first::PARTS]:
        page = context.new_page()
        visit = Visit(page, site.url)
        page.emulate_media(color_scheme=begun)
        visit.open(path)
        visit.wear(begun)
        visit.look(f"desk, {begun}")
        visit.examine()
        visit.wear(other)
        visit.look(f"desk, {other}")
        visit.examine(COLORS)
        page.set_viewport_size(PHONE)
        visit.look(f"phone, {other}")
        visit.wear(begun)
        visit.look(f"phone, {begun}")
        page.close()
        if visit.wrong:
            wrong[path] = visit.wrong
    context.close()
    assert not wrong


def test_the_site_has_every_page_and_is_small(site):
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    exercises = {path.stem for path in (ROOT / "exercises").glob("*.ipynb")}
    expected = {f"chapters/{name}.html" for name in notebooks}
    expected |= {f"exercises/{name}.html" for name in exercises} | {"index.html", "glossary.html"}
    assert expected <= set(pages_of(site.folder))
    sizes = [path.stat().st_size for path in site.folder.rglob("*") if path.is_file()]
    python = site.folder / "_static" / "python"
    of_python = [path.stat().st_size for path in python.rglob("*") if path.is_file()]
    assert sum(sizes) - sum(of_python) < 30e6


def test_claims_and_models_are_found(browser, site):
    page = browser.new_page()
    page.goto(f"{site.url}/claims.html")
    page.locator("#normlab-claims input").fill("small-batch instability")
    assert page.locator(".normlab-claim-fold:visible").count() == 1
    assert page.locator("section section:visible").count() == 1
    page.goto(f"{site.url}/zoo.html")
    found = {}
    for word in ("1e-6", "1e-06", "0.000001"):
        page.locator("#normlab-zoo-search input").fill(word)
        found[word] = page.locator("#normlab-zoo tbody tr:visible").count()
    assert found["1e-6"] >= found["1e-06"] == found["0.000001"] > 5, found
    page.close()
