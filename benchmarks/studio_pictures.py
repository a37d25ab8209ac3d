"""The pictures of docs/studio.md and of the README: the studio in use, on the clips in samples/.

python benchmarks/studio_pictures.py        # needs Chromium, and pip install playwright
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # what drives the page in tests drives it here

import browser  # noqa: E402
from studio_page import Desk, studio  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

DOCS = ROOT / "docs"
WINDOW = {"width": 1280, "height": 720}
QUALITY = 82  # of JPEG: the largest picture then has some 100 KB
CAT, HEAD = ((20, 119), (158, 223)), ((170, 0), (280, 110))  # boxes in the first frame of samples/cat.mp4


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clips"
        (folder / "day 1").mkdir(parents=True)
        shutil.copy(ROOT / "samples/cat.mp4", folder / "day 1/cat.mp4")
        shutil.copy(ROOT / "samples/bunny.mp4", folder / "bunny.mp4")
        with studio(folder) as running, browser.page() as page:
            page.set_viewport_size(WINDOW)
            page.set_default_timeout(60000)
            page.goto(running.link)
            work(page)
            shoot(page, "studio")
            page.locator("#timeline").screenshot(path=DOCS / "studio-timeline.jpg", type="jpeg", quality=QUALITY)
            page.emulate_media(color_scheme="dark")
            page.keyboard.press("?")
            shoot(page, "studio-keys")
            page.keyboard.press("Escape")
            page.click("#home")
            page.wait_for_selector(".card")
            page.set_viewport_size({"width": 1280, "height": 420})
            shoot(page, "studio-clips")


def work(page: "Page") -> None:
    """Two objects, tracked; then a correction of the first one, whose neighbours are out of date."""
    page.click(".card:has-text('cat.mp4')")
    desk = Desk(page, (360, 480))
    desk.wait_shown()
    for object_id, name, box in ((1, "cat", CAT), (2, "face", HEAD)):
        desk.press("o")
        desk.drag(*box)
        page.wait_for_selector(f".object[data-id='{object_id}']")
        page.wait_for_timeout(500)
        desk.press("F2")
        page.keyboard.type(name)
        desk.press("Enter")
        page.wait_for_selector(f".object:has-text('{name}')")
    desk.press("t")
    desk.wait_text("#track-plan", "up to date")
    desk.go(24)
    desk.press("ArrowUp")
    desk.click(*middle_of(page))
    desk.wait_text("#track-plan", "again")
    page.mouse.move(640, 10)
    page.wait_for_timeout(1500)


def middle_of(page: "Page") -> tuple[float, float]:
    """A place on the cat in frame 24, from the truth beside it."""
    import numpy as np
    from PIL import Image

    ys, xs = np.nonzero(np.asarray(Image.open(ROOT / "samples/cat.truth/00024.png")))
    return float(xs.mean()), float(ys.mean())


def shoot(page: "Page", name: str) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=DOCS / f"{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
