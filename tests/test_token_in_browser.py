"""The token that can be grabbed, in a real browser: its arithmetic, and what hands do with it."""

import re

import jupyterlab_page
import numpy as np
import pytest
import torch
from playwright.sync_api import expect
from test_explorers_of_the_course import TOKENS
from test_widgets_in_browser import LOOK
from widget_page import PHONE, open_page

from normlab import norms
from normlab.pictures.token.widget import HERE, TOKEN

ARITHMETIC = (HERE / "arithmetic.js").read_text(encoding="utf-8")
ELEMENT = (HERE.parent / "element.js").read_text(encoding="utf-8")
BARS = (HERE / "bars.js").read_text(encoding="utf-8")
STATES = {name: make().get_state() for name, make in TOKENS.items()}
TRACE, SPACE, GRID, ANGLE = (
    "grab_token",
    "grab_token_in_space",
    "grab_token_on_float_grid",
    "grab_token_of_two_norms",
)
START_AGAIN = """() => document.querySelectorAll("button").forEach(
    (button) => button.textContent === "Start again" && button.click())"""
BOTH = ("LayerNorm", "RMSNorm")

jupyterlab_page.skip_without_chromium()


@pytest.fixture(scope="module")
def page(browser):
    """All four on one page, as wide as in JupyterLab."""
    opened = open_page(browser, STATES, touch=True)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def start_again(request):
    if "page" in request.fixturenames:
        request.getfixturevalue("page").evaluate(START_AGAIN)


def cases():
    """200 random tokens and the corner cases: (x, g, γ, β, ε)."""
    rng = np.random.default_rng(0)
    shapes = [
        (int(rng.integers(2, 9)), 10 ** rng.uniform(-4, 4), eps)
        for eps in [0.0, 1e-5, 1e-3, 1.0] * 50
    ]
    made = [(rng.standard_normal(d) * s + rng.uniform(-3, 3) * s, eps) for d, s, eps in shapes]
    corners = [
        ([5.0], 1e-5), ([-2.0], 1.0), ([3.0] * 4, 1e-5), ([0.1] * 7, 1e-3), ([0.0] * 3, 1.0),
        ([1e-4, -2e-4, 3e-4], 0.0), ([1e-4, 1e-4, 1e-4], 1e-5), ([1e4, -2e4, 3e4, 5e3], 1e-5),
        ([1e4 + 1, 1e4, 1e4 + 2], 0.0), (list(TOKEN[:4]), 1e-5), ([1.0, 0.0, 0.0, 0.0], 0.0),
    ]  # fmt: skip
    for x, eps in [*made, *((np.array(x), eps) for x, eps in corners)]:
        g, gain, shift = rng.standard_normal((3, len(x)))
        yield x, g, gain, shift, eps


def in_browser(page, cases, body, scripts=ARITHMETIC):
    """What a function body of JavaScript returns for each `c` of the cases."""
    return page.evaluate(
        f"(cases) => {{ {scripts}; return cases.map((c) => {{ {body} }}); }}", cases
    )


def difference(js, python):
    """The greatest difference, absolute for values below 1 and relative above."""
    js, python = np.asarray(js, np.float64), np.asarray(python, np.float64)
    return float((np.abs(js - python) / np.maximum(1, np.abs(python))).max())


def test_the_arithmetic_is_that_of_the_norms_forward_and_backward(page):
    every = list(cases())
    assert len(every) > 210
    body = """const norms = {};
        for (const norm of ["LayerNorm", "RMSNorm"]) {
            const s = { ...c, norm };
            norms[norm] = [forward(c.x, s).output, backward(c.g, c.x, s).dx, backward(c.g, c.x, s)];
        }
        return norms;"""
    asked = [dict(x=x.tolist(), g=g.tolist(), gain=a.tolist(), eps=e) for x, g, a, _, e in every]
    shifts = [b.tolist() for *_, b, _ in every]
    found = in_browser(page, [{**c, "shift": b} for c, b in zip(asked, shifts, strict=True)], body)
    for (x, g, gain, shift, eps), js in zip(every, found, strict=True):
        layer, rms = (js[norm] for norm in BOTH)
        expected = {
            "layer norm": (layer[0], norms.layer_norm(x, gain, shift, eps)),
            "its gradient": (layer[1], norms.layer_norm_backward(g, x, gain, eps)[0]),
            "RMSNorm": (np.array(rms[0]) - shift, norms.rms_norm(x, gain, eps)),
            "the gradient of that": (rms[1], norms.rms_norm_backward(g, x, gain, eps)[0]),
        }
        for name, (js, python) in expected.items():
            assert difference(js, python) < 1e-6, name
        for _, dx, parts in (layer, rms):
            split = np.array(parts["along1"]) + parts["alongX"] + parts["rest"]
            assert difference(split, gain * g) < 1e-6
            assert np.isfinite(dx).all()


