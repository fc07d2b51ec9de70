"""How frames reach the browser after a change of settings: the one in sight, then the others."""

import asyncio

import pytest

from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.tools.table import Table

DEPTHS = (1, 2, 3, 4, 5)
START = 1


class Stack:
    """Data that are computed depth by depth, when they are asked for."""

    def __init__(self, seed):
        if seed == "bad":
            raise ValueError("the seed is bad.")
        self.seed = seed
        self.asked = []

    def at(self, depth):
        self.asked.append(depth)
        if (self.seed, depth) == ("broken at 5", 5):
            raise ValueError("depth 5 is broken.")
        return depth


def draw(data, ax, /, depth):
    ax.plot([0, data.at(depth)])
    ax.set(xlim=(0, 1), ylim=(0, 5))


def describe(data, /, depth):
    return f"{data.seed}, depth {depth}", Table(("L",), [(depth,)])


def explorer():
    return Explorer(
        "Depth",
        Scene(Stack, draw, describe, size=(2, 2)),
        pages={"depth": Slider("depth", DEPTHS, start=START)},
        settings={"seed": Choice("seed", ("first", "second", "third", "broken at 5", "bad"))},
    )


class Browser:
    """Keeps what a page would: the state by what Python sends, applied as explorer.js does."""

    def __init__(self, monkeypatch, act):
        self.messages, self.errors = [], []
        monkeypatch.setattr(
            Explorer, "_send", lambda widget, msg, buffers=None: widget.comm and self.hear(msg)
        )
        self.widget = explorer()
        self.at_the_start = self.messages.copy()
        self.state = {k: v for k, v in self.widget.get_state().items() if k != "layout"}
        self.state["frames"] = list(self.state["frames"])
        self.state["lines"] = list(self.state["lines"])
        asyncio.run(self.run(act))

    async def run(self, act):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.errors.append(context["exception"]))
        await act(self)

    def hear(self, message):
        self.messages.append(message)
        if message["method"] == "update" and hasattr(self, "state"):
            copies = {k: list(v) for k, v in message["state"].items() if isinstance(v, list)}
            self.state |= message["state"] | copies
        elif message["method"] == "custom" and hasattr(self, "state"):
            sent = message["content"]
            first, lines = sent["first"], sent["lines"]
            self.state["lines"][first : first + len(lines)] = lines
            self.state["frames"][sent["index"]] = sent["frame"]

    def choose(self, seed):
        request = {"id": self.widget.request["id"] + 1, "settings": {"seed": seed}}
        self.widget.set_state({"request": request})

    def sentences(self):
        return [frame and frame["sentence"] for frame in self.state["frames"]]

    async def filled(self):
        while self.state["progress"] < 1:
            await asyncio.sleep(0.005)

    async def frames_there(self, count):
        while len([s for s in self.sentences() if s]) < count:
            await asyncio.sleep(0.001)


def test_the_first_state_holds_every_frame_and_needs_no_message_after_it(monkeypatch):
    async def nothing(browser):
        pass

    browser = Browser(monkeypatch, nothing)
    assert browser.sentences() == [f"first, depth {depth}" for depth in DEPTHS]
    assert browser.at_the_start == []


def test_the_first_answer_is_the_frame_in_sight_alone_and_asks_for_no_other_data(monkeypatch):
    async def act(browser):
        browser.choose(1)
        assert browser.sentences() == [None, "second, depth 2", None, None, None]
        assert browser.state["answered"] == 1
        assert browser.state["progress"] == pytest.approx(1 / 5)
        assert set(browser.widget._drawing._data.asked) == {2}

    Browser(monkeypatch, act)


def test_the_others_follow_the_nearest_first_and_are_as_if_drawn_at_once(monkeypatch):
    async def act(browser):
        browser.choose(1)
        await browser.filled()

    browser = Browser(monkeypatch, act)
    order = [m["content"]["index"] for m in browser.messages if m["method"] == "custom"]
    assert order == [0, 2, 3, 4]
    at_once = explorer()
    at_once.request = {"id": 1, "settings": {"seed": 1}}
    for name in ("background", "lines", "frames"):
        assert browser.state[name] == getattr(browser.widget, name) == getattr(at_once, name)


def test_a_newer_request_ends_the_filling_and_no_frame_of_the_old_one_comes_after(monkeypatch):
    async def act(browser):
        browser.choose(1)
        await browser.frames_there(3)
        browser.choose(2)
        assert browser.sentences() == [None, "third, depth 2", None, None, None]
        await browser.filled()

    browser = Browser(monkeypatch, act)
    assert browser.sentences() == [f"third, depth {depth}" for depth in DEPTHS]
    of_second = ["second" in str(m) for m in browser.messages]
    of_third = ["third" in str(m) for m in browser.messages]
    assert sum(of_second) == 3
    assert not any(of_second[of_third.index(True) :])


