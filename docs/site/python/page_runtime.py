"""What the worker calls in Python: it runs cells, checks answers, and gives hints.

All that it says goes to the page as texts of JSON, through the function that `start` is given:
`{"kind": "stream", "text": …}`, `{"kind": "data", "data": {MIME type: …}}`, `{"kind": "error", …}`,
and what `page_widgets` sends of widgets.
"""

import ast
import base64
import io
import json
import linecache
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

import page_widgets

Post = Callable[[str], None]
MOST_PRINTED = 100_000
"""Characters that a cell may print."""
SECONDS_BETWEEN_TEXTS = 0.05
Bundle = dict[str, Any]


class Missing(Exception):
    """A module that the worker can load: `name` is that of its package's import."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class Page:
    """One page's Python.

    Args:
        post: sends a text of JSON to the page.
        loadable: the modules that the worker can load when a cell asks for them.
    """

    def __init__(self, post: Post, loadable: Iterable[str] = ()) -> None:
        self._post, self._loadable = post, frozenset(loadable)
        self._namespace: dict[str, Any] = {"__name__": "__main__", "display": self.display}
        self._printed = Printed(lambda text: self.send("stream", text=text))
        page_widgets.stand_for_ipython(self.display)

    def send(self, kind: str, **content: Any) -> None:
        self._post(json.dumps({"kind": kind, **content}))

    def run(self, name: str, source: str) -> str:
        """Run a cell as a notebook does, and send what it shows.

        Returns:
            The JSON of `{"ok": …, "without": […], "missing": …}`: whether it ran to its end, what it
            imported in vain, and the module to load before it is run again, "" if there is none.
        """
        without: list[str] = []
        page_widgets.connect(self.send)
        sys.stdout, sys.stderr = self._printed, self._printed
        ok, missing = True, ""
        try:
            self._run(name, source, without)
            self._show_figures()
        except Missing as error:
            ok, missing = False, error.name
        except BaseException as error:
            ok = False
            self._printed.flush()
            self.send("error", text=told(error, name))
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            self._printed.end()
        return json.dumps({"ok": ok, "without": without, "missing": missing})

    def _run(self, name: str, source: str, without: list[str]) -> None:
        from normlab.checks.absent import apart

        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        body = ast.parse(source, name).body
        shown = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        for whole in body:
            for node in apart(whole):
                self._execute(node, name, without)
        if isinstance(shown, ast.Expr):
            value = self._guarded(compile(ast.Expression(shown.value), name, "eval"))
            if value is not None and not source.rstrip().endswith(";"):
                self.display(value)

    def _execute(self, node: ast.stmt, name: str, without: list[str]) -> None:
        from normlab.checks.absent import absent

        try:
            self._guarded(compile(ast.Module([node], []), name, "exec"))
        except ModuleNotFoundError as error:
            if not isinstance(node, ast.Import | ast.ImportFrom) or error.name != "torch":
                raise
            self._namespace.update(absent(node, error)[1])
            without.append(error.name)

    def _guarded(self, code: Any) -> Any:
        try:
            return eval(code, self._namespace)
        except ModuleNotFoundError as error:
            module = (error.name or "").partition(".")[0]
            if module in self._loadable:
                raise Missing(module) from None
            raise

    def display(self, value: Any, raw: bool = False) -> None:
        """Show a value in its richest form, or with `raw` a bundle of forms by MIME type."""
        self._printed.flush()
        if hasattr(value, "_ipython_display_") and not raw:
            value._ipython_display_()
            return
        bundle = value if raw else forms_of(value)
        page_widgets.keep(value, bundle)
        plain = {k: base64_of(v) if isinstance(v, bytes) else v for k, v in bundle.items()}
        self.send("data", data=plain)

    def _show_figures(self) -> None:
        """Show the figures that a cell has left open, as Jupyter does, and close them."""
        plt = sys.modules.get("matplotlib.pyplot")
        if plt is None:
            return
        for number in plt.get_fignums():
            png = io.BytesIO()
            plt.figure(number).savefig(png, format="png", dpi=144, bbox_inches="tight")
            self.display({"image/png": png.getvalue()}, raw=True)
        plt.close("all")

    def check(self, file: str, notebook: str, function: str) -> str:
        """The diagnosis of an answer in a notebook, as `normlab check` gives it, as JSON."""
        from normlab.study.files import answer_in

        path = Path(file)
        path.write_text(notebook, encoding="utf-8")
        diagnosis, note = answer_in(path, function)
        said = {"text": str(diagnosis), "rows": diagnosis.rows(), "note": note}
        return json.dumps({**diagnosis.as_json(), **said})

    def hint(self, function: str) -> str:
        """The rows of the next hint, as JSON."""
        from normlab import hint

        named = FunctionType((lambda: None).__code__, {}, function)
        return json.dumps({"rows": hint(named).rows()})

    def set_widget(self, widget: str, state: str) -> None:
        """Set traits of a widget, as its page has them."""
        page_widgets.set_state(widget, json.loads(state))


class Printed(io.TextIOBase):
    """What a cell prints, sent in pieces as it comes."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send, self._text, self._count, self._sent = send, "", 0, 0.0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self._count
        self._count += len(text)
        if room > 0:
            self._text += text[:room] + ("\n…\n" if len(text) > room else "")
            if time.monotonic() - self._sent > SECONDS_BETWEEN_TEXTS:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if self._text:
            text, self._text, self._sent = self._text, "", time.monotonic()
            self._send(text)

    def end(self) -> None:
        """Send the rest; the next cell may print as much again."""
        self.flush()
        self._count = 0


def forms_of(value: Any) -> Bundle:
    """A value by MIME type, as Jupyter asks for it."""
    bundle: Bundle = {}
    if hasattr(value, "_repr_mimebundle_"):
        made = value._repr_mimebundle_()
        bundle |= made[0] if isinstance(made, tuple) else made
    for mime, method in (("text/html", "_repr_html_"), ("image/png", "_repr_png_")):
        if mime not in bundle and hasattr(value, method):
            bundle[mime] = getattr(value, method)()
    return {"text/plain": repr(value), **{k: v for k, v in bundle.items() if v is not None}}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def told(error: BaseException, name: str) -> str:
    """An error as Python tells it, from the cell on."""
    lines = traceback.extract_tb(error.__traceback__)
    first = next((i for i, line in enumerate(lines) if line.filename == name), len(lines))
    own = lines[first:]
    head = ["Traceback (most recent call last):\n", *traceback.format_list(own)] if own else []
    return "".join([*head, *traceback.format_exception_only(error)]).rstrip()


def start(post: Post, loadable: Iterable[str]) -> Page:
    """Make this Python one of a page: no threads, and pictures drawn without a window."""
    os.environ.setdefault("MPLBACKEND", "agg")
    import tqdm

    tqdm.tqdm.monitor_interval = 0
    return Page(post, loadable)
