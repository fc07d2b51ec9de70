"""What the worker calls in Python: it runs cells, checks answers, gives hints, answers explorers.

All that it says goes to the page as texts of JSON, through the function that `start` is given:
`{"kind": "stream", "text": …}`, `{"kind": "data", "data": {MIME type: …}}`, `{"kind": "error",
"text": …}` and `{"kind": "widget", "widget": …, "data": …}`.
"""

import ast
import io
import json
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

from docs.site.python import page_widgets
from docs.site.python.page_outputs import Printed, forms_of, placed, told, with_buttons

Post = Callable[[str], None]


class Page:
    """One page's Python.

    Args:
        post: sends a text of JSON to the page.
        loadable: the modules that the worker can load when a cell asks for them.
    """

    def __init__(self, post: Post, loadable: Iterable[str] = ()) -> None:
        from normlab.checks.shell import no_input

        self._post, self._loadable = post, frozenset(loadable)
        given = {"__name__": "__main__", "display": self.display, "input": no_input}
        self._namespace: dict[str, Any] = given
        self._printed = Printed(lambda text: self.send("stream", text=text))
        page_widgets.stand_for_ipython(self.display)

    def send(self, kind: str, **content: Any) -> None:
        self._post(json.dumps({"kind": kind, **content}))

    def run(self, name: str, source: str) -> str:
        """Run a cell as a notebook does, and send what it shows.

        Returns:
            The JSON of `{"ok": …, "without": […], "missing": …}`: whether it ran to its end, what
            it used that is not there, and the module to load before it is run again, "" if there
            is none.
        """
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        without: list[str] = []

        def run_cell() -> None:
            value = self._evaluate(name, source, self._namespace, without)
            if value is not None and not source.rstrip().endswith(";"):
                self.display(value)
            self._show_figures()
            without.extend(stand_ins(source, self._namespace))

        return self._attempt(name, run_cell, without)

    def answer(self, name: str, call: str) -> str:
        """Make the widget of a call, so that this Python answers for it.

        Args:
            name: by which the page knows the widget.
            call: the code that makes it, with its imports.

        Returns:
            As `run`.
        """

        def make() -> None:
            page_widgets.keep(name, self._evaluate(name, call, {}, []))

        return self._attempt(name, make, [])

    def set_widget(self, name: str, state: str) -> None:
        """Set traits of a widget that `answer` has made, as its page has them."""
        page_widgets.set_state(name, json.loads(state))

    def check(self, file: str, notebook: str, function: str) -> str:
        """The diagnosis of an answer, the last cell of a notebook, as JSON.

        It is that of `normlab check`, but for how a line of the answer's cell is named.
        """
        from normlab.study.files import answer_in

        path = Path(file)
        path.write_text(notebook, encoding="utf-8")
        diagnosis, note = answer_in(path, function)
        said = {"text": str(diagnosis), "rows": with_buttons(diagnosis.rows()), "note": note}
        code = [c for c in json.loads(notebook)["cells"] if c["cell_type"] == "code"]
        name, source = f"{file}, code cell {len(code)}", "".join(code[-1]["source"])
        return json.dumps(placed({**diagnosis.as_json(), **said}, name, function, source))

    def hint(self, function: str) -> str:
        """The rows of the next hint, as JSON."""
        from normlab import hint

        named = FunctionType((lambda: None).__code__, {}, function)
        given = hint(named)
        return json.dumps({"rows": [("hint", given)] if isinstance(given, str) else given.rows()})

    def display(self, value: Any, raw: bool = False) -> None:
        """Show a value in its richest form, or with `raw` a bundle of forms by MIME type."""
        self._printed.flush()
        if hasattr(value, "_ipython_display_") and not raw:
            value._ipython_display_()
            return
        settings = {"settings": True} if page_widgets.has_settings(value) else {}
        self.send("data", data=forms_of(value, raw), **settings)

    def _attempt(self, name: str, act: Callable[[], None], without: list[str]) -> str:
        """Do something of which an error is shown, and a module that can be loaded is named."""
        page_widgets.connect(self.send)
        sys.stdout, sys.stderr = self._printed, self._printed
        error = None
        try:
            act()
        except BaseException as raised:
            error = raised
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            self._printed.end()
        missing = self._can_load(error) if isinstance(error, ModuleNotFoundError) else ""
        if error and not missing:
            self.send("error", text=told(error, name))
        return json.dumps({"ok": error is None, "without": without, "missing": missing})

    def _can_load(self, error: ModuleNotFoundError) -> str:
        """The module that is not there, if the worker can load it: no part of one that is there."""
        module = (error.name or "").partition(".")[0]
        return module if module in self._loadable and module not in sys.modules else ""

    def _evaluate(
        self, name: str, source: str, namespace: dict[str, Any], without: list[str]
    ) -> Any:
        """Run code; the value of the expression that it ends with, None if it ends otherwise."""
        from normlab.checks.absent import apart

        *before, last = ast.parse(source, name).body or [ast.Pass()]
        shown = last.value if isinstance(last, ast.Expr) else None
        for whole in before if shown else [*before, last]:
            for node in apart(whole):
                self._execute(node, name, namespace, without)
        return eval(compile(ast.Expression(shown), name, "eval"), namespace) if shown else None

    def _execute(
        self, node: ast.stmt, name: str, namespace: dict[str, Any], without: list[str]
    ) -> None:
        """Run a statement; where an import is of what no page has, something stands for it."""
        from normlab.checks.absent import absent

        try:
            exec(compile(ast.Module([node], []), name, "exec"), namespace)
        except ModuleNotFoundError as error:
            if not isinstance(node, ast.Import | ast.ImportFrom) or self._can_load(error):
                raise
            namespace.update(absent(node, error)[1])
            without.append(error.name or "")

    def _show_figures(self) -> None:
        """Show the figures that a cell has left open, as Jupyter does, and close them."""
        plt = sys.modules.get("matplotlib.pyplot")
        if plt is None:
            return
        from normlab.pictures.told import figure_in_words

        for number in plt.get_fignums():
            figure, png = plt.figure(number), io.BytesIO()
            figure.savefig(png, format="png", dpi=144, bbox_inches="tight")
            words = figure_in_words(figure)
            self.display({"image/png": png.getvalue(), "text/plain": words}, raw=True)
        plt.close("all")


def stand_ins(source: str, namespace: Mapping[str, Any]) -> list[str]:
    """The names that code reads, itself or in functions that it calls, and that stand for something
    that is not there."""
    from normlab.checks.absent import Absent

    names = [n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)]
    found, seen = [], set()
    while names:
        name = names.pop()
        value = namespace.get(name)
        if name not in seen and isinstance(value, FunctionType):
            names.extend(value.__code__.co_names)
        elif name not in seen and type(value) is Absent:
            found.append(name)
        seen.add(name)
    return found


def start(post: Post, loadable: Iterable[str]) -> Page:
    """Make this Python that of a page: without threads, and with pictures that need no window."""
    os.environ.setdefault("MPLBACKEND", "agg")
    import tqdm

    tqdm.tqdm.monitor_interval = 0
    return Page(post, loadable)
