"""How fast does an explorer answer in JupyterLab, in a real browser without a window?

    .venv/bin/python -m benchmarks.explorer                   every explorer of chapter 01
    .venv/bin/python -m benchmarks.explorer 06 "TITLE" --at 12 96 1,000
                                                              one, at values of its first slider

Runs the chapter, then measures inside the page, by the browser's clock, from the time stamp of
the learner's event:

- key: a press of an arrow key on a page slider; until the picture of the new page is in place,
  and until the browser has painted it, which waits for the next turn of a 60 Hz screen.
- setting: another value of a setting, the settings in turn; until the picture of the same page
  is in place, and until all other frames are there.
- setting, early: the same while the frames of the change before are still being drawn.

With `--at`, each key press lands on the named value from the one beside it, after the slider
was two steps away. Without, the slider runs to and fro over all its values.
"""

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from playwright.sync_api import Locator, expect

from normlab.tools.table import Table
from tests.jupyterlab_page import MINUTES, chromium, jupyterlab, open_chapter, run_all_cells

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
TAP_MS = 150
"""Between two key presses: quick tapping."""

# Resolves to [milliseconds to the new picture, milliseconds to the next painted frame].
WATCH_PICTURE = """(explorer) => {
    let start;
    const options = { capture: true, once: true };
    explorer.addEventListener("keydown", (event) => (start = event.timeStamp), options);
    explorer.took = new Promise((done) => {
        new MutationObserver((changes, observer) => {
            observer.disconnect();
            const there = performance.now() - start;
            requestAnimationFrame(() => {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => done([there, performance.now() - start]);
                port2.postMessage("after painting");
            });
        }).observe(explorer.querySelector(".normlab-picture"), { childList: true });
    });
}"""
# Resolves to [milliseconds to the first new picture]; `filled` adds those to all frames.
WATCH_ANSWER = """(explorer) => {
    let start;
    const options = { capture: true, once: true };
    explorer.addEventListener("input", (event) => (start = event.timeStamp), options);
    const before = explorer.dataset.answered;
    const until = (reached) => new Promise((done) => {
        new MutationObserver((changes, observer) => {
            if (explorer.dataset.answered === before || !reached()) return;
            observer.disconnect();
            done(performance.now() - start);
        }).observe(explorer, { subtree: true, childList: true, attributes: true });
    });
    const busy = () => explorer.getAttribute("aria-busy") === "true";
    const bar = explorer.querySelector("progress");
    const first = until(() => !busy());
    const all = until(() => bar.hidden);
    explorer.took = first.then((took) => [took]);
    explorer.filled = Promise.all([first, all]);
}"""


# A setting is a row of radio buttons, a menu or a slider.
CHOOSE_NEXT = """(setting) => {
    const buttons = [...setting.querySelectorAll("input")];
    const count = buttons.length || setting.options?.length || Number(setting.max) + 1;
    const now = buttons.length ? buttons.findIndex((b) => b.checked) : Number(setting.value);
    const next = (now + 1) % count;
    if (buttons.length) buttons[next].checked = true;
    else setting.value = next;
    (buttons[next] ?? setting).dispatchEvent(new Event("input"));
}"""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def measure(
    explorer: Locator, watch: str, act: Callable[[], object], result: str = "took"
) -> list[float]:
    explorer.evaluate(watch)
    act()
    took: list[float] = explorer.evaluate(f"(explorer) => explorer.{result}")
    explorer.page.wait_for_timeout(TAP_MS)
    return took


def tap(slider: Locator, key: str) -> None:
    slider.press(key)
    slider.page.wait_for_timeout(TAP_MS)


def to_and_fro(explorer: Locator, slider: Locator, presses: int) -> Iterator[list[float]]:
    """Key presses over all values, from the first to the last and back."""
    last = int(slider.get_attribute("max") or 0)
    tap(slider, "Home")
    keys = itertools.cycle(["ArrowRight"] * last + ["ArrowLeft"] * last)
    for key in itertools.islice(keys, presses):
        yield measure(explorer, WATCH_PICTURE, partial(slider.press, key))


