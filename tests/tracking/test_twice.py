"""The second pass, with a runtime that finds things by their hue: where it goes, what it knows, what it may change."""

import threading
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from unittest.mock import patch

import numpy as np
import pytest
from scripted import HueRuntime

from trackmask.data import Evidence, Frame, Masks, ObjectRecord, Patch, State, VideoInfo, measured
from trackmask.errors import OutputError
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.tracking import Course, twice
from trackmask.tracking.loop import follow, understand
from trackmask.tracking.pile import Pile
from trackmask.tracking.tracker import Tracker
from trackmask.tracking.twice import SecondPass
from trackmask.video.made import MadeVideo

SIZE = (120, 160)
COUNT = 16
COLOURS = {1: (255, 0, 0), 2: (0, 0, 255)}
SIDE = 40


def square(object_id: int, frame: int) -> np.ndarray:
    """(H, W) bool: where an object is. The second one is below the first."""
    mask = np.zeros(SIZE, bool)
    top = 10 if object_id == 1 else 70
    mask[top : top + SIDE, 5 * frame : 5 * frame + SIDE] = True
    return mask


def picture(frame: int) -> np.ndarray:
    image = np.zeros((*SIZE, 3), np.uint8)
    for object_id, colour in COLOURS.items():
        image[square(object_id, frame)] = colour
    return image


def video(count: int = COUNT) -> MadeVideo:
    info = VideoInfo("squares", SIZE, Fraction(25), count, "images")
    return MadeVideo(info, lambda: (Frame(index, index / 25, picture(index)) for index in range(count)))


def found(object_id: int, frame: int, confidence: float = 0.9, *, away: State | None = None, shift: int = 0) -> Masks:
    """What a first pass may say of one object; `shift`: pixels by which its mask is wrong."""
    mask = np.roll(square(object_id, frame), shift, 1)
    if away is not None:
        return Masks(np.zeros(SIZE, np.uint8), (ObjectRecord(object_id, away, confidence, 0, None),))
    labels = (mask * object_id).astype(np.uint8)
    record = measured(ObjectRecord(object_id, State.TRACKED, confidence, 0, None), labels)
    return Masks(labels, (record,), {object_id: Patch(0, 0, mask.astype(np.uint8) * 255)})


class Told:
    """A first pass that says what a test wants, and the second pass over it."""

    def __init__(self, frames: dict[int, Masks], prompted: tuple[int, ...] = (0,)) -> None:
        self.frames, self.video = frames, video()
        prompts = {frame: Prompt(1, frame, mask=square(1, frame)) for frame in prompted}
        self.runtime = HueRuntime()
        known = {frame.index: ref for frame, _, ref in understand(self.video, self.runtime, prompts)}
        self.second = SecondPass(self.video, self.runtime, {1: known})
        self.read: list[tuple[int, int]] = []  # ranges that the second pass went through
        self.counted = 0

    def run(self) -> dict[int, Masks]:
        def first():
            for frame, masks in self.frames.items():
                yield Frame(frame, frame / 25, picture(frame)), masks

        between = self.video.between

        def noted(begin: int, end: int):
            self.read.append((begin, end))
            return between(begin, end)

        with patch.object(self.video, "between", noted):
            return dict(zip(self.frames, self.second.over(first(), self.count), strict=True))

    def count(self) -> None:
        self.counted += 1


def all_found(**more: object) -> dict[int, Masks]:
    return {frame: found(1, frame, **more) for frame in range(COUNT)}


def iou(masks: Masks, frame: int, object_id: int = 1) -> float:
    return jaccard(masks.labels == object_id, square(object_id, frame))


def test_where_both_agree_hardly_anything_changes() -> None:
    told = Told(all_found())
    after = told.run()
    for frame, masks in after.items():
        assert jaccard(masks.labels == 1, told.frames[frame].labels == 1) > 0.97
        assert masks.objects[0].area == np.count_nonzero(masks.labels == 1)
    assert all(masks.objects[0].agreement > 0.9 for masks in islice(after.values(), 1, COUNT - 1))
    assert told.counted == COUNT
    assert told.read == [(COUNT - 1, 1)]


@pytest.mark.parametrize("state", [State.LOST, State.ABSENT])
def test_what_the_first_pass_has_lost_is_mended(state: State) -> None:
    gone = {frame: found(1, frame, 0.3, away=state) for frame in (8, 9, 10)}
    after = Told(all_found() | gone).run()
    for frame in gone:
        assert iou(after[frame], frame) > 0.9
        assert (after[frame].objects[0].state, after[frame].objects[0].agreement) == (State.TRACKED, 0)