@pytest.mark.parametrize("x", [[3.0] * 4, [5.0]])
def test_a_constant_token_without_epsilon_is_0_by_0_in_both(x, page):
    (js,) = in_browser(page, [{"x": x}], "return forward(c.x, { eps: 0 }).output.map(String)")
    with np.errstate(all="ignore"):
        python = norms.layer_norm(np.array(x), eps=0)
    assert js == ["NaN"] * len(x)
    assert np.isnan(python).all()
    with np.errstate(all="ignore"):
        assert np.isnan(norms.rms_norm(np.zeros(3), eps=0)).all()
    (js,) = in_browser(
        page, [{}], 'return forward([0, 0], { norm: "RMSNorm", eps: 0 }).output.map(String)'
    )
    assert js == ["NaN", "NaN"]


def test_numbers_are_rounded_as_numpy_and_torch_round_them(page):
    rng = np.random.default_rng(1)
    values = rng.standard_normal(3000) * 10.0 ** rng.uniform(-9, 6, 3000)
    ties = [2049.0, 2051.0, 65519.9, 65520.0, -65520.0, 1e-8, 2.0**-25, 3 * 2.0**-25, 0.0, 1e39]
    values = np.concatenate([values, ties, 256 + np.arange(8) / 2, rng.integers(0, 9999, 200)])
    with np.errstate(over="ignore"):
        single = values.astype(np.float32).astype(np.float64)  # torch rounds to it on its way
        expected = {
            "float16": (values, values.astype(np.float16)),
            "float32": (values, values.astype(np.float32)),
            "bfloat16": (single, torch.tensor(single).to(torch.bfloat16).double().numpy()),
        }
    for dtype, (given, right) in expected.items():
        finite = np.isfinite(given)
        asked = [{"v": v, "dtype": dtype} for v in given[finite].tolist()]
        js = in_browser(page, asked, "return String(roundTo(c.v, c.dtype))")
        np.testing.assert_array_equal(np.array(js, np.float64), right[finite].astype(np.float64))


def test_the_numbers_around_an_offset_are_all_that_a_dtype_can_store(page):
    for dtype, offset, gap in [("float16", 1022, 0.4), ("float32", 1e8, 3), ("float16", -4, 0.005)]:
        body = "return storedBetween(c.low, c.high, c.dtype, c.gap)"
        asked = {"low": offset - 5, "high": offset + 5, "dtype": dtype, "gap": gap}
        (js,) = in_browser(page, [asked], body)
        value, stored = np.dtype(dtype).type(offset - 9), []
        while value < offset + 5:
            value = np.nextafter(value, np.dtype(dtype).type(np.inf))
            stored.append(float(value))
        inside = [v for v in stored if offset - 5 <= v <= offset + 5]
        low, high = js["dense"] or (np.inf, np.inf)
        high = np.inf if high == offset + 5 else high  # a band up to the edge of the window
        assert (js["dense"] is None) == (dtype == "float32" or offset > 0)
        assert sorted(js["found"]) == [v for v in inside if v <= low or v >= high]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (996000, "1e6"), (0.000996, "1e−3"), (-0.000123, "−1.2e−4"), (99999.96, "1e5"),
        (99999.5, "99999.5"), (1e5, "1e5"), (0.005, "0.01"), (0.00499, "5e−3"), (99.996, "100.00"),
        (123.45, "123.5"), (-0.0, "0.00"), (-1e-13, "0.00"), (1e300, "1e300"), (0, "0.00"),
    ],
)  # fmt: skip
def test_a_number_is_written_in_a_few_characters(value, text, page):
    assert in_browser(page, [value], "return short(c)", BARS) == [text]


