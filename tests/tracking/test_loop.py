"""What the one loop reads of a video, and looks at, and how often: with a small network and the bunny's 108 frames."""

from itertools import islice
from pathlib import Path
from unittest.mock import patch

import media
import numpy as np
import pytest
from conftest import ROOT

from trackmask.correct import correct
from trackmask.data import SURE, Masks, ObjectRecord, Patch, State
from trackmask.errors import PromptError
from trackmask.pipeline import Options, run
from trackmask.prompts import Prompt, read_mask
from trackmask.result import open_result
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Course, Tracker, follow
from trackmask.tracking.pile import Pile
from trackmask.video import open_video

BUNNY = ROOT / "samples" / "bunny.mp4"
FRAMES = 108
HEAD = 6  # frames that opening a video, and its hash, may cost beside the tracking


@pytest.fixture(scope="module")
def runtime(tiny_weights: Path) -> OnnxRuntime:
    return OnnxRuntime(tiny_weights, threads=1)


@pytest.fixture(scope="module")
def mask() -> np.ndarray:
    return read_mask(ROOT / "samples" / "bunny.mask.png")[1]


def edits(mask: np.ndarray) -> list[Prompt]:
    """32 of them, all over the clip."""
    return [Prompt(1, frame, mask=np.roll(mask, frame % 7, 1)) for frame in range(3, 99, 3)]


def test_many_edits_decode_each_frame_once_and_remember_each_prompt_once(
    runtime: OnnxRuntime, mask: np.ndarray, tmp_path: Path
) -> None:
    run(BUNNY, tmp_path / "out", [Prompt(1, 0, mask=mask)], runtime, Options(style=None))
    with (
        media.decoded() as counts,
        patch.object(Tracker, "_begin_with", autospec=True, side_effect=Tracker._begin_with) as begun,
    ):
        corrected = correct(tmp_path / "out", edits(mask), runtime)
    assert sum(counts) <= FRAMES + HEAD
    assert begun.call_count == 33  # the edits and the first prompt
    for prompt in edits(mask):
        np.testing.assert_array_equal(corrected.masks(prompt.at) == 1, prompt.mask)


def test_two_passes_decode_each_frame_once_and_remember_each_prompt_once(
    runtime: OnnxRuntime, mask: np.ndarray, tmp_path: Path
) -> None:
    prompts = edits(mask)
    with (
        media.decoded() as counts,
        patch.object(Tracker, "_begin_with", autospec=True, side_effect=Tracker._begin_with) as begun,
    ):
        run(BUNNY, tmp_path / "out", prompts, runtime)
    assert sum(counts) <= FRAMES + HEAD
    own = begun.call_count - len(prompts)  # frames that the first pass was sure of, two in each direction at most
    assert 0 <= own <= 4
    agreed = [frame.objects[0].agreement for frame in open_result(tmp_path / "out").frames]
    between = [at for at in range(3, 97) if at % 3]
    assert all(agreed[at] is not None for at in between)
    assert all(agreed[prompt.at] is None for prompt in prompts)


def test_one_correction_decodes_what_lies_between_its_neighbours(
    runtime: OnnxRuntime, mask: np.ndarray, tmp_path: Path
) -> None:
    given = [Prompt(1, frame, mask=mask) for frame in (0, 20, 40)]
    run(BUNNY, tmp_path / "out", given, runtime, Options(style=None, end=50))
    with media.decoded() as counts:
        correct(tmp_path / "out", [Prompt(1, 30, mask=mask)], runtime)
    assert sum(counts) <= 41 + HEAD


def test_both_directions_begin_with_the_same_prompt(runtime: OnnxRuntime, mask: np.ndarray) -> None:
    """A box over the frame's edge is cut once, and looked at once."""
    over, within = (-40.0, 60.0, 200.0, 150.0), (0.0, 60.0, 160.0, 150.0)
    found = []
    for box in (over, within):
        with open_video(BUNNY) as reader, Course(reader, runtime, [Prompt(1, 4, box=box)], end=8) as course:
            found.append([masks.labels for _, masks in course.steps()])
    np.testing.assert_array_equal(found[0], found[1])


def test_the_way_can_be_left_at_any_frame(runtime: OnnxRuntime, mask: np.ndarray) -> None:
    with open_video(BUNNY) as reader:
        steps = follow(Tracker(runtime, reader.info.size), reader.reversed(60, 20), {60: [Prompt(1, 60, mask=mask)]})
        assert [frame.index for frame, _ in islice(steps, 5)] == [60, 59, 58, 57, 56]
        steps.close()
        tracks = Tracker(runtime, reader.info.size)
        assert [frame.index for frame, _ in follow(tracks, reader.frames(3, 6))] == [3, 4, 5, 6]


