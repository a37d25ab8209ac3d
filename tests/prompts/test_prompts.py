import re

import numpy as np
import pytest
from PIL import Image as Pillow

from trackmask.draw import palette
from trackmask.errors import PromptError
from trackmask.prompts import Prompt, parse_box, parse_moment, read_mask

SIZE = (40, 60)  # height, width


@pytest.fixture
def values():
    """Ids 1 and 7, and void between them."""
    result = np.zeros(SIZE, np.uint8)
    result[5:15, 5:20] = 1
    result[5:15, 20:22] = 255
    result[5:15, 22:40] = 7
    return result


def save(path, picture):
    picture.save(path)
    return path


def with_palette(values, colours):
    picture = Pillow.fromarray(values)
    picture.putpalette(np.asarray(colours, np.uint8).tobytes())
    return picture


@pytest.mark.parametrize(
    ("text", "moment"),
    [("45", 45), ("0", 0), ("3.2s", 3.2), ("3s", 3.0), ("00:03.2", 3.2), ("75:10", 4510.0), ("1:02:03.5", 3723.5)],
)
def test_moment(text, moment):
    found = parse_moment(text)
    assert found == pytest.approx(moment)
    assert type(found) is type(moment)


@pytest.mark.parametrize("text", ["", "3.2", "-1", "-1s", "1:60", "1:60:00", "1:2:3:4", "nans", "1e3s", "٣", "²"])
def test_moment_that_is_none(text):
    with pytest.raises(PromptError, match="neither a frame nor a time"):
        parse_moment(text)


def test_box():
    assert parse_box("1,2.5, 30 ,40") == (1, 2.5, 30, 40)
    assert parse_box("-5,-6,30,40") == (-5, -6, 30, 40)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1;2;3;4"])
def test_box_that_is_none(text):
    with pytest.raises(PromptError, match="is not a box"):
        parse_box(text)


@pytest.mark.parametrize("text", ["1,2,0,4", "1,2,3,-4", "1,2,nan,4", "inf,2,3,4"])
def test_box_without_area(text):
    with pytest.raises(PromptError, match="has no area"):
        parse_box(text)


def test_one_object_in_black_and_white(tmp_path, values):
    wanted = values == 1
    white = Pillow.fromarray(np.where(wanted, 255, 0).astype(np.uint8))
    inverted = with_palette(np.where(wanted, 0, 1).astype(np.uint8), [(255, 255, 255), (0, 0, 0)])
    pictures = {
        "grey": white,
        "bit": white.convert("1"),
        "rgb": white.convert("RGB"),
        "rgba": white.convert("RGBA"),
        "inverted": inverted,
        "ones": Pillow.fromarray(wanted.astype(np.uint8)),
    }
    for name, picture in pictures.items():
        masks = read_mask(save(tmp_path / f"{name}.png", picture))
        assert list(masks) == [1], name
        assert masks[1].dtype == bool
        np.testing.assert_array_equal(masks[1], wanted)


@pytest.mark.parametrize("kind", ["grey", "palette"])
def test_several_objects_beside_void(tmp_path, values, kind):
    picture = Pillow.fromarray(values) if kind == "grey" else with_palette(values, palette())
    masks = read_mask(save(tmp_path / "m.png", picture))
    assert list(masks) == [1, 7]
    for object_id, mask in masks.items():
        np.testing.assert_array_equal(mask, values == object_id)


def test_palette_with_transparency_reads_without_a_warning(tmp_path, values):
    path = tmp_path / "m.png"
    with_palette(values, palette()).save(path, transparency=bytes([0, 128, 255]))
    assert list(read_mask(path)) == [1, 7]


def refused(path, words):
    with pytest.raises(PromptError, match=re.escape(words)) as caught:
        read_mask(path)
    assert "\n" not in str(caught.value)


def test_pictures_are_no_masks(tmp_path, values):
    noise = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    refused(save(tmp_path / "colour.png", Pillow.fromarray(noise)), "colour.png is a colour picture")
    blue = np.dstack([np.zeros((*SIZE, 2), np.uint8), values])
    refused(save(tmp_path / "blue.png", Pillow.fromarray(blue)), "blue.png is a colour picture")
    clear = np.dstack([np.full((*SIZE, 3), 255, np.uint8), values])
    refused(save(tmp_path / "clear.png", Pillow.fromarray(clear)), "clear.png is partly transparent")
    refused(save(tmp_path / "mask.jpg", Pillow.fromarray(values)), "mask.jpg is a JPEG")
    deep = Pillow.fromarray(values.astype(np.uint16) * 257)
    refused(save(tmp_path / "deep.png", deep), "deep.png is an image of the kind I;16")


def test_files_without_a_mask(tmp_path, values):
    refused(tmp_path / "none.png", "there is no file")
    (tmp_path / "text.png").write_text("hello")
    refused(tmp_path / "text.png", "is not an image")
    whole = save(tmp_path / "whole.png", Pillow.fromarray(values)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.png", "cannot be read as an image")
    refused(tmp_path, "is a folder; give one image")
    refused(save(tmp_path / "black.png", Pillow.fromarray(values * 0)), "black.png is empty")


def test_json_has_the_prompt_as_given_and_no_path():
    mask = np.ones(SIZE, bool)
    assert Prompt(2, 5, mask=mask, source="/some/where/m.png").as_json() == {"object": 2, "frame": 5, "mask": "m.png"}
    assert Prompt(2, 5, mask=mask).as_json()["mask"] is None
    entry = Prompt(1, 0, box=(1.0, 2.5, 3, 4), positive=((5, 6.5),)).as_json()
    assert entry == {"object": 1, "frame": 0, "box": [1, 2.5, 3, 4], "positive": [[5, 6.5]]}
    assert type(entry["box"][0]) is int