def test_what_is_written_in_a_field_is_read_back(page):
    values = [0.1, -1e-7, 12345.67, -1e6, 1e-12, 2 / 3, -2.5]
    read = in_browser(page, values, "return readNumber(exact(c))", f"{ELEMENT}; {BARS}")
    np.testing.assert_allclose(read, values, rtol=1e-6)


def sentence(page, name):
    return page.locator(f"#{name} .normlab-sentence").inner_text()


def state(page, name):
    """What the learner has set, when the browser has handed over all touches: at its next frame."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("(n) => ({ ...states[n].start, ...states[n].now })", name)


def bar(page, name, row, feature):
    return page.locator(f"#{name} [data-row='{row}'] [role=slider]").nth(feature)


def shown(page, name, row):
    cells = page.locator(f"#{name} [data-row='{row}'] .normlab-cells > *").all_inner_texts()
    return [float(text.replace("−", "-")) for text in cells]


def column(page, name, row, feature):
    """The middle of a bar's column, in px of the window, and how many px are 1."""
    place = bar(page, name, row, feature).locator(".normlab-column")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, (box["height"] / 2 - 7) / 4


def test_the_first_pictures_show_the_token_of_the_lesson(page):
    assert [float(v) for v in state(page, TRACE)["x"]] == list(TOKEN)
    assert shown(page, TRACE, "x̂") == norms.layer_norm(np.array(TOKEN[:4])).round(2).tolist()
    expect(page.locator(f"#{TRACE} .normlab-sentence")).to_contain_text("mean 1.00")


def test_a_bar_is_dragged_by_mouse_and_every_step_follows(page):
    x, y, unit = column(page, TRACE, "x", 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - unit, steps=3)
    page.mouse.move(x, y - 2 * unit, steps=3)
    page.mouse.up()
    token = np.array([2.0, 2.0, 3.0, 0.0])
    assert state(page, TRACE)["x"][:4] == token.tolist()
    np.testing.assert_allclose(shown(page, TRACE, "x − μ"), token - token.mean(), atol=0.006)
    expected = norms.layer_norm(token)
    np.testing.assert_allclose(shown(page, TRACE, "x̂"), expected, atol=0.006)
    assert "mean 1.75" in sentence(page, TRACE)


