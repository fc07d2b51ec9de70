"""Explorers and questions on a plain page, without JupyterLab: for tests and for pictures.

    python tests/widget_page.py                  pictures of every explorer, in shots/
    python tests/widget_page.py explore_claims   of those whose name begins so

Each is taken on a light page, on a dark one, and on one of 390 px, to be looked at.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyterlab_page import chromium
from playwright.sync_api import Browser, Page
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "shots"
PHONE = 390
# JupyterLab's own colours, by theme; its prompt and margins leave 42 px of a phone unused.
THEMES = {
    True: "--jp-layout-color0: white; --jp-layout-color1: white; --jp-layout-color2: #eee; "
    "--jp-ui-font-color1: rgba(0,0,0,.87); --jp-border-color1: #bdbdbd; "
    "--jp-brand-color1: #1976d2;",
    False: "--jp-layout-color0: #111; --jp-layout-color1: #212121; --jp-layout-color2: #424242; "
    "--jp-ui-font-color1: white; --jp-border-color1: #616161; --jp-brand-color1: #2196f3;",
}
PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>body {{ margin: 12px 21px; background: var(--jp-layout-color0); {colors} }} {css}</style>
<body data-jp-theme-light="{light}"><main></main><script type="module">
const widgets = {widgets};
const scripts = {scripts};
for (const [name, state] of Object.entries(widgets)) {{
  const {{ default: widget }} = await import(URL.createObjectURL(
    new Blob([scripts[name]], {{ type: "text/javascript" }})));
  const listeners = {{}};
  const model = {{
    get: (key) => state[key],
    set: (key, value) => {{
      state[key] = value;
      for (const handler of listeners[`change:${{key}}`] ?? []) handler();
    }},
    on: (event, handler) => (listeners[event] ??= []).push(handler),
    off: () => {{}},
    save_changes: () => {{}},
  }};
  const el = document.createElement("div");
  el.id = name;
  el.className = "jupyter-widgets-disconnected";
  document.querySelector("main").append(el);
  widget.initialize?.({{ model }});
  widget.render({{ model, el }});
  (window.states ??= {{}})[name] = state;
}}
document.body.dataset.ready = "yes";
</script>"""


def open_page(
    browser: Browser,
    states: Mapping[str, Mapping[str, Any]],
    light: bool = True,
    width: int = 804,
    touch: bool = False,
) -> Page:
    """A page of widgets that were never run, each in an element of its name as id.

    Args:
        browser: as `chromium` gives it.
        states: of the widgets, as they are stored in a notebook, by name.
        light: whether the page is light, else dark.
        width: of the page, in px.
        touch: whether fingers can touch the page.
    """
    own = {"_esm", "_css", "layout"}
    widgets = {n: {k: v for k, v in s.items() if k not in own} for n, s in states.items()}
    viewport: Any = {"width": width, "height": 900}
    page = browser.new_page(viewport=viewport, device_scale_factor=1.5, has_touch=touch)
    page.set_content(
        PAGE.format(
            css="\n".join({s["_css"]: None for s in states.values()}),
            colors=THEMES[light],
            light=json.dumps(light),
            widgets=_in_script(widgets),
            scripts=_in_script({n: s["_esm"] for n, s in states.items()}),
        )
    )
    page.wait_for_selector("body[data-ready]", state="attached")
    return page


def _in_script(value: Any) -> str:
    return json.dumps(value).replace("</", "<\\/")


def stored(notebook: Path, part: str) -> dict[str, dict[str, Any]]:
    """The states of the widgets in a notebook that have a part: "frames" or "question"."""
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    models = metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    states = [model["state"] for model in models if part in model["state"]]
    return {f"{part}-{number}": state for number, state in enumerate(states)}


def main() -> None:
    from test_explorers_of_the_course import EXPLORERS, TOKENS

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="such as explore_claims; default: all")
    wanted = tuple(parser.parse_args().names) or ("",)
    PICTURES.mkdir(parents=True, exist_ok=True)
    looks = {
        "light": (True, 804),
        "dark": (False, 804),
        "phone": (True, PHONE),
        "phone_dark": (False, PHONE),
    }
    with chromium() as browser:
        makers = {name: f for name, f in (EXPLORERS | TOKENS).items() if name.startswith(wanted)}
        for name, make in tqdm(makers.items(), "explorers"):
            state = make().get_state()
            for look, (light, width) in looks.items():
                page = open_page(browser, {name: state}, light, width)
                page.locator(f"#{name}").screenshot(path=PICTURES / f"{name}_{look}.png")
                page.close()
    print(f"the pictures are in {PICTURES}")


if __name__ == "__main__":
    main()
