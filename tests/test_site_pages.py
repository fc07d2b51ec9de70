"""What the pages of the site do: folds, predictions, marks, explorers, search, keys, links."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import jupyterlab_page
import nbformat
import pytest
from playwright.sync_api import expect
from site_pages import pages_of

jupyterlab_page.skip_without_chromium()

ROOT = Path(__file__).parent.parent
FIRST, SECOND, DEPTH = (
    f"chapters/{name}.html" for name in ("00_start_here", "01_layer_norm", "06_gradient_flow")
)
MODEL = """async (url) => {
    const { Model } = await import(url);
    const told = [];
    const model = new Model({ a: 1, list: [1] }, document.body);
    const named = (value) => (value === model ? "model" : value);
    const hear = (name) => (...given) => told.push([name, ...given.map(named)]);
    for (const name of ["normlab:save", "normlab:send"])
        document.addEventListener(name, ({ detail: { model: its, ...rest } }) =>
            told.push([name, its === model, rest]));
    const onA = hear("a");
    model.on("change:a change:b", onA);
    model.on("change", hear("any"));
    model.on("change:b", () => told.push(["sees both", model.get("a"), model.get("b")]));
    model.set("a", 1);
    model.set("list", [1]);
    model.set({ a: 2, b: 3 });
    model.save_changes();
    model.save_changes();
    model.off("change:a", onA);
    model.set("a", 4);
    model.on("msg:custom", hear("message"));
    model.send({ hello: 1 });
    model.receive({ index: 0 }, []);
    model.off();
    model.set("b", 5);
    model.receive({ index: 1 });
    return told;
}"""


@pytest.fixture
def page(browser):
    """A page without Python, of a browser that keeps nothing of other tests."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    without = {"content_type": "text/javascript", "body": ""}
    context.route("**/_static/python/page.js*", lambda route: route.fulfill(**without))
    yield context.new_page()
    context.close()


def open_page(page, site, path):
    page.goto(f"{site.url}/{path}")
    page.wait_for_selector("html[data-widgets]", state="attached")


def kept(page):
    """The entries of the record in the browser."""
    return json.loads(page.evaluate("localStorage.getItem('normlab:record')"))["entries"]


def test_a_model_keeps_the_contract_of_anywidget(page, site):
    open_page(page, site, FIRST)
    told = page.evaluate(MODEL, f"{site.url}/_static/course/model.js")
    assert told == [
        ["a", "model", 2],  # what is set together is told when all of it is there
        ["a", "model", 3],
        ["sees both", 2, 3],
        ["any", "model"],
        ["normlab:save", True, {"names": ["a", "b"], "before": {"a": 1, "b": None}}],  # once
        ["any", "model"],
        ["normlab:send", True, {"content": {"hello": 1}}],
        ["message", {"index": 0}, []],
    ]


def test_what_is_marked_or_comes_after_a_prediction_is_folded(page, site):
    open_page(page, site, SECOND)
    sections = page.locator("article section:has(> details.normlab-fold)")
    titles = sections.locator("> details > summary h2").all_text_contents()
    notebook = nbformat.read(ROOT / "notebooks" / "01_layer_norm.ipynb", as_version=4)
    starred = [c for c in notebook.cells if re.match(r"## .*★", c.source)]
    assert len(titles) == len(starred) == 8
    assert all("★" in title for title in titles)
    hidden = [c for c in notebook.cells if "hide-output" in c.metadata.get("tags", [])]
    outputs = page.locator("details.normlab-output")
    assert outputs.count() == len([c for c in hidden if c.outputs])
    assert page.locator("article details[open]").count() == 0


def test_an_address_opens_the_fold_that_it_names(page, site):
    open_page(page, site, f"{SECOND}#padding")  # a part of "7. The cube, measured, and padding ★"
    expect(page.locator("#padding")).to_be_in_viewport()
    page.goto("about:blank")
    open_page(page, site, f"{SECOND}#the-cube-measured-and-padding")
    expect(page.locator("#padding")).to_be_visible()
    page.get_by_role("link", name="8. How many gains and shifts ★").click()
    expect(page.locator("#how-many-gains-and-shifts > details")).to_have_attribute("open", "")
    expect(page.locator("details.normlab-fold[open]")).to_have_count(2)