def test_a_finger_moves_a_bar_and_not_the_page(page):
    x, y, unit = column(page, TRACE, "x", 3)
    before = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for kind, up in [("touchStart", 0), ("touchMove", 1), ("touchMove", 3), ("touchEnd", None)]:
        points = [] if up is None else [{"x": x, "y": y - up * unit}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert state(page, TRACE)["x"][3] == pytest.approx(3.0)
    assert page.evaluate("scrollY") == before


def test_a_second_finger_or_another_button_moves_nothing(page):
    x, y, unit = column(page, TRACE, "x", 0)
    other = column(page, TRACE, "x", 2)[0]
    touch = page.context.new_cdp_session(page)

    def fingers(kind, *points):
        points = [{"x": x, "y": y - up * unit, "id": i} for i, (x, up) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", (x, 1))
    fingers("touchStart", (x, 1), (other, 0))
    fingers("touchMove", (x, 1), (other, -2))
    fingers("touchMove", (x, 3), (other, -2))
    assert state(page, TRACE)["x"][:4] == [3, -1, 3, 0]
    fingers("touchEnd", (x, 3))  # the second is lifted
    fingers("touchMove", (x, 2))
    assert state(page, TRACE)["x"][:4] == [2, -1, 3, 0]
    fingers("touchEnd")
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.up(button="right")
    assert state(page, TRACE)["x"][:4] == [2, -1, 3, 0]


def test_the_ear_hears_where_a_bar_came_to_rest(page):
    spoken = page.locator(f"#{TRACE} [aria-live=polite]")
    first = sentence(page, TRACE)
    expect(spoken).to_have_text(first)
    x, y, unit = column(page, TRACE, "x", 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 2 * unit, steps=4)
    expect(spoken).to_have_text(first)
    assert sentence(page, TRACE) != first
    page.mouse.up()
    expect(spoken).to_have_text(sentence(page, TRACE))


def test_all_is_drawn_once_for_one_change(page):
    """Also where its height changes, as with the number of lines in the grid."""
    page.evaluate(
        """(name) => {
            window.drawn = 0;
            new MutationObserver((all) => (window.drawn += all.length)).observe(
                document.querySelector(`#${name} details`), { childList: true });
        }""",
        GRID,
    )
    before = page.locator(f"#{GRID}").bounding_box()["height"]
    page.locator(f"#{GRID}").get_by_role("radio", name="8", exact=True).check(force=True)
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert page.locator(f"#{GRID}").bounding_box()["height"] > before + 50
    assert page.evaluate("window.drawn") == 1


def test_keys_and_typed_numbers_move_a_bar(page):
    first = bar(page, TRACE, "x", 0)
    first.focus()
    for key in ("ArrowUp", "ArrowRight", "PageUp", "ArrowDown"):
        page.keyboard.press(key)
    assert state(page, TRACE)["x"][0] == 3.1
    expect(first).to_have_attribute("aria-valuetext", "3.1")
    expect(first).to_be_focused()
    field = page.locator(f"#{TRACE}").get_by_label("x, feature 0, typed")
    typed = {"1,000": 1000, "1/4": 0.25, "−1e−7": -1e-7, "1e9": 1e6, "1/": 1e6, "−2,5": -2.5}
    for text, value in typed.items():
        field.fill(text)
        field.press("Enter")
        assert state(page, TRACE)["x"][0] == value
    about = page.locator(f"#{TRACE} .normlab-typed").filter(has_text="expected")
    expect(about).to_have_count(0)
    expected = "a number from −1000000 to 1000000 is expected, such as 0.25, 1/4 or 1e-5"
    for text, said, becomes in (
        ("1e9", f"“1e9” was typed: {expected}. It became 1000000.", "1000000"),
        ("−2.5", None, "−2.5"),
        ("no number", f"“no number” was typed: {expected}. The number stays as it was.", "−2.5"),
        ("", f"Nothing was typed: {expected}. The number stays as it was.", "−2.5"),
    ):
        field.fill(text)
        field.press("Enter")
        if said:
            expect(about).to_have_text(said)
        else:
            expect(about).to_have_count(0)
        expect(field).to_have_value(becomes)
    first.press("ArrowUp")
    expect(about).to_have_count(0)
    first.press("ArrowDown")
    gain = page.locator(f"#{TRACE}").get_by_label("γ, feature 0, typed")
    gain.fill("10")
    gain.press("Enter")
    token = np.array([-2.5, -1.0, 3.0, 0.0])
    expected = norms.layer_norm(token, gamma=[10, 1, 1, 1])
    np.testing.assert_allclose(shown(page, TRACE, "γ ⊙ x̂ + β"), expected, atol=0.006)


def test_the_scale_stands_still_while_a_bar_is_dragged(page):
    page.locator(f"#{TRACE}").get_by_role("button", name="2·x").click()
    x, y, _ = column(page, TRACE, "x", 2)
    ticks = page.locator(f"#{TRACE} [data-row=x] .normlab-tick")
    page.mouse.move(x, y)
    page.mouse.down()
    assert state(page, TRACE)["x"][2] == 0
    expect(ticks.first).to_have_text("6")
    page.mouse.up()
    expect(ticks.first).to_have_text("4")


def test_all_equal_without_epsilon_says_that_it_is_0_by_0(page):
    widget = page.locator(f"#{TRACE}")
    widget.get_by_role("button", name="all equal").click()
    assert "all features are equal, and x̂ is 0" in sentence(page, TRACE)
    widget.get_by_role("radio", name="0", exact=True).click()
    assert "0/0, and x̂ is not a number" in sentence(page, TRACE)
    cells = widget.locator("[data-row='x̂'] .normlab-cells span").all_inner_texts()
    assert cells == ["0/0"] * 4


def test_a_token_can_have_three_to_eight_features(page):
    widget = page.locator(f"#{TRACE}")
    for features in (3, 8):
        widget.get_by_role("radio", name=str(features), exact=True).check(force=True)
        assert len(shown(page, TRACE, "x̂")) == features
        expected = norms.layer_norm(np.array(TOKEN[:features]))
        np.testing.assert_allclose(shown(page, TRACE, "x̂"), expected, atol=0.006)


def mark(page, name):
    """Where the token stands in the view in space, in px."""
    box = page.locator(f"#{SPACE} [data-mark='{name}']").bounding_box()
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


def set_step(page, tenths):
    page.locator(f"#{SPACE} input[data-name=step]").fill(str(tenths))


def test_centering_falls_straight_onto_the_plane_and_scaling_ends_on_the_circle(page):
    set_step(page, 10)
    x, centred = mark(page, "x"), mark(page, "centered")
    assert abs(x[0] - centred[0]) < 1  # 1 points up
    assert "sum 0.00, length 2.94" in sentence(page, SPACE)
    set_step(page, 20)
    assert "sum 0.00, length 1.73" in sentence(page, SPACE)
    assert "lie within 0.00 of one another" in sentence(page, SPACE)
    page.locator(f"#{SPACE}").get_by_role("radio", name="RMSNorm").check(force=True)
    assert "sum 1.85, length 1.73" in sentence(page, SPACE)
    assert page.locator(f"#{SPACE} [data-mark=centered]").count() == 0


def test_the_view_turns_by_mouse_and_by_keys_and_the_token_stays(page):
    view = page.locator(f"#{SPACE} .normlab-space")
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 240, steps=4)
    page.mouse.up()
    now = state(page, SPACE)
    assert (now["turn"], now["tilt"]) == (pytest.approx(5), pytest.approx(40))
    assert now["x"] == list(TOKEN)
    assert "Seen from 40° above" in sentence(page, SPACE)
    expect(view).to_be_focused()
    for key in ("ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    now = state(page, SPACE)
    assert (now["turn"], now["tilt"]) == (pytest.approx(10), pytest.approx(30))
    page.locator(f"#{SPACE}").get_by_role("button", name="along 1").click()
    set_step(page, 20)
    circle = page.locator(f"#{SPACE} .normlab-sphere").bounding_box()
    middle = np.array([circle["x"], circle["y"]]) + circle["width"] / 2
    radius = np.linalg.norm(mark(page, "normalized") - middle)
    assert radius == pytest.approx(circle["width"] / 2, abs=1.5)


def test_the_point_of_the_token_is_grabbed_in_space(page):
    page.locator(f"#{SPACE} .normlab-space").scroll_into_view_if_needed()
    x, y = mark(page, "x")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=5)
    page.mouse.up()
    np.testing.assert_allclose(mark(page, "x"), [x, y + 30], atol=4)
    now = state(page, SPACE)
    assert now["tilt"] == 20
    assert sum(now["x"][:3]) < 3.5  # down is against 1


@pytest.mark.parametrize(
    ("norm", "eps"), [("LayerNorm", "0"), ("RMSNorm", "0"), ("LayerNorm", "1")]
)
def test_the_gradient_loses_two_directions_and_under_rms_norm_one(norm, eps, page):
    widget = page.locator(f"#{SPACE}")
    for name in ("gradient", norm, eps):
        widget.get_by_role("radio", name=name, exact=True).check(force=True)
    x, g = np.array(TOKEN[:3]), np.array(state(page, SPACE)["g"])
    run = norms.layer_norm_backward if norm == "LayerNorm" else norms.rms_norm_backward
    dx = run(g, x, eps=float(eps))[0]
    assert f"dx is {np.linalg.norm(dx):.2f} long" in sentence(page, SPACE)
    total = f"{dx.sum().round(9) + 0.0:.2f}".replace("-", "−")
    assert f"sum of dx is {total}, its product with x̂" in sentence(page, SPACE)
    arrows = widget.locator("[data-arrow]").evaluate_all("(all) => all.map((a) => a.dataset.arrow)")
    along1 = ["along1"] if norm == "LayerNorm" else []
    assert arrows == ["g", *along1, "alongX", "rest", "dx"]


def test_the_grid_shows_what_a_dtype_stores_and_what_the_norm_loses(page):
    widget = page.locator(f"#{GRID}")
    slider = widget.locator("input[data-name=offset]")
    for dtype, place, offset in (("float16", 8, 3000), ("bfloat16", 6, 300), ("float32", 16, 3e7)):
        widget.get_by_role("radio", name=dtype, exact=True).check(force=True)
        slider.fill(str(place))
        assert state(page, GRID)["offset"] == offset
        token = torch.tensor(TOKEN[:4], dtype=torch.float64) + offset
        stored = token.to(getattr(torch, dtype)).double().numpy()
        texts = widget.locator(".normlab-kept").all_inner_texts()
        assert [float(t.replace(",", "")) for t in texts] == stored.tolist()
        worst = np.abs(stored - token.numpy()).max()
        assert f"the worst is off by {worst:.2f}" in sentence(page, GRID)
    widget.get_by_role("radio", name="float16", exact=True).check(force=True)
    slider.fill("11")
    assert "overflow" in sentence(page, GRID)


def test_a_feature_is_dragged_along_its_line(page):
    line = page.locator(f"#{GRID} .normlab-line").first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 10)
    page.mouse.up()
    assert state(page, GRID)["x"][0] == -2
    page.keyboard.press("ArrowRight")
    assert state(page, GRID)["x"][0] == -1.9


