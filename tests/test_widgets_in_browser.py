"""A real browser without JupyterLab: explorers on a phone and in the dark, and kinds of answers.

`python tests/widget_page.py` makes pictures of the same pages, to be looked at.
"""

from pathlib import Path

import jupyterlab_page
import pytest
from playwright.sync_api import expect
from widget_page import PHONE, open_page, stored

from normlab.chapters.layer_norm import grab_token
from normlab.chapters.norms_in_the_wild import explore_two_models
from normlab.chapters.start_here import explore_moved_token
from normlab.claims import mark_seed_text
from normlab.study.quiz import Choice, Drawing, Number, Quiz, Sentence, load_questions
from normlab.study.quiz.answers import digits

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("[0-9]*.ipynb"))
QUESTIONS = load_questions()
NUMBERS = {name: q for name, q in QUESTIONS.items() if isinstance(q.answers, Number)}
DRAWINGS = {name: q for name, q in QUESTIONS.items() if isinstance(q.answers, Drawing)}
LOOK = """(explorer) => {
    const texts = [...explorer.querySelectorAll(".normlab-picture text")].filter(
        (text) => text.textContent.trim() && text.getBoundingClientRect().width,
    );
    const size = (text) => {
        const { a, b } = text.getScreenCTM(); // text may be turned
        const { fontSize } = getComputedStyle(text.querySelector("tspan") ?? text);
        return parseFloat(fontSize) * Math.hypot(a, b);
    };
    const { right } = explorer.getBoundingClientRect();
    const parts = [...explorer.querySelectorAll("*")].filter(
        (part) => part instanceof HTMLElement && !part.closest("details"),
    );
    const over = (part) => part.getBoundingClientRect().right > right + 1;
    const cut = (text) => {
        const [word, panel] = [text, text.closest("svg")].map((n) => n.getBoundingClientRect());
        const crosses = (edge) => word.left < edge - 1 && word.right > edge + 1;
        return crosses(panel.left) || crosses(panel.right);
    };
    return {
        small: texts.filter((text) => size(text) < 7.95).map((text) => text.textContent.trim()),
        over: parts.filter(over).map((part) => part.outerHTML.slice(0, 80)),
        cut: texts.filter(cut).map((text) => text.textContent.trim()),
        scrolls: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        inks: [...new Set(texts.map((text) => getComputedStyle(text).fill))],
    };
}"""
"""What is wrong with an explorer's look; text of less than 8 px is too small to read."""
ANSWER_ALL = """(answers) => Object.entries(answers).map(([name, given]) => {
    const box = document.querySelector(`#${CSS.escape(name)} .normlab-quiz`);
    const field = box.querySelector("input[type=text]");
    if (field) field.value = given;
    else box.querySelectorAll("circle").forEach((point) => {
        for (let i = 0; i < 6; i++)
            point.dispatchEvent(new KeyboardEvent("keydown", { key: given }));
    });
    const before = box.querySelector(".normlab-truth")?.getAttribute("points") ?? null;
    box.querySelector("form").requestSubmit();
    const verdict = box.querySelector(".normlab-verdict").textContent;
    const after = box.querySelector(".normlab-truth")?.getAttribute("points")?.split(" ").length;
    return [verdict, states[name].answer, before, after ?? 0];
})"""
"""Types a number, or moves every point by a key, and presses Reveal."""

STYLES_OF_ALL = """() => {
    const nodes = [...document.querySelectorAll(".normlab-box, .normlab-box *")];
    return nodes.map((node) => {
        const style = getComputedStyle(node);
        const values = [...style].map((name) => `${name}: ${style.getPropertyValue(name)}`);
        const before = getComputedStyle(node, "::before").content;
        return [node.tagName, node.getAttribute("class"), ...values, `before: ${before}`].join(";");
    });
}"""
"""Each element of each widget, and every style that it has."""
WIDGETS = {
    "explorer": explore_moved_token().get_state(),
    "token": grab_token().get_state(),
    "question": Quiz(QUESTIONS["one-hot"]).get_state(),
    "seed text": mark_seed_text().get_state(),
}

jupyterlab_page.skip_without_chromium()


@pytest.fixture(scope="module")
def asked(browser):
    """Asks a question on a page of its own."""
    pages = []

    def ask(question):
        pages.append(open_page(browser, {question.id: Quiz(question).get_state()}))
        return pages[-1].locator(".normlab-quiz")

    yield ask
    for page in pages:
        page.close()


def answer(question):
    """What was answered, and how often."""
    return question.evaluate(
        "(q) => [states[q.parentNode.id].answer, states[q.parentNode.id].asked]"
    )