def test_a_prediction_is_kept_and_opens_what_stands_behind_it(page, site):
    open_page(page, site, SECOND)
    question = page.locator(".normlab-quiz").first
    question.get_by_role("button", name="Reveal").click()
    assert page.locator("article details[open]").count() == 0  # nothing was answered
    question.get_by_role("radio").first.check()
    question.get_by_role("button", name="Reveal").click()
    expect(question.locator(".normlab-verdict").first).to_have_text("✗ (a) is not right.")
    opened = page.locator("article details[open]:not(.normlab-box *)")
    expect(opened).to_have_count(2)
    expect(opened.first).to_contain_text("five lines   [ 1.732")
    expect(opened.last).to_contain_text("PyTorch gives 1.732 too.")
    (entry,) = kept(page)
    assert (entry["kind"], entry["question"], entry["answer"]) == ("answered", "one-hot", "a")
    page.wait_for_timeout(3300)  # after 3 s it would complain that Python is silent
    expect(question.get_by_role("status")).to_have_text("")
    open_page(page, site, SECOND)
    expect(page.locator(".normlab-verdict").first).to_have_text("✗ (a) is not right.")


def test_a_mark_is_kept_for_every_page(page, site):
    open_page(page, site, SECOND)
    marker = page.locator(".normlab-marker").first
    marker.get_by_role("button", name="imprecise").click()
    expect(marker.get_by_role("status")).to_have_text("Claim 7: imprecise. 1 of 1 marked.")
    page.wait_for_timeout(3300)
    expect(marker.get_by_role("status")).to_have_text("Claim 7: imprecise. 1 of 1 marked.")
    open_page(page, site, FIRST)
    expect(page.locator(".normlab-marker .normlab-count")).to_have_text("1 of 46")


def depth_explorer(page):
    page.locator("details.normlab-output:has([data-state]) > summary").first.click()
    return page.locator(".normlab-explorer").first


def test_the_depth_explorer_goes_to_a_thousand_sub_layers_without_python(page, site):
    open_page(page, site, DEPTH)
    explorer = depth_explorer(page)
    slider = explorer.get_by_role("slider", name="sub-layers S")
    slider.focus()
    slider.press("Home")
    expect(explorer.locator(".normlab-sentence")).to_contain_text("S = 1 sub-layer")
    seen = set()
    for _ in range(24):
        slider.press("ArrowRight")
        seen.add(explorer.locator(".normlab-sentence").text_content())
    assert len(seen) == 24
    expect(explorer.locator(".normlab-sentence")).to_contain_text("S = 1,000 sub-layers")
    expect(explorer).to_have_attribute("aria-busy", "false")


def test_a_setting_says_why_it_is_disabled_until_python_answers(page, site):
    open_page(page, site, DEPTH)
    explorer = depth_explorer(page)
    menu = explorer.get_by_role("combobox", name="beside it")
    reason = explorer.locator(".normlab-why")
    expect(menu).to_be_disabled()
    expect(explorer.get_by_role("radio", name="pre-norm")).to_be_disabled()
    expect(reason).to_contain_text("“tokens” need new numbers from Python")
    expect(reason.get_by_role("link")).to_have_attribute(
        "href", re.compile("06_gradient_flow.ipynb$")
    )
    page.evaluate("""() => {
        document.documentElement.dataset.python = "ready";
        document.dispatchEvent(new Event("normlab:python"));
        document.addEventListener("normlab:save", ({ detail: { model, names } }) => {
            const { beside } = model.get("request").settings;
            window.asked = [names, beside, model.host.dataset.call];
        });
    }""")
    expect(menu).to_be_enabled()
    expect(reason).to_be_hidden()
    menu.select_option(label="DeepNorm")
    names, chosen, call = page.evaluate("window.asked")
    assert (names, chosen) == (["request"], 3)
    assert call.endswith("import explore_gradient_flow\nexplore_gradient_flow()")