def test_two_norms_are_the_arc_tangent_of_mean_over_std_apart(page):
    widget = page.locator(f"#{ANGLE}")
    slider = widget.locator("input[data-name=ratio]")
    for ratio in (-5, 0, 1, 5):
        slider.fill(str(50 + 10 * ratio))
        degrees = np.degrees(np.arctan(abs(ratio)))
        assert f"the outputs are {degrees:.1f}° apart" in sentence(page, ANGLE)
    x = np.array(state(page, ANGLE)["x"][:4])
    assert x.mean() / x.std() == pytest.approx(5, abs=1e-3)
    np.testing.assert_allclose(shown(page, ANGLE, "RMSNorm"), norms.rms_norm(x, eps=0), atol=0.006)
    np.testing.assert_allclose(
        shown(page, ANGLE, "LayerNorm"), norms.layer_norm(np.array(TOKEN[:4]), eps=0), atol=0.006
    )
    triangle = widget.locator(".normlab-triangle")
    triangle.scroll_into_view_if_needed()
    box = triangle.bounding_box()
    page.mouse.click(box["x"] + 100, box["y"] + box["height"] / 2)
    assert "mean/std = 0.00: the outputs are 0.0° apart" in sentence(page, ANGLE)
    for feature in range(4):
        field = widget.get_by_label(f"x, feature {feature}, typed")
        field.fill("2")
        field.press("Enter")
    assert "one of the outputs has no direction" in sentence(page, ANGLE)
    expect(triangle).to_have_attribute("aria-label", re.compile("so there is no angle"))


@pytest.mark.parametrize("name", TOKENS)
def test_start_again_brings_the_first_picture_back(name, page):
    first = sentence(page, name)
    widget = page.locator(f"#{name}")
    widget.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    moved = widget.locator("[aria-live=polite]")
    expect(moved).not_to_have_text(first)
    widget.get_by_role("button", name="Start again").click()
    expect(moved).to_have_text(first)
    assert page.evaluate("(n) => states[n].now", name) == {}


@pytest.mark.parametrize(("light", "width"), [(True, PHONE), (False, PHONE), (False, 1000)])
def test_nothing_is_cut_off_and_all_text_can_be_read(light, width, browser):
    page = open_page(browser, STATES, light, width)
    wide = page.locator(".normlab-token").get_by_role("radio", name="8", exact=True)
    for choice in wide.all():
        choice.check(force=True)
    for name in STATES:
        look = page.locator(f"#{name} .normlab-token").evaluate(LOOK)
        assert look["over"] == []
        assert look["scrolls"] <= 0
        assert look["small"] == []
        assert look["cut"] == []
        assert light or "rgb(0, 0, 0)" not in look["inks"]
    page.close()
