"""Widgets in a page: their changes go to the page, and those of the page come back.

ipywidgets asks for IPython, of which a page needs no more than `display`; so three small modules
stand for it. A widget's comm sends to the page what Jupyter's would send to the browser.
"""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_widgets: dict[str, Any] = {}
_names: dict[str, str] = {}
"""The widgets that are kept by their names, and their names by the ids of their comms."""


def stand_for_ipython(display: Callable[..., None]) -> None:
    """Make `IPython` what a page has of it."""
    top, shown, core, shell = (
        ModuleType(f"IPython{end}") for end in ("", ".display", ".core", ".core.interactiveshell")
    )
    names: list[tuple[ModuleType, str, Any]] = [
        (top, "version_info", (9, 0)),  # matplotlib asks for it
        (top, "get_ipython", lambda: None),
        (top, "display", shown),
        (top, "core", core),
        (core, "interactiveshell", shell),
        (shown, "display", display),
        (shown, "clear_output", lambda wait=False: None),
        (shell, "InteractiveShell", type("InteractiveShell", (), {})),
    ]
    for module, name, value in names:
        setattr(module, name, value)
    sys.modules.update({module.__name__: module for module in (top, shown, core, shell)})


def connect(send: Callable[..., None]) -> None:
    """From now on the widgets that are made send their changes by `send("widget", …)`."""
    if importlib.util.find_spec("comm") is None:
        return  # it is loaded with the first widget
    import comm
    from comm.base_comm import BaseComm

    class PageComm(BaseComm):
        def publish_msg(self, msg_type: str, data: Any = None, *rest: Any, **more: Any) -> None:
            if msg_type == "comm_msg" and self.comm_id in _names:
                send("widget", widget=_names[self.comm_id], data=data)

    comm.create_comm = PageComm


def has_settings(value: Any) -> bool:
    """Whether a value is an explorer that asks Python when a setting changes."""
    return any(control["role"] == "setting" for control in getattr(value, "controls", ()))


def keep(name: str, widget: Any) -> None:
    """Keep a widget, which its page knows by `name`."""
    _widgets[name] = widget
    _names[widget.model_id] = name


def set_state(name: str, state: dict[str, Any]) -> None:
    """Set traits of a widget, as its page has them.

    Raises:
        KeyError: if none of that name is kept.
    """
    _widgets[name].set_state(state)