def test_what_is_surely_gone_is_not_brought_back_by_a_doubtful_second_pass() -> None:
    told = Told(all_found() | {frame: found(1, frame, 0.95, away=State.ABSENT) for frame in (4, 5)})
    told.runtime.iou = 0.6
    after = told.run()
    assert all(not after[frame].labels.any() and after[frame].objects[0].state == State.ABSENT for frame in (4, 5))


def test_where_they_differ_the_one_that_has_begun_nearer_counts() -> None:
    told = Told(all_found() | {frame: found(1, frame, shift=60) for frame in (3, 12)})
    after = told.run()
    assert iou(after[3], 3) < 0.1  # three frames from the prompt the first pass is believed
    assert iou(after[12], 12) > 0.9


def test_prompted_frames_stay_as_they_are() -> None:
    """Whatever is found beside them."""
    told = Told(all_found() | {8: found(1, 8, 1.0, shift=7)}, prompted=(0, 8))
    after = told.run()
    for frame in (0, 8):
        np.testing.assert_array_equal(after[frame].labels, told.frames[frame].labels)
        assert after[frame].objects == told.frames[frame].objects
    assert told.read == [(COUNT - 1, 1)]


def test_between_two_prompts_the_farther_one_is_where_it_begins() -> None:
    told = Told(all_found() | {frame: found(1, frame, shift=60) for frame in (6, 7)}, prompted=(0, 8))
    after = told.run()
    assert iou(after[7], 7) > 0.9
    assert iou(after[6], 6) > 0.9


def test_an_object_that_is_away_at_the_end_is_taken_up_where_it_was_last_sure() -> None:
    end = {frame: found(1, frame, 0.95, away=State.ABSENT) for frame in range(11, COUNT)}
    told = Told(all_found() | {10: found(1, 10, 0.4)} | end)
    after = told.run()
    assert told.read == [(9, 1)]
    for frame in range(10, COUNT):
        assert after[frame].objects == told.frames[frame].objects
        assert after[frame].objects[0].agreement is None


def test_an_object_that_was_never_sure_is_left_as_it_is() -> None:
    told = Told({frame: found(1, frame, 0.6) for frame in range(COUNT)})
    assert {frame: masks.objects for frame, masks in told.run().items()} == {
        frame: masks.objects for frame, masks in told.frames.items()
    }
    assert (told.read, told.counted) == ([], COUNT)


def test_no_pass_goes_over_a_cut() -> None:
    frames = all_found()
    frames[6] = replace(frames[6], cut=True)
    told = Told(frames)
    after = told.run()
    assert told.read == [(5, 1), (COUNT - 1, 6)]
    assert [frame for frame, masks in after.items() if masks.cut] == [6]


def test_long_shots_are_checked_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twice, "LONGEST", 5)
    monkeypatch.setattr(twice, "LEAST", 5)
    told = Told(all_found())
    after = told.run()
    assert told.read == [(4, 1), (9, 5), (14, 10)]
    assert list(after) == list(range(COUNT))
    assert after[15].objects == told.frames[15].objects  # alone in its piece


@pytest.mark.parametrize(
    ("size", "frames", "megabytes"),
    [((480, 854), 240, 305), ((1080, 1920), 164, 1070), ((4320, 7680), twice.LEAST, 1074)],
)
def test_frames_wait_as_far_as_they_can_be_read_again(size: tuple[int, int], frames: int, megabytes: int) -> None:
    assert twice.longest(size) == frames
    assert twice.room_for_twice(size) / 1e6 == pytest.approx(megabytes, abs=1)


def test_it_knows_the_prompts_and_the_frames_that_were_seen_best() -> None:
    """Sure and large, and the last one that was sure."""
    frames = all_found(confidence=0.8) | {5: found(1, 5, 0.95), 15: found(1, 15, 0.6), 14: found(1, 14, 0.6)}
    told, known, seen = Told(frames, prompted=(0, 3)), [], []
    took, understood = Tracker._take, twice.understand

    def noted(video, runtime, prompts, settings):
        seen.extend(prompts)
        return understood(video, runtime, prompts, settings)

    with (
        patch.object(Tracker, "_take", lambda tracker, new: (known.append(new), took(tracker, new))[1]),
        patch.object(twice, "understand", noted),
    ):
        told.run()
    assert seen == [5, 13]
    # Both are understood; then the way from 13 begins, and the way from the prompt in 3.
    assert [len(track.past.references) for track in known] == [1, 1, 4, 4]
    assert told.read[-1] == (13, 1)
    assert [len(track.identity.prompted) for track in known[2:]] == [4, 4]


