"""A mask only for the object that was prompted, with the shipped weights, in films made of the samples."""

import cv2
import numpy as np
import pytest
from conftest import ROOT

from trackmask.data import State
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt, read_mask
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Tracker
from trackmask.tracking.identity import ASK, PATIENCE, Appearance, Identity, sameness
from trackmask.video import open_video

SAMPLES = ROOT / "samples"
AWAY = (State.ABSENT, State.LOST)


@pytest.fixture(scope="module")
def runtime():
    return OnnxRuntime(threads=2)


@pytest.fixture(scope="module")
def cat():
    """Its pictures, and its mask in the first."""
    with open_video(SAMPLES / "cat.mp4") as film:
        images = [frame.image for frame in film]
    return images, read_mask(SAMPLES / "cat.mask.png")[1]


@pytest.fixture(scope="module")
def bunny(cat):
    height, width = cat[1].shape
    with open_video(SAMPLES / "bunny.mp4") as film:
        images = [cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA) for frame in film]
    mask = read_mask(SAMPLES / "bunny.mask.png")[1].astype(np.uint8)
    return images, cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0


def tracked(runtime, images, prompts):
    """`prompts` by frame."""
    tracker = Tracker(runtime, images[0].shape[:2])
    return [tracker.step(image, prompts.get(index, ())) for index, image in enumerate(images)]


@pytest.fixture(scope="module")
def there_and_back(runtime, cat, bunny):
    """The cat, cut to the bunny, and back; the same cat without the cuts."""
    film = [*cat[0][:10], *bunny[0][:8], *cat[0][10:16]]
    prompt = {0: [Prompt(1, mask=cat[1])]}
    return tracked(runtime, film, prompt), tracked(runtime, cat[0][:16], prompt)


def test_behind_a_cut_there_is_no_mask_of_something_else(there_and_back):
    masks, _ = there_and_back
    assert [index for index, one in enumerate(masks) if one.cut] == [10, 18]
    for one in masks[10:18]:
        assert not one.labels.any()
        assert one.objects[0].state == State.ABSENT  # what is seen there is not like the cat at all
        assert one.objects[0].confidence > 0.5


def test_behind_the_cut_back_it_is_found_at_once(there_and_back):
    masks, uncut = there_and_back
    for one, other in zip(masks[18:], uncut[10:], strict=True):
        assert jaccard(one.labels > 0, other.labels > 0) > 0.95
        assert one.objects[0].state == State.TRACKED


def test_without_the_question_the_mask_would_be_on_the_bunny(runtime, cat, bunny, monkeypatch):
    """The fault that this guards against; if it is gone by other means, these films test nothing."""
    monkeypatch.setattr(Identity, "likeness", lambda self, seen: 1.0)
    monkeypatch.setattr("trackmask.tracking.shots.CUT", 2.0)
    masks = tracked(runtime, [*cat[0][:10], *bunny[0][:8]], {0: [Prompt(1, mask=cat[1])]})
    assert any(one.objects[0].state == State.TRACKED for one in masks[10:])


def test_a_prompt_behind_a_cut_is_the_truth(runtime, cat, bunny):
    """The same id is the bunny from there on: the user said so."""
    film = [*cat[0][:6], *bunny[0][:6]]
    masks = tracked(runtime, film, {0: [Prompt(1, mask=cat[1])], 6: [Prompt(1, mask=bunny[1])]})
    assert all(one.objects[0].state == State.TRACKED for one in masks[6:])
    assert jaccard(masks[7].labels > 0, bunny[1]) > 0.8


def test_each_of_several_objects_is_asked_for_itself(runtime, cat, bunny):
    """The cat is only in the first and third shot, the bunny, prompted later, only in the second."""
    film = [*cat[0][:6], *bunny[0][:6], *cat[0][6:10], *bunny[0][6:10]]
    masks = tracked(runtime, film, {0: [Prompt(1, mask=cat[1])], 6: [Prompt(2, mask=bunny[1])]})
    states = [{record.id: record.state for record in one.objects} for one in masks]
    assert all(said[1] in AWAY and said[2] == State.TRACKED for said in (*states[6:12], *states[17:]))
    assert all(said[1] == State.TRACKED and said[2] in AWAY for said in states[12:16])


