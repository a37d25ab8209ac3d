"""A window to draw boxes and clicks on a frame, for `trackmask run --interactive`."""

import os
import subprocess
import sys

import cv2
import numpy as np

from trackmask.data import Image
from trackmask.draw import palette
from trackmask.errors import PromptError

TITLE = "trackmask"
HELP = (
    "drag: box",
    "click: on the object",
    "right click: beside it",
    "n: next object",
    "backspace: undo",
    "enter: track",
    "esc: give up",
)
NO_SCREEN = "there is no screen to draw on; say --box X,Y,W,H or --point X,Y, or give a --mask"
TRIAL = "import cv2; cv2.namedWindow('trackmask')"
ROOM = (1280, 720)  # of the screen, pixels: width and height that the picture may fill
LARGEST = 3.0  # times its size a small picture is shown at most
DRAGGED = 6  # pixels of the screen: a shorter way is a click
LINE = 22  # pixels: a line of the help
WHITE, DARK, FONT = (255, 255, 255), (40, 40, 40), cv2.FONT_HERSHEY_SIMPLEX
ENTER, ESCAPE, BACKSPACE = (10, 13), 27, (8, 127)


class Picker:
    """What was drawn so far, as the options of the command line that mean the same.

    The mouse is where the screen shows the frame, enlarged or reduced; marks are kept in pixels of the frame.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        """`size`: (height, width) of the frame."""
        self.size = size
        self.scale = min(ROOM[0] / size[1], ROOM[1] / size[0], LARGEST)
        self.marks: list[tuple[int, str, tuple[int, ...]]] = []  # object, kind, numbers
        self.current = 1
        self.corner: tuple[int, int] | None = None  # where a drag began, on the screen
        self.end = (0, 0)

    def mouse(self, event: int, x: int, y: int, _flags: int = 0, _data: object = None) -> None:
        """OpenCV's mouse callback."""
        if event == cv2.EVENT_LBUTTONDOWN and self._inside(x, y):
            self.corner = self.end = (x, y)
        elif event == cv2.EVENT_MOUSEMOVE and self.corner:
            self.end = (x, y)
        elif event == cv2.EVENT_LBUTTONUP and self.corner:
            begin, self.corner = self.corner, None
            if max(abs(x - begin[0]), abs(y - begin[1])) < DRAGGED:
                self.marks.append((self.current, "point", self._place(*begin)))
                return
            (left, right), (top, bottom) = map(sorted, zip(self._place(*begin), self._place(x, y), strict=True))
            box = (left, top, max(right - left, 1), max(bottom - top, 1))
            self.marks = [m for m in self.marks if m[:2] != (self.current, "box")]  # an object has one box
            self.marks.append((self.current, "box", box))
        elif event == cv2.EVENT_RBUTTONDOWN and self._inside(x, y):
            self.marks.append((self.current, "negative", self._place(x, y)))

    def key(self, code: int) -> bool:
        """True where the drawing is done. Raises KeyboardInterrupt where it is given up."""
        if code == ESCAPE:
            raise KeyboardInterrupt
        if code == ord("n") and any(mark[0] == self.current for mark in self.marks):
            self.current += 1
        elif code in BACKSPACE and self.marks:
            self.current = self.marks.pop()[0]
        return code in ENTER and bool(self.marks)

    def order(self) -> list[tuple[str, str]]:
        """The options, in their order, for `cli.prompts.read`."""
        result: list[tuple[str, str]] = []
        for number in sorted({mark[0] for mark in self.marks}):
            result.append(("object", f"object {number}"))
            result += [(kind, ",".join(map(str, values))) for own, kind, values in self.marks if own == number]
        return result

    def shown(self, image: np.ndarray) -> np.ndarray:
        """The frame (H, W, 3) as large as it is shown; `draw` takes it."""
        size = round(self.size[1] * self.scale), round(self.size[0] * self.scale)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR)

    def draw(self, shown: np.ndarray) -> np.ndarray:
        """The shown frame, BGR, with what was drawn, and the help below it."""
        picture = shown.copy()
        for number, kind, values in self.marks:
            colour = palette()[number][::-1].tolist()
            x, y, *sides = (round(value * self.scale) for value in values)
            if kind == "box":
                for line, width in ((WHITE, 4), (colour, 2)):
                    cv2.rectangle(picture, (x, y), (x + sides[0], y + sides[1]), line, width)
            else:
                draw_click(picture, x, y, colour, plus=kind == "point")
        if self.corner:
            cv2.rectangle(picture, self.corner, self.end, WHITE, 1)
        return np.concatenate((picture, help_bar(picture.shape[1], (f"object {self.current}", *HELP))))

    def _inside(self, x: int, y: int) -> bool:
        return 0 <= x < self.size[1] * self.scale and 0 <= y < self.size[0] * self.scale

    def _place(self, x: int, y: int) -> tuple[int, int]:
        """Of the screen → of the frame, inside of it wherever the mouse went."""
        height, width = self.size
        return min(max(int(x / self.scale), 0), width - 1), min(max(int(y / self.scale), 0), height - 1)


def draw_click(picture: np.ndarray, x: int, y: int, colour: list[int], *, plus: bool) -> None:
    """A disc with a plus or a minus in it."""
    cv2.circle(picture, (x, y), 9, WHITE, -1, cv2.LINE_AA)
    cv2.circle(picture, (x, y), 8, colour, -1, cv2.LINE_AA)
    cv2.line(picture, (x - 4, y), (x + 4, y), WHITE, 2)
    if plus:
        cv2.line(picture, (x, y - 4), (x, y + 4), WHITE, 2)


def help_bar(width: int, words: tuple[str, ...]) -> np.ndarray:
    """(h, width, 3) uint8: the words, on as many lines as they need."""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]}    {word}".strip()
        fits = cv2.getTextSize(longer, FONT, 0.5, 1)[0][0] <= width - 16
        lines = [*lines[:-1], longer] if fits or not lines[-1] else [*lines, word]
    bar = np.full((LINE * len(lines) + 8, width, 3), DARK, np.uint8)
    for number, line in enumerate(lines, 1):
        cv2.putText(bar, line, (8, LINE * number - 3), FONT, 0.5, WHITE, 1, cv2.LINE_AA)
    return bar


def pick(image: Image) -> list[tuple[str, str]]:
    """Let the user draw on a frame, (H, W, 3) uint8 RGB. Raises PromptError where there is no screen."""
    check_screen()
    picker = Picker(image.shape[:2])
    shown = picker.shown(np.ascontiguousarray(image[..., ::-1]))
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # it misses fonts that the window doesn't need
    # Without the toolbar of OpenCV's Qt window, and without the menu that it opens on a right click.
    cv2.namedWindow(TITLE, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    try:
        cv2.setMouseCallback(TITLE, picker.mouse)
        while True:
            cv2.imshow(TITLE, picker.draw(shown))
            if picker.key(cv2.waitKey(30) & 0xFF):
                return picker.order()
            if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                raise KeyboardInterrupt
    finally:
        cv2.destroyAllWindows()


def check_screen() -> None:
    """Raises PromptError where no window can be opened: no screen, one out of reach, or an OpenCV without windows.

    Tried in another process, since OpenCV ends its own where it fails.
    """
    bare = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if bare or subprocess.run([sys.executable, "-c", TRIAL], capture_output=True, check=False).returncode:
        raise PromptError(NO_SCREEN)
