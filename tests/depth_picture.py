"""docs/depth.webp: the explorer of chapter 06, recorded while arrow keys move its slider from 1
sub-layer to 1,000; and docs/depth.png, its last picture, for whoever wants none that moves.

python tests/depth_picture.py
"""

import io
from collections.abc import Iterator

from jupyterlab_page import chromium
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page
from tqdm import tqdm
from widget_page import ROOT, open_page, stored

CHAPTER = ROOT / "notebooks" / "06_gradient_flow.ipynb"
MOVING, STILL = ROOT / "docs" / "depth.webp", ROOT / "docs" / "depth.png"
WIDTH, HEIGHT = 800, 1000  # px of the page, about as wide as a README
STEP, REST = 350, 3000  # ms that a picture stands, and the last one
ROUNDS = 3


def record(browser: Browser) -> Iterator[Image.Image]:
    """What is seen at each place of the slider."""
    state = stored(CHAPTER, "frames")["frames-0"]
    places = len(state["frames"])
    page = open_page(browser, {"explorer": state}, width=WIDTH)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    slider = page.locator('#explorer input[type="range"]')
    slider.focus()
    page.keyboard.press("Home")
    for place in tqdm(range(places), "pictures"):
        if place:
            page.keyboard.press("ArrowRight")
        page.wait_for_function("n => document.activeElement.value === String(n)", arg=place)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        shot = page.screenshot(animations="disabled", clip=seen(page))
        yield Image.open(io.BytesIO(shot)).convert("RGB")
    page.close()


def seen(page: Page) -> FloatRect:
    """The explorer down to its sentence; below it a stored one says that it was not run."""
    box = page.locator("#explorer .normlab-box").bounding_box()
    below = page.locator("#explorer details").first.bounding_box()
    assert box
    assert below
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": below["y"] - box["y"]}


def main() -> None:
    with chromium() as browser:
        first, *others = record(browser)
    durations = [STEP] * len(others) + [REST]
    first.save(
        MOVING, save_all=True, append_images=others, duration=durations, loop=ROUNDS, quality=80,
        method=6, minimize_size=True,
    )  # fmt: skip
    others[-1].quantize(64).save(STILL, optimize=True)
    for path in (MOVING, STILL):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {first.size[0]} × {first.size[1]} px")


if __name__ == "__main__":
    main()
