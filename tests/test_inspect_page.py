"""The report as a page: one file, everything of a stranger's escaped, pictures with their words."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
import torch
from jupyterlab_page import chromium
from torch import nn

from normlab import inspect
from normlab.inspection.drawn_report import alternative, drawn_wirings
from normlab.inspection.html import as_page
from normlab.inspection.report import InspectedLayer, Report, Warning

EVIL = "<script>alert(1)</script>$\"'&"


@pytest.fixture(scope="module")
def read():
    torch.manual_seed(0)
    post = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    pre = [nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True) for _ in "ab"]
    found = inspect(nn.Sequential(post, *pre, nn.LayerNorm(16)), torch.randn(3, 7, 16))
    warnings = tuple(
        Warning(f"code-{severity}", severity, f"{severity}, and why", "0.norm1", "05")
        for severity in ("error", "warning", "note")
    )
    return dataclasses.replace(found, warnings=warnings, unread=("a gate was not understood",))


class Tags(HTMLParser):
    """The elements of a page with their attributes, and whether all were closed."""

    VOID = ("meta", "br", "img")

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_page_is_whole_and_loads_nothing(read):
    tags = Tags(as_page(read))
    assert not tags.open
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags.found}
    links = [attrs["href"] for tag, attrs in tags.found if tag == "a"]
    assert [link.rpartition("/")[2] for link in links] == ["05_residual_placement.html"] * 3


def test_each_wiring_has_one_picture_with_its_equations_in_words(read):
    drawn = drawn_wirings(read)
    assert [[layer.name for layer in each.layers] for each in drawn] == [["0"], ["1", "2"]]
    pictures = [attrs for tag, attrs in Tags(as_page(read)).found if tag == "svg"]
    assert [picture["role"] for picture in pictures] == ["img", "img"]
    assert pictures[0]["aria-label"] == (
        "The wiring of 0, post-norm: f1 = f(x); n1 = norm(x plus f1); f2 = f(n1); "
        "n2 = norm(n1 plus f2); y = n2."
    )
    ids = re.findall(r'\bid="([^"]+)"', as_page(read))
    assert len(ids) == len(set(ids))


def test_warnings_and_what_was_not_understood_are_said(read):
    page = as_page(read)
    for words in ("Error: code-error", "Warning: code-warning", "Note: code-note"):
        assert words in page
    assert "a gate was not understood" in page
    assert "No mistake was found" not in page
    assert "No mistake was found" in as_page(dataclasses.replace(read, warnings=()))


def test_names_of_a_stranger_are_text_everywhere(read):
    lines = ("n1 = norm(x)", "f1 = f(n1)", "y = x + f1")
    layer = InspectedLayer(EVIL, lines, "pre-norm", (EVIL,), (f"a.{EVIL}",), (), (EVIL,))
    warning = Warning(EVIL, "error", EVIL, EVIL, "05")
    norm = dataclasses.replace(read.norms[0], name=EVIL)
    report = Report(EVIL, 1, (norm,), (layer,), (warning,), (EVIL,))
    for page in (as_page(report), report._repr_html_()):
        tags = Tags(page)
        assert "script" not in {tag for tag, _ in tags.found}
        assert page.count("&lt;script&gt;") >= 9
    assert str(report).count(EVIL) >= 6


def test_a_notebook_gets_the_same_without_a_head(read):
    fragment = read._repr_html_()
    assert fragment.startswith('<div class="normlab-report">')
    assert fragment.count("<svg") == 2
    assert "<html" not in fragment


@pytest.mark.parametrize(
    "last", ["y = x − f1 + c", "y = g·x + 0.500 a·f1", "y = -x + f1", "y = f1"]
)
def test_wirings_of_every_form_are_drawn(last):
    layer = InspectedLayer("h", ("f1 = f(x)", last), "other", (), ("mlp",), ())
    report = Report("M", 1, (), (layer,), ())
    (drawn,) = drawn_wirings(report)
    assert ">mlp<" in drawn.svg
    assert last.replace(" + ", " plus ") in alternative(layer)


def test_a_box_says_the_name_of_its_sublayer_as_far_as_it_holds_it():
    lines = ("f1 = f(x)", "f2 = f(x + f1)", "f3 = f(x + f1 + f2)", "y = x + f1 + f2 + f3")
    names = ("h.0.mlps.1", "h.0.a_name_that_is_long", "")
    (drawn,) = drawn_wirings(
        Report("M", 1, (), (InspectedLayer("h.0", lines, "none", (), names, ()),), ())
    )
    assert all(f">{label}<" in drawn.svg for label in ("mlps.1", "a_name_that…", "f3"))


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone_and_can_be_read_on_either_ground(read, browser, scheme, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(as_page(read), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for selector in ("p", ".error strong", ".doubt strong", ".note strong", "a", "svg"):
        color = page.eval_on_selector(selector, "element => getComputedStyle(element).color")
        ground = page.eval_on_selector("body", "e => getComputedStyle(e).backgroundColor")
        assert contrast(color, ground) >= 4.5, selector
    page.close()


def contrast(one, other):
    """WCAG's ratio of two colours as a browser writes them."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color):
    shares = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