def reveal(question):
    question.get_by_role("button", name="Reveal").click()
    return question.locator(".normlab-verdicts")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_on_a_phone_nothing_is_cut_off_and_all_text_can_be_read(notebook, browser):
    explorers = stored(notebook, "frames")
    assert explorers
    page = open_page(browser, explorers, width=PHONE)
    for name in explorers:
        look = page.locator(f"#{name} .normlab-explorer").evaluate(LOOK)
        assert look["over"] == []
        assert look["scrolls"] <= 0
        assert look["small"] == [], name
        assert look["cut"] == [], name
    page.close()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_on_a_dark_page_the_ink_is_light_and_no_ground_is_white(notebook, browser):
    explorers = stored(notebook, "frames")
    page = open_page(browser, explorers, light=False)
    for name in explorers:
        look = page.locator(f"#{name} .normlab-explorer").evaluate(LOOK)
        assert "rgb(0, 0, 0)" not in look["inks"], name
        assert "rgb(255, 255, 255)" in look["inks"], name
    page.close()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_id_comes_twice_on_a_page_and_explorers_say_that_they_were_not_run(notebook, browser):
    explorers = stored(notebook, "frames")
    page = open_page(browser, explorers, width=PHONE)
    for width in (PHONE, 804):  # panels one above the other, and side by side
        page.set_viewport_size({"width": width, "height": 900})
        for picture in page.locator(".normlab-picture").all():
            sides = 2 if "normlab-beside" in picture.get_attribute("class") else 1
            heard = picture.locator("svg[role=img]:not([aria-hidden=true])")
            expect(heard).to_have_count(sides)
        ids = page.evaluate("""() => [...document.querySelectorAll("[id]")].map((e) => e.id)""")
        assert len(set(ids)) == len(ids) > 20
    for name in explorers:
        expect(page.locator(f"#{name}")).to_contain_text("this cell was not run yet")
        before = page.locator(f"#{name} .normlab-stored")
        expect(before).to_be_visible()
    page.evaluate("""() => document.querySelectorAll(".jupyter-widgets-disconnected")
        .forEach((e) => e.classList.remove("jupyter-widgets-disconnected"))""")
    expect(page.locator(".normlab-stored").first).to_be_hidden()
    page.close()


@pytest.mark.parametrize("kind", WIDGETS)
def test_a_widget_looks_the_same_beside_widgets_of_other_kinds(kind, browser):
    """The styles of a page are one, whichever widget brought them."""
    page = open_page(browser, {"it": WIDGETS[kind]})
    alone = page.evaluate(STYLES_OF_ALL)
    others = [state["_css"] for name, state in WIDGETS.items() if name != kind]
    for css in others:
        page.add_style_tag(content=css)
    among = page.evaluate(STYLES_OF_ALL)
    assert len(among) == len(alone) > 10
    pairs = zip(alone, among, strict=True)
    assert [{*a.split(";")} ^ {*b.split(";")} for a, b in pairs if a != b] == []
    page.close()


def test_two_pictures_side_by_side_are_chosen_one_by_one(browser):
    page = open_page(browser, {"two": explore_two_models().get_state()})
    layers = page.locator(".normlab-panel > svg[role=img]")
    expect(layers).to_have_count(2)
    left, right = (box["x"] for box in (layers.nth(side).bounding_box() for side in (0, 1)))
    assert left < right
    table = page.locator("details table")
    expect(table).to_contain_text("V-norm")
    drawn = layers.nth(0).inner_html()
    menus = page.locator("select")
    menus.nth(1).select_option(label="DeepSeek-V3")
    expect(layers.nth(1)).to_have_attribute(
        "aria-label", "DeepSeek-V3 (2024) has RMSNorm, pre-norm."
    )
    assert layers.nth(0).inner_html() == drawn
    expect(table).to_contain_text("RMSNorm latents")
    menus.nth(1).select_option(label="Gemma 3")
    expect(table.locator("tbody tr")).to_have_text(["norms and wiringthe samethe same"])
    expect(layers).to_have_count(2)
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
    page.close()


def test_a_point_under_the_pointer_is_read_aloud_as_a_number(browser):
    explorers = stored(NOTEBOOKS[0], "frames").items()
    page = open_page(browser, {n: e for n, e in explorers if e["title"] == "Move the input"})
    picture = page.locator(".normlab-picture")
    bars = page.locator("[data-part^='bar:'] path").first.bounding_box()
    page.mouse.move(bars["x"] + bars["width"] / 2, bars["y"])
    expect(picture.locator(".normlab-tip")).to_contain_text("-0.4, feature 0")
    page.mouse.move(5, 5)
    expect(picture.locator(".normlab-tip")).to_be_hidden()
    page.close()


