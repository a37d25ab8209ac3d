"""A window to draw boxes and clicks on a frame, for `trackmask run --interactive`."""

import os
import sys

import cv2
import numpy as np

from trackmask.data import Image
from trackmask.draw import palette
from trackmask.errors import PromptError

TITLE = "trackmask"
HELP = "drag: box   click: on the object   right click: beside it   n: next object   backspace: undo   enter: track"
NO_SCREEN = "there is no screen to draw on; say --box X,Y,W,H or --point X,Y, or give a --mask"
DRAGGED = 6  # pixels: a shorter way is a click
ENTER, ESCAPE, BACKSPACE = (10, 13), 27, (8, 127)


class Picker:
    """What was drawn so far, as the options of the command line that mean the same."""

    def __init__(self) -> None:
        self.marks: list[tuple[int, str, tuple[int, ...]]] = []  # object, kind, numbers
        self.current = 1
        self.corner: tuple[int, int] | None = None  # where a drag began
        self.end = (0, 0)

    def mouse(self, event: int, x: int, y: int, _flags: int = 0, _data: object = None) -> None:
        """OpenCV's mouse callback."""
        if event == cv2.EVENT_LBUTTONDOWN:
            self.corner = self.end = (x, y)
        elif event == cv2.EVENT_MOUSEMOVE and self.corner:
            self.end = (x, y)
        elif event == cv2.EVENT_LBUTTONUP and self.corner:
            left, right = sorted((self.corner[0], x))
            top, bottom = sorted((self.corner[1], y))
            self.corner = None
            if max(right - left, bottom - top) >= DRAGGED:
                box = (left, top, max(right - left, 1), max(bottom - top, 1))
                self.marks = [m for m in self.marks if m[:2] != (self.current, "box")]  # an object has one box
                self.marks.append((self.current, "box", box))
            else:
                self.marks.append((self.current, "point", (x, y)))
        elif event == cv2.EVENT_RBUTTONDOWN:
            self.marks.append((self.current, "negative", (x, y)))

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

    def draw(self, image: np.ndarray) -> np.ndarray:
        """The frame (H, W, 3) BGR with what was drawn."""
        picture = image.copy()
        for number, kind, values in self.marks:
            colour = palette()[number][::-1].tolist()
            if kind == "box":
                x, y, w, h = values
                cv2.rectangle(picture, (x, y), (x + w, y + h), colour, 2)
            else:
                cv2.circle(picture, (values[0], values[1]), 5, colour, -1 if kind == "point" else 2)
        if self.corner:
            cv2.rectangle(picture, self.corner, self.end, (255, 255, 255), 1)
        cv2.putText(
            picture, HELP, (8, len(picture) - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA
        )
        return picture


def pick(image: Image) -> list[tuple[str, str]]:
    """Let the user draw on a frame, (H, W, 3) uint8 RGB. Raises PromptError where there is no screen."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise PromptError(NO_SCREEN)  # asked before OpenCV is: without a screen its window ends the whole process
    picker, frame = Picker(), np.ascontiguousarray(image[..., ::-1])
    try:
        cv2.namedWindow(TITLE)
        cv2.setMouseCallback(TITLE, picker.mouse)
        while True:
            cv2.imshow(TITLE, picker.draw(frame))
            if picker.key(cv2.waitKey(30) & 0xFF):
                return picker.order()
            if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                raise KeyboardInterrupt
    except cv2.error as error:  # opencv-python-headless has no windows
        raise PromptError(NO_SCREEN) from error
    finally:
        close()


def close() -> None:
    try:
        cv2.destroyAllWindows()
    except cv2.error:
        return