def blended(first: dict[int, Masks], second: dict[int, Masks]) -> dict[int, Masks]:
    """What becomes of two passes that say just that."""

    def said(tracker, frames, given):
        tracker.tracks[1] = None
        for frame in frames:
            yield frame, second[frame.index]

    with patch.object(twice, "follow", said):
        return Told(first).run()


def test_a_second_pass_that_arrives_astray_was_astray_before() -> None:
    """It agrees with the first one on what is wrong, and then goes on with it until beside the prompt."""
    wrong = {frame: found(1, frame, shift=50) for frame in range(COUNT)}
    after = blended(all_found(confidence=0.8) | {frame: wrong[frame] for frame in range(8, COUNT)}, wrong)
    assert all(iou(after[frame], frame) > 0.99 for frame in range(1, 8))


def known(masks: Masks) -> Masks:
    return replace(masks, objects=tuple(replace(one, evidence=Evidence(one.confidence)) for one in masks.objects))


def agreed(second: dict[int, Masks]) -> list[float | None]:
    """How well the passes agree on whose mask it is, in frames 1 to COUNT - 2; the first one is right everywhere."""
    frames = {frame: known(found(1, frame)) for frame in range(COUNT)}
    after = blended(frames, frames | {frame: known(masks) for frame, masks in second.items()})
    return [after[frame].objects[0].evidence.agreed for frame in range(1, COUNT - 1)]


def test_where_the_two_did_not_go_one_way_they_are_doubted_and_behind_it_if_the_second_has_not_come_back() -> None:
    """However well they agree there: the second pass has begun behind it, and may have begun with something else."""
    third = pytest.approx(10 / 70, abs=1e-6)
    assert agreed({8: found(1, 8, shift=30)}) == [1] * 7 + [third] + [1] * (COUNT - 10)
    aside = {frame: found(1, frame, shift=20) for frame in range(1, 9)}
    assert agreed(aside) == [pytest.approx(1 / 3)] * (COUNT - 2)
    elsewhere = {frame: found(1, frame, shift=30) for frame in range(1, 9)}
    assert agreed(elsewhere) == [None] * 8 + [pytest.approx((5 * 10 / 70) / 5)] * (COUNT - 10)


def test_a_second_pass_that_has_lost_the_object_does_not_say_whose_mask_it_is() -> None:
    gone = {frame: found(1, frame, away=State.LOST) for frame in range(1, 5)}
    assert agreed(gone) == [None] * (COUNT - 2)


def test_one_that_lost_the_object_on_the_way_is_believed_before_that() -> None:
    """What it takes for the object beside the prompt says nothing of what it has followed up to there."""
    wrong = {frame: found(1, frame, shift=50) for frame in range(COUNT)}
    gone = {frame: found(1, frame, 0.9, away=State.ABSENT) for frame in (4, 5)}
    second = all_found() | {frame: wrong[frame] for frame in (1, 2, 3)} | gone
    first = all_found() | {8: found(1, 8, 0.3, away=State.LOST)} | {frame: wrong[frame] for frame in (9, 10)}
    after = blended(first, second)
    assert all(iou(after[frame], frame) > 0.99 for frame in range(COUNT))


def test_what_was_found_again_behind_a_gap_does_not_replace_what_was_followed_before_it() -> None:
    """A look-alike behind the post, carried back: it does arrive at the prompt, from where the two stood together."""
    wrong = {frame: found(1, frame, shift=50) for frame in range(COUNT)}
    gone = {frame: found(1, frame, 0.3, away=State.LOST) for frame in (8, 9)}
    first = all_found(confidence=0.6) | gone | {frame: wrong[frame] for frame in range(10, COUNT)}
    after = blended(first, wrong | {frame: found(1, frame) for frame in (1, 2, 3)})
    assert all(iou(after[frame], frame) > 0.99 for frame in range(1, 8))


def test_what_the_first_pass_has_followed_all_the_way_and_the_second_has_lost_is_the_first_ones() -> None:
    wrong = {frame: found(1, frame, 0.95, shift=30) for frame in range(7, COUNT)}
    gone = {frame: found(1, frame, 0.9, away=State.ABSENT) for frame in (5, 6)}
    after = blended(all_found(confidence=0.8), all_found() | wrong | gone)
    assert all(iou(after[frame], frame) > 0.99 for frame in range(COUNT))