def test_a_prompt_that_no_frame_comes_for(runtime: OnnxRuntime, mask: np.ndarray) -> None:
    with open_video(BUNNY) as reader:
        steps = follow(Tracker(runtime, reader.info.size), reader.frames(0, 2), {5: [Prompt(1, 5, mask=mask)]})
        with pytest.raises(PromptError, match="no frame 5 to prompt: the last one is 2"):
            list(steps)


@pytest.mark.parametrize(("fast", "count"), [(True, 7 + 10), (False, 2 * (7 + 10))])
def test_a_frame_counts_as_often_as_it_is_tracked(
    runtime: OnnxRuntime, mask: np.ndarray, tmp_path: Path, fast: bool, count: int
) -> None:
    told = []
    options = Options(end=9, style=None, fast=fast)

    def progress(total):
        told.append(total)
        return lambda: told.append(None)

    run(BUNNY, tmp_path / "out", [Prompt(1, 6, mask=mask)], runtime, options, progress=progress)
    assert told == [count] + [None] * count


def test_a_reference_is_the_prompt(runtime: OnnxRuntime, mask: np.ndarray) -> None:
    """Another tracker that takes it over finds the same; neither changes the other's."""
    with open_video(BUNNY) as reader:
        frames = list(reader.frames(0, 12))
    one, other = Tracker(runtime, reader.info.size), Tracker(runtime, reader.info.size)
    prompt = Prompt(1, mask=mask)
    first = one.step(frames[0].image, [prompt])
    reference = one.reference(prompt, first)
    np.testing.assert_array_equal(other.step(frames[0].image, [reference]).labels, first.labels)
    expected = [one.step(frame.image) for frame in frames[1:]]
    for frame, masks in zip(frames[1:], expected, strict=True):
        found = other.step(frame.image)
        np.testing.assert_array_equal(found.labels, masks.labels)
        assert found.objects == masks.objects
    assert len(reference.track.past.references) == 1
    assert not reference.track.past.recent


def test_a_cut_right_behind_a_prompt_is_seen_by_whoever_takes_it_over(runtime: OnnxRuntime, mask: np.ndarray) -> None:
    with open_video(BUNNY) as reader:
        first, second = reader.frames(0, 1)
    one, other = Tracker(runtime, reader.info.size), Tracker(runtime, reader.info.size)
    prompt = Prompt(1, mask=mask)
    reference = one.reference(prompt, one.step(first.image, [prompt]))
    other.know(reference)
    assert not other.step(second.image).cut
    other.know(reference)
    assert other.step(255 - second.image).cut


def test_a_pile() -> None:
    size, everywhere = (30, 40), np.full((30, 40), 255, np.uint8)
    values = [
        Masks(np.full(size, i, np.uint8), (ObjectRecord(i, State.TRACKED, 1, 9, None),), {i: Patch(0, 0, everywhere)})
        for i in range(1, 5)
    ]
    with Pile(size) as pile:
        for masks in values[:3]:
            pile.push(masks)
        assert (len(pile), pile.pop().objects) == (3, values[2].objects)
        pile.push(values[3])
        for masks in (values[3], values[1], values[0]):
            np.testing.assert_array_equal(pile.pop().labels, masks.labels)
        assert not len(pile)


def test_a_pile_gives_back_all_that_a_frame_holds() -> None:
    records = (
        ObjectRecord(3, State.UNCERTAIN, 0.1 + 0.2, 7, (1, 2, 3, 4), 1 / 3),
        ObjectRecord(200, State.ABSENT, 1.0, 0, None),
    )
    prob = np.random.default_rng(0).integers(0, 256, (5, 6), dtype=np.uint8)
    labels = np.zeros((30, 40), np.uint8)
    labels[1:6, 2:8] = 3 * (prob > SURE)
    masks = Masks(labels, records, {3: Patch(2, 1, prob)}, cut=True)
    with Pile(labels.shape) as pile:
        pile.push(masks)
        back = pile.pop()
    assert (back.objects, back.cut) == (records, True)
    np.testing.assert_array_equal(back.labels, masks.labels)
    np.testing.assert_array_equal(back.soft(3), masks.soft(3))
