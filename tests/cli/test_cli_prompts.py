"""Which option belongs to which object."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trackmask.cli.prompts import read, split
from trackmask.errors import PromptError


def save(path: Path, *ids: int) -> str:
    values = np.zeros((10, 20), np.uint8)
    for column, id_ in enumerate(ids):
        values[2:5, 3 * column : 3 * column + 2] = id_
    Image.fromarray(values).save(path)
    return str(path)


def test_boxes_and_masks_are_objects_of_their_own_and_clicks_are_one(tmp_path: Path) -> None:
    mask = save(tmp_path / "m.png", 255)
    prompts, names = read(
        [
            ("box", "1,2,3,4"),
            ("point", "5,6"),
            ("box", "7,8,9,1@4"),
            ("negative", "7,7"),
            ("mask", mask),
            ("point", "8,8"),
        ]
    )
    said = [(p.object_id, p.frame, p.box, p.positive, p.negative, p.mask is not None) for p in prompts]
    assert len({entry[0] for entry in said}) == 4
    assert [entry[1:] for entry in said] == [
        (None, (1, 2, 3, 4), (), (), False),
        (None, None, ((5, 6), (8, 8)), ((7, 7),), False),
        (4, (7, 8, 9, 1), (), (), False),
        (None, None, (), (), True),
    ]
    assert names == {}


def test_an_object_gathers_what_comes_after_it() -> None:
    prompts, names = read(
        [
            ("object", "dog"),
            ("box", "1,2,3,4"),
            ("point", "2,3@3.5s"),
            ("object", "cat"),
            ("point", "5,6@7"),
            ("negative", "1,1@7"),
        ]
    )
    assert [(p.object_id, p.frame) for p in prompts] == [(1, None), (1, 3.5), (2, 7)]
    assert prompts[2].negative == ((1, 1),)
    assert names == {1: "dog", 2: "cat"}


def test_ids_of_a_mask_are_kept_and_nobody_else_gets_them(tmp_path: Path) -> None:
    mask = save(tmp_path / "m.png", 1, 3)
    prompts, _ = read([("box", "1,2,3,4"), ("mask", mask), ("box", "5,5,5,5")])
    assert [p.object_id for p in prompts] == [2, 1, 3, 4]


def test_the_file_s_own_at_is_no_moment(tmp_path: Path) -> None:
    assert split("a@b.png", is_file=True) == ("a@b.png", None)
    assert split("a@b.png@12", is_file=True) == ("a@b.png", 12)
    assert split("a.png@00:03.2", is_file=True) == ("a.png", 3.2)
    assert split("1,2@3s", is_file=False) == ("1,2", 3.0)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ([("object", "a"), ("object", "a")], "twice"),
        ([("object", "a")], "no prompt"),
        ([("negative", "1,1")], "need one on it"),
        ([("object", "a"), ("box", "1,1,2,2"), ("box", "2,2,3,3")], "two boxes"),
        ([("point", "1")], "not a point"),
        ([("box", "1,2,3,4@soon")], "neither a frame nor a time"),
        ([("box", "1,2,3,4")] * 256, "more than 255"),
    ],
)
def test_contradictions_are_said(order: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(PromptError, match=says):
        read(order)


def test_a_mask_of_several_objects_is_not_one_object(tmp_path: Path) -> None:
    mask = save(tmp_path / "m.png", 1, 3)
    with pytest.raises(PromptError, match="2 objects"):
        read([("object", "a"), ("mask", mask)])
