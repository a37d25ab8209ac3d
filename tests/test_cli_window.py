"""What is drawn in the window means the same as the options: events are fed in, no screen is needed."""

import cv2
import numpy as np
import pytest

from trackmask.cli.prompts import read
from trackmask.cli.window import Picker


def drag(picker: Picker, x: int, y: int, to_x: int, to_y: int) -> None:
    picker.mouse(cv2.EVENT_LBUTTONDOWN, x, y)
    picker.mouse(cv2.EVENT_MOUSEMOVE, to_x, to_y)
    picker.mouse(cv2.EVENT_LBUTTONUP, to_x, to_y)


def test_drags_are_boxes_and_clicks_are_points() -> None:
    picker = Picker()
    drag(picker, 50, 60, 10, 20)
    picker.mouse(cv2.EVENT_RBUTTONDOWN, 5, 6)
    assert not picker.key(ord("n"))
    drag(picker, 90, 80, 91, 80)
    assert picker.order() == [
        ("object", "object 1"),
        ("box", "10,20,40,40"),
        ("negative", "5,6"),
        ("object", "object 2"),
        ("point", "91,80"),
    ]
    prompts, names = read(picker.order())
    assert [(p.object_id, p.box, p.positive, p.negative) for p in prompts] == [
        (1, (10, 20, 40, 40), (), ((5, 6),)),
        (2, None, ((91, 80),), ()),
    ]
    assert names == {1: "object 1", 2: "object 2"}


def test_an_object_has_one_box_and_backspace_takes_back() -> None:
    picker = Picker()
    drag(picker, 0, 0, 30, 30)
    drag(picker, 10, 10, 50, 50)
    assert picker.order()[1:] == [("box", "10,10,40,40")]
    picker.key(ord("n"))
    drag(picker, 60, 60, 60, 60)
    picker.key(8)
    picker.key(8)
    assert picker.order() == []
    assert not picker.key(13)


def test_enter_ends_and_escape_gives_up() -> None:
    picker = Picker()
    drag(picker, 0, 0, 30, 30)
    assert picker.key(13)
    with pytest.raises(KeyboardInterrupt):
        picker.key(27)


def test_what_was_drawn_is_seen() -> None:
    picker, frame = Picker(), np.zeros((100, 200, 3), np.uint8)
    drag(picker, 20, 20, 60, 60)
    picture = picker.draw(frame)
    assert picture[20, 40].any()
    assert not picture[40, 40].any()
    assert not frame.any()