def test_while_a_learner_drags_each_answer_is_a_first_frame_and_nothing_is_drawn_between(
    monkeypatch,
):
    async def act(browser):
        for seed in (1, 2, 1, 2):
            browser.choose(seed)
            await asyncio.sleep(0.03)  # answer and next request under way

    browser = Browser(monkeypatch, act)
    assert [m for m in browser.messages if m["method"] == "custom"] == []
    assert browser.state["answered"] == 4


def test_a_page_turned_while_filling_is_drawn_next(monkeypatch):
    async def act(browser):
        browser.choose(1)
        browser.widget.set_state({"position": [4]})
        await browser.frames_there(2)
        assert browser.sentences()[4] == "second, depth 5"
        await browser.filled()

    browser = Browser(monkeypatch, act)
    echoed = [m for m in browser.messages if "position" in m.get("state", {})]
    assert echoed == []
    assert repr(browser.widget) == "Depth: second, depth 5"


def test_a_later_frame_that_fails_is_a_problem_that_ends_the_filling(monkeypatch):
    async def act(browser):
        browser.choose(3)
        await browser.filled()
        assert browser.state["problem"] == "ValueError: depth 5 is broken."
        assert browser.sentences() == [f"broken at 5, depth {depth}" for depth in DEPTHS[:4]] + [
            None
        ]
        browser.choose(1)
        assert browser.state["problem"] == ""
        await browser.filled()

    browser = Browser(monkeypatch, act)
    assert [str(error) for error in browser.errors] == ["depth 5 is broken."]
    assert browser.sentences() == [f"second, depth {depth}" for depth in DEPTHS]


def test_a_setting_that_cannot_be_computed_ends_the_filling_of_the_one_before(monkeypatch):
    async def act(browser):
        browser.choose(1)
        with pytest.raises(ValueError, match="the seed is bad"):
            browser.widget.request = {"id": 2, "settings": {"seed": 4}}
        await asyncio.sleep(0.2)
        assert browser.state["problem"] == "ValueError: the seed is bad."
        assert (browser.state["answered"], browser.state["progress"]) == (2, 1.0)
        assert browser.sentences() == [None, "second, depth 2", None, None, None]

    Browser(monkeypatch, act)


# Frames that also show the data of the others


class Compared:
    """What is known so far is drawn in every frame."""

    def __init__(self, seed):
        self.seed, self.known = seed, set()

    def at(self, depth):
        self.known.add(depth)
        return depth

    def measure(self):
        return map(self.at, DEPTHS)


def draw_compared(data, ax, /, depth):
    data.at(depth)
    for known in sorted(data.known):
        ax.plot([0, known])
    ax.set(xlim=(0, 1), ylim=(0, 5))


def describe_compared(data, /, depth):
    return f"{data.seed}, depth {depth}, beside {len(data.known)}", Table(("L",), [(depth,)])


def compared():
    scene = Scene(Compared, draw_compared, describe_compared, size=(2, 2), rest=Compared.measure)
    return Explorer(
        "Depth",
        scene,
        pages={"depth": Slider("depth", DEPTHS, start=START)},
        settings={"seed": Choice("seed", ("first", "second", "third"))},
    )


def test_what_shows_the_others_is_drawn_alone_first_and_again_when_they_are_there(monkeypatch):
    monkeypatch.setitem(globals(), "explorer", compared)
    seen = []

    async def act(browser):
        browser.choose(1)
        seen.append(browser.sentences())
        assert browser.state["progress"] == 0
        await browser.filled()

    browser = Browser(monkeypatch, act)
    assert seen == [[None, "second, depth 2, beside 1", None, None, None]]
    assert browser.sentences() == [f"second, depth {depth}, beside 5" for depth in DEPTHS]
    order = [m["content"]["index"] for m in browser.messages if m["method"] == "custom"]
    assert order == [1, 0, 2, 3, 4]


def test_a_page_turned_while_the_others_are_computed_is_drawn_with_what_is_known(monkeypatch):
    monkeypatch.setitem(globals(), "explorer", compared)

    async def act(browser):
        browser.choose(1)
        browser.widget.set_state({"position": [4]})
        await browser.frames_there(2)
        assert browser.sentences()[4] == "second, depth 5, beside 3"  # 1 came in between
        await browser.filled()

    browser = Browser(monkeypatch, act)
    assert browser.sentences() == [f"second, depth {depth}, beside 5" for depth in DEPTHS]


def test_the_first_state_shows_the_others_in_every_frame(monkeypatch):
    assert [frame["sentence"] for frame in compared().frames] == [
        f"first, depth {depth}, beside 5" for depth in DEPTHS
    ]
