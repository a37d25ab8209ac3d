"""Data sets as they are found: layouts, films, masks of every kind."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from evaluation_samples import FRAMES, SIZE, scene, truths, write_clip, write_film, write_mask
from PIL import Image as Picture

from trackmask.errors import DataError
from trackmask.evaluation.dataset import read_dataset, read_labels, read_truth
from trackmask.evaluation.measure import (
    score_clip,
)


class TestDataset:
    def test_frames_and_truth(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        assert (clip.name, len(clip), clip.ids()) == ("square", FRAMES, (1,))
        for index, frame in enumerate(clip.frames()):
            image, labels = scene(index)
            assert frame.index == index
            assert (frame.image == image).all()
            assert (clip.truth(index) == labels).all()

    @pytest.mark.parametrize("mode", ["1", "L", "P"])
    def test_one_object_in_any_kind_of_png(self, tmp_path: Path, mode: str) -> None:
        labels = scene(0)[1]
        write_mask(tmp_path / "a.png", labels * (255 if mode == "L" else 1), mode)
        read = read_labels(tmp_path / "a.png")
        assert read.dtype == np.uint8
        assert (read == labels).all()

    def test_255_is_void_beside_ids_and_in_a_palette(self, tmp_path: Path) -> None:
        beside = np.array([[0, 2, 255]], np.uint8)
        alone = np.array([[0, 0, 255]], np.uint8)
        write_mask(tmp_path / "grey.png", beside, "L")
        write_mask(tmp_path / "palette.png", alone, "P")
        assert (read_labels(tmp_path / "grey.png") == beside).all()
        assert (read_labels(tmp_path / "palette.png") == alone).all()

    def test_bad_masks(self, tmp_path: Path) -> None:
        Picture.fromarray(scene(0)[0]).save(tmp_path / "colours.png")
        with pytest.raises(DataError, match="mode RGB"):
            read_labels(tmp_path / "colours.png")
        whole = (tmp_path / "colours.png").read_bytes()
        for name, content in (("cut.png", whole[: len(whole) // 2]), ("text.png", b"text"), ("empty.png", b"")):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(DataError, match=name):
                read_labels(tmp_path / name)

    def test_480p_is_chosen_and_names_sort_by_number(self, tmp_path: Path) -> None:
        for name in ("2", "10"):
            write_mask(tmp_path / "Annotations" / "480p" / "clip" / f"{name}.png", np.full((4, 4), int(name), np.uint8))
            write_mask(tmp_path / "JPEGImages" / "480p" / "clip" / f"{name}.png", np.zeros((4, 4), np.uint8), "L")
        (tmp_path / "JPEGImages" / "Full-Resolution" / "clip").mkdir(parents=True)
        (clip,) = read_dataset(tmp_path)
        assert [path.stem for path in clip.images] == ["2", "10"]
        assert [labels[0, 0] for labels in truths(clip)] == [2, 10]

    def test_film(self, tmp_path: Path) -> None:
        write_film(tmp_path / "videos" / "square.mp4")
        for index in range(FRAMES):
            write_mask(tmp_path / "Annotations" / "square" / f"{index:05d}.png", scene(index)[1])
        (clip,) = read_dataset(tmp_path)
        frames = list(clip.frames())
        assert [frame.index for frame in frames] == list(range(FRAMES))
        assert frames[0].image.shape == (*SIZE, 3)
        assert score_clip(truths(clip), clip).jf == 1

    @pytest.mark.parametrize("kind", ["pictures", "film"])
    def test_every_second_frame(self, data: Path, kind: str) -> None:
        if kind == "film":
            shutil.rmtree(data / "JPEGImages")
            write_film(data / "videos" / "square.mp4")
        (clip,) = read_dataset(data)
        thin = clip.thinned(2)
        assert len(list(thin.frames())) == len(list(truths(thin))) == FRAMES // 2
        for index, (frame, labels) in enumerate(zip(thin.frames(), truths(thin), strict=True)):
            off = [np.abs(frame.image.astype(int) - scene(other)[0]).mean() for other in range(FRAMES)]
            assert frame.index == index
            assert np.argmin(off) == 2 * index
            assert (labels == scene(2 * index)[1]).all()
        assert len(list(thin.thinned(2).frames())) == 2

    def test_split(self, data: Path, tmp_path: Path) -> None:
        for name in ("zebra", "ant"):
            write_clip(data, name)
        split = tmp_path / "split.txt"
        split.write_text("zebra\n\nant\nzebra\n")
        assert [clip.name for clip in read_dataset(data)] == ["ant", "square", "zebra"]
        assert [clip.name for clip in read_dataset(data, split)] == ["zebra", "ant"]
        for text, words in (("zebra\nhorse\n", "'horse'"), ("\n", "no clip")):
            split.write_text(text)
            with pytest.raises(DataError, match=words):
                read_dataset(data, split)
        with pytest.raises(DataError, match="cannot be read"):
            read_dataset(data, tmp_path / "none.txt")

    def test_malformed_folders(self, data: Path) -> None:
        masks = data / "Annotations" / "square"
        with pytest.raises(DataError, match="not a data set"):
            read_dataset(masks)
        write_mask(masks / "00099.png", scene(0)[1])
        with pytest.raises(DataError, match="belongs to no picture"):
            read_dataset(data)
        for path in masks.iterdir():
            path.unlink()
        with pytest.raises(DataError, match="square has no truth"):
            read_dataset(data)

    def test_a_films_truth_is_named_by_number(self, tmp_path: Path) -> None:
        (tmp_path / "videos").mkdir()
        (tmp_path / "videos" / "a.mp4").touch()
        write_mask(tmp_path / "Annotations" / "a" / "first.png", scene(0)[1])
        with pytest.raises(DataError, match="frame's number"):
            read_dataset(tmp_path)

    def test_truth_that_is_asked_for_and_missing(self, data: Path) -> None:
        (data / "Annotations" / "square" / "00000.png").unlink()
        (clip,) = read_dataset(data)
        with pytest.raises(DataError, match="no truth for frame 0"):
            clip.first_mask()
        write_mask(data / "Annotations" / "square" / "00000.png", np.full(SIZE, 255, np.uint8))
        (clip,) = read_dataset(data)
        with pytest.raises(DataError, match="no object"):
            clip.first_mask()

    def test_masks_alone_have_no_frames(self, data: Path) -> None:
        (clip,) = read_truth(data / "Annotations")
        with pytest.raises(DataError, match="masks only"):
            next(clip.frames())