def go_to(slider: Locator, value: str) -> None:
    """Move to a value, which the slider may show with more behind it: 12 as "12 (6 layers)"."""
    tap(slider, "Home")
    for _ in range(1 + int(slider.get_attribute("max") or 0)):
        shown = slider.get_attribute("aria-valuetext") or ""
        if shown == value or shown.startswith(f"{value} ("):
            return
        tap(slider, "ArrowRight")
    raise ValueError(f"{value!r} is none of the slider's values.")


def landings(explorer: Locator, slider: Locator, value: str, presses: int) -> Iterator[list[float]]:
    """Key presses that land on `value`, each after the slider was two steps away."""
    go_to(slider, value)
    there = ("ArrowRight", "ArrowLeft")
    back, forth = there if slider.input_value() == "0" else reversed(there)
    for _ in range(presses):
        for key in (back, back, forth):
            tap(slider, key)
        yield measure(explorer, WATCH_PICTURE, partial(slider.press, forth))


def changes(explorer: Locator, times: int, result: str) -> Iterator[list[float]]:
    """Changes of the settings in turn, each to its next value; `result` says what to wait for."""
    settings = explorer.locator("[data-role=setting]").all()
    for setting in itertools.islice(itertools.cycle(settings), times):
        yield measure(explorer, WATCH_ANSWER, partial(setting.evaluate, CHOOSE_NEXT), result)


def row(what: str, at: str, measured: Iterator[list[float]]) -> list[str]:
    columns = list(zip(*measured, strict=True))
    cells = [f"{statistics.median(c):.0f}  {percentile(c, 0.95):.0f}" for c in columns]
    return [what, at, str(len(columns[0])), *cells, *[""] * (2 - len(cells))]


def explorer_rows(explorer: Locator, at: Sequence[str], times: int) -> Iterator[list[str]]:
    """One row for each slider and for the settings, at each value that is asked for."""
    explorer.scroll_into_view_if_needed()
    sliders = explorer.locator("input[type=range][data-role=page]").all()
    for slider in sliders[: 1 if at else None]:
        name = f"key, {slider.get_attribute('aria-label')}"
        if not at:
            yield row(name, "all values", to_and_fro(explorer, slider, times))
        for value in at:
            yield row(name, value, landings(explorer, slider, value, times))
    if explorer.locator("[data-role=setting]").count():
        for value in at or [""]:
            if value:
                go_to(sliders[0], value)
            yield row("setting", value, changes(explorer, times, "filled"))
            yield row("setting, early", value, changes(explorer, times, "took"))


def notebook_of(chapter: str) -> Path:
    """The notebook of a number such as 06, or of a path."""
    found = [*NOTEBOOKS.glob(f"{Path(chapter).name}_*.ipynb"), Path(chapter)]
    if not found[0].is_file():
        raise SystemExit(f"no notebook for {chapter!r}; give a number such as 01, or a path.")
    return found[0].resolve()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("chapter", nargs="?", default="01", help="its number, or a notebook")
    parser.add_argument("title", nargs="?", help="of one explorer; default: all of the chapter")
    parser.add_argument("--at", nargs="*", default=[], help="values of the first page slider")
    parser.add_argument("--times", type=int, default=30, help="events for each row")
    arguments = parser.parse_args()
    notebook = notebook_of(arguments.chapter)
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyterlab([notebook], Path(folder)) as url,
        chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        open_chapter(page, url, notebook.name)
        run_all_cells(page)
        explorers = page.locator(".normlab-explorer")
        expect(explorers.first).to_be_visible(timeout=MINUTES)
        print(f"{notebook.name}, Chromium {browser.version}, milliseconds: median  95th percentile")
        for explorer in explorers.all():
            title = explorer.get_attribute("aria-label")
            if arguments.title in (None, title):
                rows = list(explorer_rows(explorer, arguments.at, arguments.times))
                header = ("", "at", "times", "picture", "painted, or all frames")
                print(f"\n{title}\n{Table(header, rows)}")


if __name__ == "__main__":
    main()
