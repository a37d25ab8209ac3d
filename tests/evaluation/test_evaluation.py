"""Baselines, scores, tables and sheets."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_samples import FRAMES, SIZE, scene, truths, write_clip, write_mask
from PIL import Image as Picture

from trackmask.data import Labels
from trackmask.errors import CallError, DataError, OutputError
from trackmask.evaluation.baselines import copy_first_mask, dis_flow
from trackmask.evaluation.dataset import Clip, read_dataset, read_truth
from trackmask.evaluation.measure import (
    ClipScore,
    as_json,
    evaluate,
    mean,
    pair_folders,
    remarks,
    score_clip,
    score_folder,
    table,
)
from trackmask.evaluation.sheet import Sampler, contact_sheet
from trackmask.metrics import boundary_f, jaccard


class TestBaselines:
    def test_copy(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        masks = list(copy_first_mask(clip, "mask"))
        assert len(masks) == FRAMES
        assert all((mask == scene(0)[1]).all() for mask in masks)

    def test_flow_follows_what_copying_loses(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        flow, copied = (next(evaluate(method, [clip], "mask")) for method in (dis_flow, copy_first_mask))
        assert flow.j > 0.7 > 0.6 > copied.j

    def test_flow_keeps_several_ids(self, data: Path) -> None:
        for index in range(FRAMES):
            labels = scene(index)[1]
            labels[32:][labels[32:] > 0] = 7
            write_mask(data / "Annotations" / "square" / f"{index:05d}.png", labels)
        (clip,) = read_dataset(data)
        assert clip.ids() == (1, 7)
        assert next(evaluate(dis_flow, [clip], "mask")).j > 0.75

    @pytest.mark.parametrize("method", [copy_first_mask, dis_flow])
    def test_they_need_a_mask(self, data: Path, method: object) -> None:
        (clip,) = read_dataset(data)
        with pytest.raises(CallError, match="'box'"):
            method(clip, "box")  # type: ignore[operator]


class TestScore:
    def test_first_and_last_frame_are_left_out(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        masks = list(truths(clip))
        masks[0] = masks[-1] = np.zeros(SIZE, np.uint8)
        assert score_clip(masks, clip).jf == 1
        masks[1] = masks[0]
        score = score_clip(iter(masks), clip)
        assert score.frame_j == {1: 0, 2: 1, 3: 1, 4: 1}
        assert (score.j, score.f, score.jf, score.j_recall) == (0.75, 0.75, 0.75, 0.75)
        assert score.j_decay == -0.5  # bins of frames 1 and 2, and of 3 and 4
        assert score.fps is None

    def test_objects_are_averaged_and_void_counts_for_nothing(self, tmp_path: Path) -> None:
        truth = np.zeros((40, 60), np.uint8)
        truth[5:15, 5:15], truth[20:30, 20:30], truth[:, 50:] = 1, 2, 255
        for index in range(3):
            write_mask(tmp_path / "clip" / f"{index:05d}.png", truth)
        (clip,) = read_truth(tmp_path)
        ours = truth.copy()
        ours[:, 50:] = 1  # void: no fault
        ours[20:25, 20:30] = 0  # half of the second object
        score = score_clip([ours] * 3, clip)
        one, two = ((ours == 1) & (truth != 255), truth == 1), (ours == 2, truth == 2)
        assert score.j == pytest.approx((1 + 0.5) / 2)
        assert score.f == pytest.approx((boundary_f(*one) + boundary_f(*two)) / 2)
        assert jaccard(*one) == 1

    def test_any_id_counts_where_the_truth_has_one_object(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        assert score_clip((labels * 9 for labels in truths(clip)), clip).jf == 1
        write_mask(data / "Annotations" / "square" / "00003.png", scene(3)[1] * 2)  # now there are two
        (clip,) = read_dataset(data)
        assert score_clip((labels * 9 for labels in truths(clip)), clip).j < 0.6

    def test_an_object_without_truth_counts_for_nothing_and_is_told(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        more = [labels.copy() for labels in truths(clip)]
        for labels in more:
            labels[:10] = 2
        score = score_clip(more, clip)
        assert (score.jf, score.without_truth, score.never_given) == (1, (2,), ())
        assert list(remarks([score])) == [
            "square: the truth does not have the masks' object 2, which counts for nothing"
        ]
        for index in range(FRAMES):
            write_mask(data / "Annotations" / "square" / f"{index:05d}.png", more[index])
        (clip,) = read_dataset(data)
        score = score_clip((np.where(labels == 2, 3, labels) for labels in more), clip)
        assert (score.j, score.without_truth, score.never_given) == (0.5, (3,), (2,))
        assert list(remarks([score]))[1:] == ["square: no mask has the truth's object 2"]

    def test_sparse_truth(self, data: Path) -> None:
        for index in (1, 3):
            (data / "Annotations" / "square" / f"{index:05d}.png").unlink()
        (clip,) = read_dataset(data)
        assert sorted(score_clip(copy_first_mask(clip, "mask"), clip).frame_j) == [2, 4]

    def test_predictions_that_do_not_fit(self, data: Path) -> None:
        (clip,) = read_dataset(data)
        masks = list(truths(clip))
        for wrong in ([], masks[:1], masks[:-1]):
            with pytest.raises(DataError, match=f"{FRAMES} frames, but {len(wrong)} masks"):
                score_clip(wrong, clip)
        with pytest.raises(DataError, match="40x30, its truth 80x60"):
            score_clip([mask[::2, ::2] for mask in masks], clip)

    def test_clips_that_cannot_be_scored(self, tmp_path: Path) -> None:
        write_mask(tmp_path / "empty" / "00000.png", np.zeros((4, 4), np.uint8))
        write_mask(tmp_path / "short" / "00000.png", np.ones((4, 4), np.uint8))
        for clip, words in zip(read_truth(tmp_path), ("no object", "between its first and last"), strict=True):
            with pytest.raises(DataError, match=words):
                score_clip(truths(clip), clip)

    def test_fps_is_the_methods_time(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [0.0]
        monkeypatch.setattr("time.perf_counter", lambda: now[0])

        def slow(clip: Clip, prompt: str) -> Iterator[Labels]:
            for labels in truths(clip):
                now[0] += 0.25
                yield labels
                now[0] += 0  # back here only when the next frame is asked for

        (score,) = evaluate(slow, read_dataset(data), "none")
        assert (score.frames, score.fps) == (FRAMES, 4.0)


class TestFolders:
    def test_a_folder_of_clips(self, data: Path) -> None:
        write_clip(data, "other", mode="1")
        masks = data / "Annotations"
        for truth in (data, masks):
            scores = score_folder(masks, truth)
            assert [(score.clip, score.jf, score.fps) for score in scores] == [("other", 1, None), ("square", 1, None)]

    def test_one_clip(self, data: Path) -> None:
        write_clip(data, "other")
        masks = data / "Annotations" / "square"
        assert [score.clip for score in score_folder(masks, data)] == ["square"]
        assert [score.clip for score in score_folder(masks, masks)] == ["square"]
        write_clip(data, "third")
        with pytest.raises(DataError, match="of the clip stranger"):
            score_folder(masks.rename(data / "stranger"), data / "Annotations")

    def test_results_are_numbered_by_frame(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        for index in range(4):  # named by tens, as sparse data sets are
            write_mask(data / "JPEGImages" / "a" / f"{10 * index:05d}.png", np.zeros((20, 30), np.uint8), "L")
            truth = np.zeros((20, 30), np.uint8)
            truth[5:10, 2 * index : 10 + 2 * index] = 1
            write_mask(data / "Annotations" / "a" / f"{10 * index:05d}.png", truth)
            write_mask(tmp_path / "out" / "a.trackmask" / "masks" / f"{index:05d}.png", truth)
            write_mask(tmp_path / "out" / "b.mp4.trackmask" / "masks" / f"{index:05d}.png", truth)
        for results in (tmp_path / "out", tmp_path / "out" / "a.trackmask"):
            assert [(score.clip, score.jf) for score in score_folder(results, data)] == [("a", 1)]
        (data / "Annotations" / "a").rename(tmp_path / "b")
        for path in sorted((tmp_path / "b").iterdir()):
            path.rename(path.with_stem(f"{int(path.stem) // 10:05d}"))
        assert score_folder(tmp_path / "out", tmp_path / "b")[0].jf == 1

    def test_ends_may_be_missing_and_no_other(self, data: Path, tmp_path: Path) -> None:
        masks = tmp_path / "masks of a tool" / "square"
        for index in range(1, FRAMES - 1):
            write_mask(masks / f"{index:05d}.png", scene(index)[1] * 255, "L")
        assert score_folder(masks.parent, data)[0].jf == 1
        (masks / "00002.png").unlink()
        with pytest.raises(DataError, match=r"no mask 00002\.png"):
            score_folder(masks.parent, data)

    def test_missing_folders(self, data: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no masks of the clip square"):
            score_folder(tmp_path / "nothing", data)
        with pytest.raises(DataError, match="no truth masks"):
            score_folder(data / "Annotations", tmp_path / "nothing")


class TestReport:
    scores = (
        ClipScore("a long name", 0.9, 0.8, 0.85, 1.0, 0.1, 0.9, -0.05, {1: 0.9, 2: 1 / 3}, 10, 10.0),
        ClipScore("b", 0.5, 0.4, 0.45, 0.0, 0.2, 0.0, 0.0, {1: 0.5}, 10, 30.0),
    )

    def test_mean(self) -> None:
        whole = mean(self.scores)
        assert (whole.j, whole.f, whole.jf) == pytest.approx((0.7, 0.6, 0.65))
        assert whole.fps == pytest.approx(15)  # 20 frames in 4/3 s
        assert mean([self.scores[0], ClipScore("c", *[0.0] * 7, {})]).fps is None

    def test_table(self) -> None:
        lines = table(self.scores).splitlines()
        assert len({len(line) for line in lines}) == 1
        assert lines[0].split() == ["clip", "J&F", "J", "recall", "decay", "F", "recall", "decay", "fps"]
        assert lines[1].split() == [
            "a",
            "long",
            "name",
            "85.0",
            "90.0",
            "100.0",
            "10.0",
            "80.0",
            "90.0",
            "-5.0",
            "10.0",
        ]
        assert lines[-1].split()[:3] == ["mean", "65.0", "70.0"]

    def test_what_was_not_timed_has_no_rate_and_nothing_is_minus_zero(self) -> None:
        untimed = ClipScore("a", *[1.0] * 4, -0.0004, 1.0, -0.00004, {1: 1.0})
        lines = table([untimed]).splitlines()
        assert lines[0].split()[-1] == "decay"
        assert "-0.0" not in table([untimed])
        assert "-0.0" not in json.dumps(as_json([replace(untimed, j_decay=-0.00004)]))
        assert not {"fps", "frames"} & set(as_json([untimed])["clips"][0])

    def test_json(self) -> None:
        report = as_json(self.scores)
        assert json.loads(json.dumps(report)) == report
        assert report["clips"][0]["frame_j"] == {"1": 0.9, "2": 0.3333}
        assert report["mean"]["jf"] == 0.65


class TestSheet:
    def test_rows_and_columns(self, data: Path, tmp_path: Path) -> None:
        write_clip(data, "other")
        clips = read_dataset(data)
        sampler = Sampler(copy_first_mask, columns=3)
        scores = list(evaluate(sampler, clips, "mask"))
        rows = list(sampler.rows(clips, scores))
        assert [len(cells) for _, cells in rows] == [3, 3]
        assert f"other   J&F {100 * scores[0].jf:.1f}" in rows[0][0]
        contact_sheet(rows, tmp_path / "sheet.png")
        with Picture.open(tmp_path / "sheet.png") as picture:
            sheet = np.asarray(picture)
        assert sheet.shape == (2 * (20 + 180), 3 * 240, 3)
        last = sheet[20:200, 480:].astype(
            int
        )  # 80 x 60 pixels, three times as large; the mask is at 10, its truth at 25
        assert (last[60:132, 74:76] == 255).all(2).any()
        assert not (last[64:128, 29:32] == 255).all(2).any()
        plain = np.asarray(Picture.fromarray(scene(FRAMES - 1)[0]).resize((240, 180), Picture.Resampling.NEAREST))
        tint = np.abs(last - plain).mean(2)
        assert tint[75:120, 40:68].mean() > 3 * tint[75:120, 160:220].mean()

    def test_columns_are_spread_over_the_clip(self, data: Path) -> None:
        clips = read_dataset(data)
        sampler = Sampler(lambda clip, prompt: truths(clip), columns=3)
        (row,) = sampler.rows(clips, list(evaluate(sampler, clips, "mask")))
        lefts = [np.flatnonzero(prediction.any(0))[0] for _, prediction, _ in row[1]]
        assert lefts == [30, 48, 75]  # frames 0, 2 and 5, three times as large

    def test_masks_alone_and_sparse_truth(self, data: Path, tmp_path: Path) -> None:
        method, clips = pair_folders(data / "Annotations", data / "Annotations")
        sampler = Sampler(method)
        scores = [score_clip(sampler(clip, "mask"), clip) for clip in clips]
        contact_sheet(sampler.rows(clips, scores), tmp_path / "sheet.png")
        assert (tmp_path / "sheet.png").is_file()
        (data / "Annotations" / "square" / "00005.png").unlink()
        clips = read_dataset(data)
        scores = list(evaluate(sampler := Sampler(copy_first_mask), clips, "mask"))
        assert [truth is None for *_, truth in next(sampler.rows(clips, scores))[1]] == [False] * 5 + [True]

    def test_nothing_is_left_where_it_cannot_be_written(self, tmp_path: Path) -> None:
        row = ("title", [(*scene(0), None)])
        with pytest.raises(OutputError, match="cannot write"):
            contact_sheet([row], tmp_path / "missing" / "sheet.png")
        (tmp_path / "sheet.png").mkdir()
        with pytest.raises(OutputError, match="cannot write"):
            contact_sheet([row], tmp_path / "sheet.png")
        assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
