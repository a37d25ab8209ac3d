"""What is drawn in the window means the same as the options: events are fed in, no screen is needed."""

import cv2
import numpy as np
import pytest

from trackmask.cli import window
from trackmask.cli.prompts import read
from trackmask.cli.window import ROOM, Picker
from trackmask.errors import PromptError

SIZE = (ROOM[1], ROOM[0])  # of a frame that is shown as it is


def drag(picker: Picker, x: int, y: int, to_x: int, to_y: int) -> None:
    picker.mouse(cv2.EVENT_LBUTTONDOWN, x, y)
    picker.mouse(cv2.EVENT_MOUSEMOVE, to_x, to_y)
    picker.mouse(cv2.EVENT_LBUTTONUP, to_x, to_y)


def test_drags_are_boxes_and_clicks_are_points() -> None:
    picker = Picker(SIZE)
    drag(picker, 50, 60, 10, 20)
    picker.mouse(cv2.EVENT_RBUTTONDOWN, 5, 6)
    assert not picker.key(ord("n"))
    drag(picker, 90, 80, 91, 80)
    assert picker.order() == [
        ("object", "object 1"),
        ("box", "10,20,40,40"),
        ("negative", "5,6"),
        ("object", "object 2"),
        ("point", "90,80"),
    ]
    prompts, names = read(picker.order())
    assert [(p.object_id, p.box, p.positive, p.negative) for p in prompts] == [
        (1, (10, 20, 40, 40), (), ((5, 6),)),
        (2, None, ((90, 80),), ()),
    ]
    assert names == {1: "object 1", 2: "object 2"}


def test_an_object_has_one_box_and_backspace_takes_back() -> None:
    picker = Picker(SIZE)
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
    picker = Picker(SIZE)
    drag(picker, 0, 0, 30, 30)
    assert picker.key(13)
    with pytest.raises(KeyboardInterrupt):
        picker.key(27)


def test_what_was_drawn_is_seen_and_the_help_covers_nothing() -> None:
    picker, frame = Picker((100, 200)), np.zeros((100, 200, 3), np.uint8)
    shown = picker.shown(frame)
    assert shown.shape == (300, 600, 3)  # a small frame is enlarged
    drag(picker, 60, 60, 180, 180)
    picker.mouse(cv2.EVENT_RBUTTONDOWN, 450, 150)
    picture = picker.draw(shown)
    assert picture[60, 120].any()
    assert not picture[120, 120].any()
    assert picture[150, 450].all()
    assert not picture[:300, 500:].any()
    assert picture[300:].all()
    assert not shown.any()
    assert picker.order()[1:] == [("box", "20,20,40,40"), ("negative", "150,50")]


def test_a_large_frame_fits_the_screen_and_marks_are_in_its_own_pixels() -> None:
    picker = Picker((2160, 3840))
    assert picker.shown(np.zeros((2160, 3840, 3), np.uint8)).shape == (720, 1280, 3)
    drag(picker, 100, 100, 2000, 200)
    assert picker.order()[1:] == [("box", "300,300,3539,300")]  # it ended outside, at the frame's edge


def test_the_help_is_no_place_to_click() -> None:
    picker = Picker((100, 200))
    for event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_LBUTTONUP, cv2.EVENT_RBUTTONDOWN):
        picker.mouse(event, 50, 310)
    assert picker.order() == []


def test_all_of_the_help_is_on_the_bar_however_narrow() -> None:
    wide, narrow = (window.help_bar(width, window.HELP) for width in (1280, 200))
    assert wide.shape[0] < narrow.shape[0]
    assert (narrow[:, -1] == window.DARK).all()  # no word runs over the edge


def test_no_screen_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.zeros((10, 10, 3), np.uint8)
    monkeypatch.setattr(window.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(PromptError, match="--box"):
        window.pick(frame)
    monkeypatch.setenv("DISPLAY", ":4242")  # nobody answers there: OpenCV would end this process
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    with pytest.raises(PromptError, match="--box"):
        window.pick(frame)