def test_an_explorer_that_needs_torch_stays_disabled(page, site):
    open_page(page, site, DEPTH)
    explorer = depth_explorer(page)
    page.evaluate("""() => {
        for (const host of document.querySelectorAll(".normlab-widget")) host.dataset.torch = "";
        document.documentElement.dataset.python = "ready";
        document.dispatchEvent(new Event("normlab:python"));
    }""")
    expect(explorer.get_by_role("combobox", name="beside it")).to_be_disabled()
    expect(explorer.locator(".normlab-why")).to_be_visible()


def test_tab_reaches_controls_and_arrows_move_them(page, site):
    open_page(page, site, SECOND)
    page.locator(".normlab-widget[data-mounted=yes]").first.scroll_into_view_if_needed()
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("""() => {
            const { tagName, type, classList } = document.activeElement;
            return [tagName, type ?? "", ...classList].join(" ");
        }""")
        )
    for expected in ("INPUT radio", "INPUT text", "SUMMARY", "BUTTON submit"):
        assert any(name.startswith(expected) for name in reached), (expected, reached)
    assert any("theme-switch-button" in name for name in reached)
    slider = page.locator("input[type=range]:visible").first
    before = slider.get_attribute("aria-valuetext")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") != before


def test_nothing_moves_by_itself_for_whoever_asked_for_that(browser, site):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    open_page(page, site, FIRST)
    assert (
        page.evaluate("""() => [...document.querySelectorAll("body, body *")].filter((node) => {
        const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(node);
        return scrollBehavior === "smooth" || animationName !== "none" ||
            transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
    }).map((node) => node.outerHTML.slice(0, 80))""")
        == []
    )
    context.close()


def test_the_theme_is_that_of_the_widgets(page, site):
    open_page(page, site, SECOND)
    for theme, light in (("dark", "false"), ("light", "true")):
        page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        expect(page.locator("html")).to_have_attribute("data-jp-theme-light", light)


@pytest.mark.parametrize(
    ("words", "found"), [("epsilon cancellation", "03 · Numerics"), ("DeepNorm", "08 · DeepNorm")]
)
def test_the_search_finds_a_page(page, site, words, found):
    page.goto(f"{site.url}/search.html?q={words}")
    results = page.locator("ul.search li")
    expect(results.first).to_be_visible()
    expect(page.locator("ul.search")).to_contain_text(found)


def test_the_search_quotes_no_answer(page, site):
    page.goto(f"{site.url}/search.html?q=statistician expected unbiased")
    expect(page.locator("ul.search li").first).to_contain_text("01 · Layer norm")
    page.wait_for_timeout(1500)  # what it quotes comes later
    expect(page.locator("ul.search")).not_to_contain_text("1.732")


def test_a_downloaded_notebook_has_the_cells_and_no_outputs(site):
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        taken = nbformat.read(site.folder / "_static" / "notebooks" / notebook.name, as_version=4)
        nbformat.validate(taken)
        stored = nbformat.read(notebook, as_version=4)
        assert [c.source for c in taken.cells] == [c.source for c in stored.cells]
        assert not any(cell.get("outputs") for cell in taken.cells)


class Places(HTMLParser):
    """The links of a page, and the places in it that a link can name."""

    def __init__(self):
        super().__init__()
        self.links, self.places = set(), {""}

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.places.add(named.get("id") or "")
        if tag in ("a", "img", "link", "script"):
            self.links.add(named.get("href") or named.get("src") or "")


def test_every_link_leads_to_a_page_and_a_place_of_it(site):
    pages = {}
    for name in pages_of(site.folder):
        pages[site.folder / name] = places = Places()
        places.feed((site.folder / name).read_text(encoding="utf-8"))
    dead = set()
    for path, places in pages.items():
        for link in places.links:
            address, fragment = urldefrag(unquote(link.split("?")[0]))
            if re.match(r"[a-z]+:|//", link):
                continue
            target = (path.parent / address).resolve() if address else path
            there = pages[target].places if target in pages else {fragment}
            if not target.exists() or fragment not in there:
                dead.add(f"{path.relative_to(site.folder)} → {link}")
    assert not dead


def test_a_page_does_not_give_an_answer_away_before_its_question(page, site):
    open_page(page, site, SECOND)
    shown = page.locator("article").inner_text()
    assert "PyTorch gives 1.732 too" not in shown
    assert "five lines   [ 1.732" not in shown