def test_backward_it_is_the_same(runtime, cat, bunny, there_and_back):
    film = [*cat[0][:6], *bunny[0][:5], *cat[0][6:12]][::-1]
    masks = tracked(runtime, film, {0: [Prompt(1, mask=there_and_back[1][11].labels > 0)]})
    assert all(one.objects[0].state in AWAY for one in masks[6:11])
    assert jaccard(masks[-1].labels > 0, cat[1]) > 0.8


def test_the_same_pictures_give_the_same_answers(runtime, cat, bunny):
    film = [*cat[0][:3], *bunny[0][:3], *cat[0][3:6]]
    one, other = (tracked(runtime, film, {0: [Prompt(1, mask=cat[1])]}) for _ in range(2))
    assert [masks.objects for masks in one] == [masks.objects for masks in other]
    assert all((a.labels == b.labels).all() for a, b in zip(one, other, strict=True))


# --- likeness, computed by hand --------------------------------------------------------------------------------------


def look(shares, *cells):
    return Appearance(np.sqrt(np.array(shares, np.float32)), tuple(np.array(kind, np.float32) for kind in cells))


def test_likeness_by_hand():
    """Colours: sqrt(0.5 * 1) = 0.707. Cells: of ours, cosines 1 and 0 to theirs; of theirs, 1. Mean of both: 0.75."""
    ours, theirs = look([0.5, 0.5], [[1, 0], [0, 1]]), look([1, 0], [[1, 0]])
    assert ours.likeness(theirs) == pytest.approx((np.sqrt(0.5) + 0.75) / 2, abs=1e-6)
    assert theirs.likeness(ours) == ours.likeness(theirs)
    assert ours.likeness(ours) == pytest.approx(1)


def test_each_object_is_measured_by_itself():
    """What is as like an object as that usually is like itself has a likeness of 1, whatever that is in numbers."""
    given, later = look([1, 0], [[1, 0]]), look([0.81, 0.19], [[0.8, 0.6]])
    identity = Identity((given,))
    before = identity.likeness(later)
    for _ in range(40):
        identity.learn(later)
        identity.last = None
    assert given.likeness(later) == pytest.approx(0.85)
    assert before == pytest.approx(0.85 / 0.87)
    assert identity.likeness(later) == pytest.approx(1, abs=0.01)


def test_nothing_known_refuses_nothing_and_nothing_seen_is_unlike():
    """A prompt with an empty mask says that the object is not to be seen, and nothing of its look."""
    assert Identity((None,)).likeness(look([1, 0], [[1, 0]])) == 1
    assert Identity((None, look([1, 0], [[1, 0]]))).likeness(None) == 0


def test_one_more_prompt_ends_all_doubt_and_a_reference_knows_only_its_own():
    one, other = look([1, 0], [[1, 0]]), look([0, 1], [[0, 1]])
    identity = Identity((one,))
    for _ in range(PATIENCE - 1):
        assert identity.follow(other, sure=True)
    assert not identity.follow(other, sure=True)
    both = identity.joined(Identity((other,)))
    assert (both.same, both.proven, both.likeness(other) > 1) == (1, True, True)
    assert both.anew().prompted == (other,)


def test_a_doubt_passes_but_until_then_the_look_is_not_learnt():
    one, other = look([1, 0], [[1, 0]]), look([0, 1], [[0, 1]])
    identity = Identity((one,))
    assert identity.follow(other, sure=True)
    assert (identity.same, identity.last) == (0, None)
    assert identity.follow(one, sure=True)
    assert (identity.same, identity.last) == (1, one)


def test_what_was_found_again_is_asked_in_every_frame_until_it_is_proven():
    one = look([1, 0], [[1, 0]])
    maybe = look([0.36, 0.64], [[1, 0]])  # likeness (0.6 + 1) / 2 = 0.8, of the usual 0.87: 0.92
    identity = Identity((one,))
    assert identity.find(maybe)
    assert [identity.due() for _ in range(3)] == [True] * 3
    assert identity.follow(one, sure=True)
    assert [identity.due() for _ in range(ASK)] == [False] * (ASK - 1) + [True]


def test_sameness_falls_from_one_to_nothing():
    assert [sameness(value, 0.9) for value in (0.5, 0.7, 0.8, 0.9, 1.1)] == pytest.approx([0, 0, 0.5, 1, 1])
