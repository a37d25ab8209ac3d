"""Prompts from files: what each kind means, and that a stranger's file gives one clear sentence and nothing else."""

import base64
import json
import os
import random
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trackmask.errors import PromptError
from trackmask.prompts import Target, files_behind, read_prompt_file


def written(folder: Path, content: object, name: str = "clip.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def refused(folder: Path, content: object) -> str:
    """The sentence that a wrong file gives."""
    with pytest.raises(PromptError) as caught:
        read_prompt_file(written(folder, content), Target("clip.mp4"))
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "clip.json" in sentence
    return sentence


def png(values: np.ndarray) -> str:
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def lone(**prompt: object) -> dict:
    return {"objects": [{"prompts": [prompt]}]}


# --- our own ---------------------------------------------------------------------------------------------------------


def test_prompts_of_every_kind_at_frames_and_times(tmp_path: Path) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[2:4, 3:5] = 255
    Image.fromarray(mask).save(tmp_path / "cat.png")
    path = written(
        tmp_path,
        {
            "objects": [
                {"name": "cat", "prompts": [{"box": [1, 2, 3, 4]}, {"frame": 9, "mask": "cat.png"}]},
                {"id": 7, "prompts": [{"frame": "00:03.5", "positive": [[4, 5]], "negative": [[0, 0.5]]}]},
            ]
        },
    )
    given = read_prompt_file(path)
    box, masked, clicks = given.prompts
    assert (box.object_id, box.frame, box.box) == (1, None, (1, 2, 3, 4))
    assert (masked.object_id, masked.frame, masked.source) == (1, 9, "cat.png")
    assert masked.mask is not None
    assert np.array_equal(masked.mask, mask > 0)
    assert (clicks.object_id, clicks.frame) == (7, 3.5)
    assert (clicks.positive, clicks.negative) == (((4, 5),), ((0, 0.5),))
    assert given.names == {1: "cat"}
    assert files_behind(path) == [path, tmp_path / "cat.png"]


def test_an_id_given_further_down_is_not_handed_out_before(tmp_path: Path) -> None:
    one = {"prompts": [{"box": [0, 0, 2, 2]}]}
    given = read_prompt_file(written(tmp_path, {"objects": [one, one | {"id": 1}]}))
    assert [prompt.object_id for prompt in given.prompts] == [2, 1]


def test_a_file_for_many_clips(tmp_path: Path) -> None:
    path = written(tmp_path, {"clips": {"day1/a.mp4": lone(box=[1, 1, 2, 2]), "a.mp4": lone(box=[5, 5, 6, 6])}})
    assert read_prompt_file(path, Target("a.mp4", "day1/a.mp4")).prompts[0].box == (1, 1, 2, 2)
    assert read_prompt_file(path, Target("a.mp4", "day2/a.mp4")).prompts[0].box == (5, 5, 6, 6)
    with pytest.raises(PromptError, match=r"no prompt for b\.mp4"):
        read_prompt_file(path, Target("b.mp4"))


@pytest.mark.parametrize(
    ("content", "place", "expected"),
    [
        (lone(box=[1, 2, 3]), "objects[0].prompts[0].box", "[x, y, w, h]"),
        (lone(box=[1, 2, 3, "4"]), "objects[0].prompts[0].box[3]", "number"),
        (lone(box=[1, 2, 0, 4]), "objects[0].prompts[0].box", "above 0"),
        (lone(box=[1, 2, True, 4]), "objects[0].prompts[0].box[2]", "number"),
        (lone(frame=-1, box=[1, 2, 3, 4]), "objects[0].prompts[0].frame", "from 0"),
        (lone(frame="soon", box=[1, 2, 3, 4]), "objects[0].prompts[0].frame", "3.2s"),
        (lone(frame="9" * 150, box=[1, 2, 3, 4]), "objects[0].prompts[0].frame", "can have"),
        (lone(negative=[[1, 2]]), "objects[0].prompts[0]", "positive"),
        (lone(positive=[[1, 2, 3]]), "objects[0].prompts[0].positive[0]", "[x, y]"),
        (lone(boxes=[1, 2, 3, 4]), "objects[0].prompts[0].boxes", "known"),
        (lone(mask="../secret.png"), "objects[0].prompts[0].mask", "beside"),
        (lone(mask="/secret.png"), "objects[0].prompts[0].mask", "beside"),
        (lone(mask="none.png"), "objects[0].prompts[0].mask", "no file"),
        ({"objects": [{"id": 256, "prompts": []}]}, "objects[0].id", "255"),
        ({"objects": [{"prompts": []}]}, "objects[0].prompts", "at least one"),
        ({"objects": [{"name": "a\nb", "prompts": []}]}, "objects[0].name", "printable"),
        ({"objects": {}}, "objects", "a list"),
        ({"objects": []}, "clip.mp4", "no prompt"),
        ([1], "the whole file", "an object"),
        ({}, "'objects'", "LabelMe"),
        ("[" * 100_000, "JSON", "write it again"),
        ('{"objects": [{"prompts": [{"box": [NaN, 1, 1, 1]}]}]}', "box[0]", "number"),
        ('{"objects": [{"prompts": [{"box": [1e999, 1, 1, 1]}]}]}', "box[0]", "number"),
        ('{"objects": [{"id": %s, "prompts": []}]}' % ("9" * 3000), "objects[0].id", "huge"),
        ("\x00\xff", "JSON", "write it again"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: object, place: str, expected: str) -> None:
    sentence = refused(tmp_path, content)
    assert place in sentence
    assert expected in sentence


def test_the_same_name_or_id_twice(tmp_path: Path) -> None:
    one = {"id": 3, "name": "cat", "prompts": [{"box": [0, 0, 2, 2]}]}
    assert "no other object has" in refused(tmp_path, {"objects": [one, one | {"name": "dog"}]})
    assert "no other object" in refused(tmp_path, {"objects": [one, one | {"id": 4}]})
    assert "255 objects" in refused(tmp_path, {"objects": [{"prompts": one["prompts"]}] * 256})
    twice = {"prompts": [{"frame": 1, "box": [0, 0, 2, 2]}, {"frame": 1, "box": [1, 1, 2, 2]}]}
    assert "two boxes" in refused(tmp_path, {"objects": [twice]})


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "beside" not in refused(tmp_path, lone(mask="pipe.png"))


# --- LabelMe ---------------------------------------------------------------------------------------------------------


def shape(label: str, kind: str, points: list, **more: object) -> dict:
    return {"label": label, "shape_type": kind, "points": points, "group_id": None, "flags": {}, **more}


def labelme(*shapes: dict, picture: str = "clip.jpg") -> dict:
    about = {"version": "5.4.1", "imagePath": picture, "imageData": None, "imageHeight": 20, "imageWidth": 30}
    return about | {"shapes": list(shapes)}


def test_labelme_s_shapes(tmp_path: Path) -> None:
    part = np.array([[1, 0], [1, 1], [0, 1]], np.uint8) * 255
    path = written(
        tmp_path,
        labelme(
            shape("cat", "rectangle", [[12, 9], [2, 4]]),
            shape("cat", "point", [[5, 6]]),
            shape("-cat", "point", [[20, 2]]),
            shape("dog", "polygon", [[10, 10], [20, 10], [20, 15], [10, 15]]),
            shape("dog", "mask", [[4, 3], [5, 5]], mask=png(part)),
            picture="..\\frames\\clip-00012.jpg",
        ),
    )
    given = read_prompt_file(path, Target("clip.mp4"))
    cat, dog, other = given.prompts
    assert {prompt.frame for prompt in given.prompts} == {12}
    assert (cat.box, cat.positive, cat.negative) == ((2, 4, 10, 5), ((5, 6),), ((20, 2),))
    whole = np.zeros((20, 30), bool)
    whole[10:15, 10:20] = True
    assert np.array_equal(dog.mask, whole)  # type: ignore[arg-type]
    assert other.mask is not None
    assert np.array_equal(other.mask[3:6, 4:6], part > 0)
    assert other.mask.sum() == 4
    assert given.names == {1: "cat", 2: "dog", 3: "dog 2"}


def test_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    left, right = [[0, 0], [4, 0], [4, 4], [0, 4]], [[10, 0], [14, 0], [14, 4], [10, 4]]
    path = written(
        tmp_path, labelme(shape("bus", "polygon", left, group_id=1), shape("bus", "polygon", right, group_id=1))
    )
    (bus,) = read_prompt_file(path, Target("clip.mp4")).prompts
    assert bus.mask is not None
    assert bus.mask.sum() == 32
    assert bus.frame == 0


def test_labelme_s_faults(tmp_path: Path) -> None:
    assert "shapes[0].shape_type" in refused(tmp_path, labelme(shape("a", "linestrip", [[1, 1], [2, 2]])))
    assert "3 to" in refused(tmp_path, labelme(shape("a", "polygon", [[1, 1], [2, 2]])))
    assert "area" in refused(tmp_path, labelme(shape("a", "rectangle", [[1, 1], [1, 5]])))
    assert "base64" in refused(tmp_path, labelme(shape("a", "mask", [[1, 1], [2, 2]], mask="%%%")))
    huge = labelme(shape("a", "polygon", [[1, 1], [2, 2], [3, 1]])) | {"imageHeight": 16000, "imageWidth": 16000}
    assert "imageHeight" in refused(tmp_path, huge)
    assert "a number of pixels" in refused(tmp_path, labelme(shape("a", "polygon", [[1, 1], [2, 2], [1e300, 1]])))


def test_a_picture_of_another_size_than_the_video_s_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, labelme(shape("a", "polygon", [[1, 1], [9, 9], [1, 9]])))
    with pytest.raises(PromptError, match="30x20 pixels and the video is 60x40"):
        read_prompt_file(path, Target("clip.mp4", size=(40, 60)))


# --- COCO ------------------------------------------------------------------------------------------------------------


def coco(images: list[str], *marks: dict) -> dict:
    listed = [{"id": i, "file_name": name, "height": 20, "width": 30} for i, name in enumerate(images)]
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    return {"images": listed, "annotations": list(marks), "categories": categories}


def test_coco_s_segmentations(tmp_path: Path) -> None:
    square = [2, 1, 6, 1, 6, 4, 2, 4]
    runs = {"size": [20, 30], "counts": [0, 5, 595]}
    path = written(
        tmp_path,
        coco(
            ["00000.jpg", "00025.jpg"],
            {
                "image_id": 0,
                "category_id": 1,
                "bbox": [0, 0, 30, 20],
                "segmentation": [square, [10, 10, 12, 10, 12, 12, 10, 12]],
            },
            {"image_id": 1, "category_id": 1, "bbox": [3, 4, 5, 6]},
            {"image_id": 1, "category_id": 2, "segmentation": runs},
        ),
    )
    given = read_prompt_file(path, Target("clip.mp4"))
    first, again, dog = given.prompts
    assert [(p.object_id, p.frame) for p in given.prompts] == [(1, 0), (1, 25), (2, 25)]
    assert first.mask is not None
    assert first.mask.sum() == 12 + 4
    assert first.mask[1:4, 2:6].all()
    assert again.box == (3, 4, 5, 6)
    assert dog.mask is not None
    assert np.flatnonzero(dog.mask[:, 0]).tolist() == [0, 1, 2, 3, 4]
    assert given.names == {1: "cat", 2: "dog"}


def test_in_one_picture_each_annotation_is_an_object(tmp_path: Path) -> None:
    marks = [{"image_id": 0, "category_id": 1, "bbox": [i, 0, 5, 5]} for i in range(2)]
    assert read_prompt_file(written(tmp_path, coco(["first.jpg"], *marks))).names == {1: "cat", 2: "cat 2"}
    over_two = coco(["1.jpg", "2.jpg"], *marks, {"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]})
    assert "track_id" in refused(tmp_path, over_two)
    for number, mark in enumerate(over_two["annotations"]):
        mark["track_id"] = number % 2 + 10
    given = read_prompt_file(written(tmp_path, over_two))
    assert [(p.object_id, p.frame) for p in given.prompts] == [(1, 1), (2, 1), (1, 2)]


def test_the_pictures_of_many_clips_in_one_file(tmp_path: Path) -> None:
    marks = [{"image_id": i, "category_id": 1, "bbox": [i, 0, 5, 5]} for i in range(3)]
    path = written(tmp_path, coco(["day1/a/00003.jpg", "day2/a/00004.jpg", "b/00005.jpg"], *marks))
    for key, frame in (("day1/a.mp4", 3), ("day2/a", 4), ("deep/b.mov", 5)):
        (prompt,) = read_prompt_file(path, Target(Path(key).name, key)).prompts
        assert prompt.frame == frame


def test_in_a_folder_of_images_the_frame_is_the_place(tmp_path: Path) -> None:
    path = written(tmp_path, coco(["shot/0101.jpg"], {"image_id": 0, "category_id": 1, "bbox": [0, 0, 5, 5]}))
    (prompt,) = read_prompt_file(path, Target("shot", images=("0099.jpg", "0100.jpg", "0101.jpg"))).prompts
    assert prompt.frame == 2


def test_masks_that_no_memory_holds_are_refused_before_they_are_drawn(tmp_path: Path) -> None:
    corners = [0, 0, 9, 0, 9, 9]
    many = coco(["1.jpg"], *({"image_id": 0, "segmentation": [corners], "track_id": i % 9} for i in range(600)))
    many["images"][0] |= {"height": 3000, "width": 4000}
    assert "more than 4 GB" in refused(tmp_path, many)


def test_coco_s_faults(tmp_path: Path) -> None:
    def mark(**more: object) -> dict:
        return coco(["1.jpg"], {"image_id": 0, "category_id": 1} | more)

    assert "annotations[0].bbox is missing" in refused(tmp_path, mark())
    assert "add up" in refused(tmp_path, mark(segmentation={"size": [20, 30], "counts": [5, 5]}))
    assert "compressed" in refused(tmp_path, mark(segmentation={"size": [20, 30], "counts": "\x01"}))
    assert "x, y" in refused(tmp_path, mark(segmentation=[[1, 2, 3]]))
    assert "huge" in refused(tmp_path, mark(segmentation={"size": [20, 10**4000], "counts": [1]}))


# --- mutated ---------------------------------------------------------------------------------------------------------

VALUES = (
    None,
    True,
    -1,
    0,
    256,
    1e308,
    10**30,
    "",
    "\0",
    "9" * 400,
    "\ud800",
    [],
    {},
    [[]],
    [[1]],
    [1, 2, 3, 4],
    "45s",
)


def mutated(value: object, rng: random.Random) -> object:
    """The same structure, with one place changed, left out or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return value | {key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        copies = rng.choice((0, 1, 1, 1, 1, 2))
        return [*value[:place], *[mutated(value[place], rng)] * copies, *value[place + 1 :]]
    return rng.choice(VALUES)


def test_mutated_files_give_prompts_or_one_sentence(tmp_path: Path) -> None:
    """300 of what a run by hand does 20,000 times."""
    rng = random.Random(1)
    seeds: list[object] = [
        {"objects": [{"id": 2, "name": "a", "prompts": [{"frame": "3s", "box": [1, 2, 3, 4], "negative": [[1, 2]]}]}]},
        labelme(
            shape("a", "polygon", [[1, 1], [9, 9], [1, 9]], group_id=1),
            shape("b", "mask", [[1, 1]], mask=png(np.ones((2, 2), np.uint8))),
        ),
        coco(
            ["1.jpg", "2.jpg"],
            {"image_id": 0, "category_id": 1, "segmentation": [[2, 1, 6, 1, 6, 4]], "track_id": 1},
            {"image_id": 1, "category_id": 1, "segmentation": {"size": [20, 30], "counts": [0, 5, 595]}},
        ),
    ]
    read, sentences = 0, list[str]()
    for _ in range(int(os.environ.get("TRACKMASK_FUZZ", "300"))):
        content = mutated(rng.choice(seeds), rng)
        text = bytearray(json.dumps(content).encode())
        if rng.random() < 0.3:
            text[rng.randrange(len(text))] = rng.randrange(256)
        (tmp_path / "clip.json").write_bytes(text)
        try:
            files_behind(tmp_path / "clip.json")
            read_prompt_file(tmp_path / "clip.json", Target("clip.mp4", size=(20, 30)))
            read += 1
        except PromptError as error:
            sentences.append(str(error))
    assert read > 20
    assert len(sentences) > 100
    assert all(sentence.isprintable() for sentence in sentences)