@pytest.mark.parametrize("right", [True, False])
def test_every_number_is_judged_in_the_browser_as_in_python(right, browser):
    given = {}
    for name, question in NUMBERS.items():
        answers, scale = question.answers, question.answers.scale
        wrong = answers.answer * scale.far if scale.log else answers.answer + scale.far
        given[name] = answers.answer if right else wrong
    page = open_page(browser, {name: Quiz(q).get_state() for name, q in NUMBERS.items()})
    typed = {name: repr(number) for name, number in given.items()}
    for name, (verdict, answer, *_) in zip(given, page.evaluate(ANSWER_ALL, typed), strict=True):
        assert answer == pytest.approx(given[name])
        assert verdict[0] == ("✓" if right else "✗"), (name, verdict)
        assert (NUMBERS[name].answers.surprise(answer) == 0) == right
        assert ("exactly right" in verdict) == right
    page.close()


def test_what_is_no_number_is_asked_for_again(asked):
    question = asked(next(iter(NUMBERS.values())))
    question.get_by_role("textbox").fill("much")
    expect(reveal(question)).to_be_empty()
    expect(question.get_by_role("status")).to_contain_text("Write a number first")


def test_a_wrong_number_that_many_expect_is_explained(asked):
    name, guess = next((n, g) for n, q in NUMBERS.items() for g in q.answers.guesses)
    question = asked(NUMBERS[name])
    question.get_by_role("textbox").fill(repr(guess.value))
    expect(reveal(question)).to_contain_text(f"Why not {digits(guess.value)}")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1/4", 0.25),
        ("0,25", 0.25),
        ("1,000", 1000),
        ("-12,345.5", -12345.5),
        ("1/2/3", None),
        ("2·10^-3", 0.002),
        ("−1e3", -1000),
        (" 7 ", 7),
        ("1/0", None),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, read, asked):
    question = asked(next(iter(NUMBERS.values())))
    question.get_by_role("textbox").fill(typed)
    reveal(question)
    assert answer(question) == ([pytest.approx(read), 1] if read is not None else [None, 0])


@pytest.mark.parametrize(("key", "end"), [("PageDown", "bottom"), ("PageUp", "top")])
def test_every_curve_is_judged_in_the_browser_as_in_python(key, end, browser):
    page = open_page(browser, {name: Quiz(q).get_state() for name, q in DRAWINGS.items()})
    done = page.evaluate(ANSWER_ALL, dict.fromkeys(DRAWINGS, key))
    for (name, question), (verdict, drawn, before, after) in zip(
        DRAWINGS.items(), done, strict=True
    ):
        answers = question.answers
        assert drawn == pytest.approx([getattr(answers, end)] * len(answers.x))
        assert verdict[0] == ("✓" if answers.surprise(drawn) == 0 else "✗"), name
        assert before is None  # the measured curve comes with the verdict
        assert after == len(answers.x)
    page.close()


def test_a_curve_is_drawn_by_hand_once_it_is_touched(asked):
    asking = next(iter(DRAWINGS.values()))
    question = asked(asking)
    expect(reveal(question)).to_be_empty()
    expect(question.get_by_role("status")).to_contain_text("Draw first")
    points = question.get_by_role("slider")
    first, last = points.first.bounding_box(), points.last.bounding_box()
    mouse = question.page.mouse
    mouse.move(first["x"] + 9, first["y"] + 9)
    mouse.down()
    mouse.move(first["x"] + 9, first["y"] - 2000)
    mouse.move(last["x"] + 9, first["y"] + 2000, steps=20)  # over all points in one go
    mouse.up()
    reveal(question)
    drawn, times = answer(question)
    assert times == 1
    assert drawn[0] == pytest.approx(asking.answers.top)
    assert drawn[-1] == pytest.approx(asking.answers.bottom)


def test_a_sentence_is_weighed_by_the_learner(asked):
    question = asked(next(q for q in QUESTIONS.values() if isinstance(q.answers, Sentence)))
    reveal(question)
    expect(question.get_by_role("status")).to_have_text("Write a sentence first.")
    assert question.get_by_role("checkbox").count() == 0
    question.get_by_role("textbox").fill("since it is so")
    expect(reveal(question)).to_be_empty()
    boxes = question.get_by_role("checkbox")
    boxes.first.check()
    verdicts = reveal(question)
    said = [True] + [False] * (boxes.count() - 1)
    assert answer(question) == [{"text": "since it is so", "said": said}, 1]
    expect(verdicts).to_contain_text(f"You named 1 of {boxes.count()}")


@pytest.mark.parametrize("kind", [Choice, Number, Drawing, Sentence])
@pytest.mark.parametrize("light", [True, False])
def test_a_question_fits_on_a_phone(kind, light, browser):
    question = next(q for q in QUESTIONS.values() if isinstance(q.answers, kind))
    page = open_page(browser, {"q": Quiz(question).get_state()}, light, PHONE)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE
    page.close()