def test_where_the_first_pass_has_found_nothing_yet_nothing_speaks_against_the_second() -> None:
    """As behind a cut, where the object is found again a little later."""
    wrong = {frame: found(1, frame, shift=50) for frame in (9, 10)}
    gone = {frame: found(1, frame, 0.6, away=State.ABSENT) for frame in (1, 2)}
    after = blended(all_found() | wrong | gone, all_found())
    assert all(iou(after[frame], frame) > 0.99 for frame in range(3, COUNT))


def test_one_that_began_in_a_prompt_is_believed_wherever_it_arrives() -> None:
    """The first prompt may have been the wrong one; near the second one that is what counts."""
    wrong = {frame: found(1, frame, shift=50) for frame in range(1, 8)}
    told = Told(all_found() | wrong, prompted=(0, 8))
    after = told.run()
    assert all(iou(after[frame], frame) > 0.9 for frame in (5, 6, 7))
    assert all(iou(after[frame], frame) < 0.3 for frame in (1, 2, 3))


def test_backward_first_then_forward() -> None:
    told = Told(dict(reversed(all_found().items())), prompted=(COUNT - 1,))
    told.frames |= {frame: found(1, frame, 0.3, away=State.LOST) for frame in (6, 7)}
    after = told.run()
    assert told.read == [(0, COUNT - 2)]
    assert all(iou(after[frame], frame) > 0.9 for frame in after)


def test_it_can_be_left_at_any_frame() -> None:
    told, before = Told(all_found()), set(threading.enumerate())
    steps = told.second.over(((Frame(frame, 0, picture(frame)), masks) for frame, masks in told.frames.items()))
    assert next(steps).objects[0].id == 1
    steps.close()
    assert set(threading.enumerate()) <= before


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(pile: Pile, masks: Masks) -> None:
        raise OutputError("free some space")

    monkeypatch.setattr(Pile, "push", full)
    with pytest.raises(OutputError, match="free some space"):
        Told(all_found()).run()


# --- all objects of a video ----------------------------------------------------------------------------------------


def steps(prompts: list[Prompt], *, fast: bool = False, **more: object) -> dict[int, Masks]:
    with Course(video(), HueRuntime(), prompts, twice=not fast, **more) as course:
        return {frame.index: masks for frame, masks in course.steps()}


def test_several_objects_a_late_one_too_never_overlap() -> None:
    prompts = [Prompt(1, 0, mask=square(1, 0)), Prompt(2, 9, mask=square(2, 9)), Prompt(2, 12, mask=square(2, 12))]
    after = steps(prompts)
    assert list(after) == list(range(COUNT))
    for frame, masks in after.items():
        assert [record.id for record in masks.objects] == [1, 2]
        assert min(iou(masks, frame, object_id) for object_id in (1, 2)) > 0.9
        for record in masks.objects:
            assert record == measured(record, masks.labels)
    apart = {id_: [i for i, masks in after.items() if masks.objects[id_ - 1].agreement is None] for id_ in (1, 2)}
    assert apart == {1: [0, 15], 2: [0, 9, 12, 15]}  # prompts, and where the second pass begins


def test_a_range_and_what_is_counted() -> None:
    done: list[int] = []
    with Course(video(), HueRuntime(), [Prompt(1, 8, mask=square(1, 8))], start=4, end=12, twice=True) as course:
        found = [frame.index for frame, _ in course.steps(lambda: done.append(1))]
    assert found == list(range(4, 13))
    assert len(done) == 2 * (5 + 9)  # backward from 8 to 4, and forward from 4 to 12


def test_one_pass_is_the_tracker_s() -> None:
    prompt = Prompt(1, 0, mask=square(1, 0))
    plain = list(follow(Tracker(HueRuntime(), SIZE), video().frames(), {0: [prompt]}))
    for (frame, masks), after in zip(plain, steps([prompt], fast=True).values(), strict=True):
        np.testing.assert_array_equal(masks.labels, after.labels)
        assert masks.objects == after.objects, frame.index
        assert masks.objects[0].agreement is None


def test_twice_is_the_same_twice() -> None:
    prompts = [Prompt(1, 3, mask=square(1, 3)), Prompt(2, 0, mask=square(2, 0))]
    for one, other in zip(steps(prompts).values(), steps(prompts).values(), strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.objects == other.objects
        assert all(np.array_equal(one.soft(id_), other.soft(id_)) for id_ in (1, 2))
