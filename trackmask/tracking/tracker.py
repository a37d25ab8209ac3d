"""The tracker: pictures in, masks out. One verb, `step`; what it remembers does not grow with the video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from trackmask.data import Image, Masks, ObjectRecord, Patch, State, box_of, label_map, measured
from trackmask.errors import CallError
from trackmask.prompts import Box, Prompt, check
from trackmask.runtime import Runtime
from trackmask.tracking import crop as crops
from trackmask.tracking.clicks import clicked
from trackmask.tracking.crop import Crop, continued, out_of
from trackmask.tracking.evidence import judged, of_mask, of_nothing
from trackmask.tracking.identity import Identity, appearance
from trackmask.tracking.memory import Past, remember
from trackmask.tracking.parts import largest_parts
from trackmask.tracking.prompted import PromptedFrame
from trackmask.tracking.reference import Reference
from trackmask.tracking.segment import Observation, Question, encode, look
from trackmask.tracking.shots import Shots
from trackmask.tracking.track import Track, compete

WIDEN = 1.5  # a frame: the search region of what is not found; a fast pan carries it off by its own size
PARTS = 3  # of a mask in that region, which are looked at closer
SCRAP = 0.1  # of the object's area: a smaller part of it looks like many things
CUT = 1.2  # a mask whose box may be so many times larger, but for the crop's edge, is looked at again
USUAL = 0.05  # of its usual confidence is the last frame's
WHOLE = 0.5  # of the object's area: what is less, as at the frame's edge, is not learnt as its look
FADE = 0.98  # a frame: what goes away shrinks slowly, what is being hidden fast


@dataclass(frozen=True)
class Settings:
    """How far the tracker trusts itself. What was tried, and on which clips, is in docs/training.md."""

    recent: int = 1  # of its own frames in memory
    every: int = 3  # frames between two of them
    sure: float = 0.7  # confidence from which a frame may enter the memory
    certain: float = 0.5  # confidence below which a mask is called uncertain
    visible: float = 0.5  # probability of being visible below which the mask is withheld
    reidentification: float = 0.92  # of its usual confidence, from which an object that was not seen is found again
    recognition: float = 0.75  # the same, where its look is beyond doubt


class Tracker:
    """Follows any number of objects through one video, forwards or backwards, or through a camera's pictures.

    tracker = Tracker(open_runtime(), (height, width))
    masks = tracker.step(first_image, [Prompt(object_id=1, frame=0, box=(x, y, w, h))])
    for image in images:
        masks = tracker.step(image)
    """

    def __init__(
        self, runtime: Runtime, size: tuple[int, int], settings: Settings = Settings(), *, one_shot: bool = False
    ) -> None:
        """`size`: (height, width) of the pictures; `one_shot`: they are known to be of one shot, so none is looked for
        that begins."""
        self.runtime, self.size, self.settings, self.one_shot = runtime, size, settings, one_shot
        self.tracks: dict[int, Track] = {}
        self.shots = Shots()

    def step(self, image: Image, prompts: Sequence[Prompt | Reference] = ()) -> Masks:
        """The masks of the next picture, (H, W, 3) uint8 RGB. Its prompts are taken as the truth, and may add objects
        at any time; one that was understood before may be given as its `Reference`. Raises CallError for another
        picture, PromptError for a prompt that does not fit it.
        """
        if np.shape(image) != (*self.size, 3) or image.dtype != np.uint8:
            got = f"{np.shape(image)} {getattr(image, 'dtype', type(image).__name__)}"
            raise CallError(f"the picture must be {(*self.size, 3)} uint8 RGB, got {got}")
        prompts = [p if isinstance(p, Reference) else check(p, self.size, absent=True) for p in prompts]
        cut = not self.one_shot and self.shots.begins(image)
        for track in self.tracks.values() if cut else ():
            track.lose(crops.whole_frame(self.size))
        prompted = {prompt.object_id for prompt in prompts}
        followed = [track for id_, track in sorted(self.tracks.items()) if id_ not in prompted]
        self._follow(image, followed)
        patches = {t.id: crops.paste(t.prob, t.crop, self.size) for t in followed if not t.missing}
        frame = PromptedFrame(self.runtime, image)
        for prompt in prompts:
            patches[prompt.object_id] = self._begin(frame, prompt)
        shown = {id_: patch for id_, patch in patches.items() if patch is not None}
        # What was prompted comes first: a painted mask is the truth, whatever else is as sure of its place.
        first = sorted(as_clicked(shown, prompts).items(), key=lambda one: (one[0] not in prompted, one[0]))
        return self._merge(dict(first), cut)

    def know(self, reference: Reference) -> None:
        """Take over a reference from another frame of the video; its object is followed from there."""
        self._take(reference.fresh())
        self.shots.last = reference.look  # a cut right behind that frame is one

    def stand(self, image: Image, masks: Mapping[int, np.ndarray]) -> None:
        """Go on from a picture that was tracked before: `masks`, (H, W) bool by id, are what was found in it of objects
        that are known. They are no references.
        """
        self.shots.begins(image)
        for object_id, mask in masks.items():
            track, box = self.tracks[object_id], box_of(mask)
            if box is None:
                track.lose(crops.whole_frame(self.size))
            else:
                track.crop, track.box, track.missing = crops.around(box, self.size), box, 0
                track.prob = crops.cut_mask(mask, track.crop, self.runtime.size // 2)

    def reference(self, prompt: Prompt, masks: Masks) -> Reference:
        """What a prompt of the last step says of its object; `masks` are what that step returned."""
        return Reference.of(prompt, self.tracks[prompt.object_id], masks.patches.get(prompt.object_id), self.shots.last)

    # --- following -----------------------------------------------------------------------------------------------

    def _follow(self, image: Image, tracks: list[Track]) -> None:
        if not tracks:
            return
        asked = [self._question(track, self._next_crop(track)) for track in tracks]
        first = look(self.runtime, image, asked)
        for track, question, seen in zip(tracks, asked, first, strict=True):
            if track.missing:
                self._seek(image, track, question, seen)
            else:
                self._recognise(image, track, question, seen)
        if len(tracks) > 1:
            compete(tracks)
        for track, seen in zip(tracks, first, strict=True):
            self._memorise(track, seen)

    def _next_crop(self, track: Track) -> Crop:
        if not track.missing:
            return crops.around(track.box, self.size, None if track.found else track.crop)
        side = track.crop.side * WIDEN
        if side >= max(self.size):
            return crops.whole_frame(self.size)
        x, y, w, h = track.box
        return crops.within(crops.square(x + w / 2, y + h / 2, side), self.size)

    def _question(self, track: Track, crop: Crop) -> Question:
        """Where in the crop is the object, whose last mask is known?"""
        return Question(crop, previous=crops.move(track.prob, track.crop, crop), known=track.past.known)

    def _recognise(self, image: Image, track: Track, asked: Question, seen: Observation) -> None:
        """What was followed so far is there, if it still looks like the object: that is asked every few frames, and in
        every frame until an object that was found again is beyond doubt.
        """
        asks = seen.box is not None and not track.found and track.identity.due()
        sure = seen.iou >= self.settings.sure and seen.area() >= WHOLE * track.area
        if asks and not track.identity.follow(appearance(image, seen), sure):
            track.past = track.past.without_recent()  # some of it may be of what was followed by mistake
            self._miss(track, seen.crop, seen.visible * track.identity.same)
        else:
            self._accept(track, self._look_further(image, track, asked, seen))

    def _look_further(self, image: Image, track: Track, asked: Question, cut: Observation) -> Observation:
        """An object that moved further than its crop allows for is cut off by the crop's edge. Where that is much of
        it, another crop shows the rest; else the next frame's crop would follow the part that is left.
        """
        whole = cut.whole(self.size, CUT)
        if whole is None:
            return cut
        crop = crops.around(whole, self.size, cut.crop)
        previous = crops.move(track.prob, track.crop, crop)
        (seen,) = look(self.runtime, image, [Question(crop, previous=previous, known=asked.known)])
        return seen if seen.visible >= self.settings.visible else cut

    def _seek(self, image: Image, track: Track, asked: Question, wide: Observation) -> None:
        """The object was not seen in the frame before. It is again what is believed as much as it usually is, and is as
        like it as it usually is like itself: a look-alike of an object that is always seen clearly is believed as much
        as another object ever is. What looks so like it that no doubt is left need not be believed as much. What is
        seen and is not like it speaks against the object's being there at all.
        """
        enough, least = (share * track.usual for share in (self.settings.reidentification, self.settings.recognition))
        there = []
        for seen in chain(self._look_well(image, asked, wide, least), self._look_closer(image, track, asked, wide)):
            found = track.identity.find(appearance(image, seen))
            if found and seen.belief() >= (least if track.identity.proven else enough):
                self._accept(track, seen)
                return
            there.append(track.identity.same)
        self._miss(track, wide.crop, wide.visible * max(there, default=1.0))

    def _look_well(self, image: Image, asked: Question, wide: Observation, enough: float) -> Iterator[Observation]:
        """What is believed to be the object, through a crop that fits it: a wide one shows it small."""
        if wide.box is not None and wide.belief() >= enough:
            crop = crops.around(wide.box, self.size)
            previous = crops.move(wide.prob, wide.crop, crop)
            yield from look(self.runtime, image, [Question(crop, previous=previous, known=asked.known)])

    def _look_closer(self, image: Image, track: Track, asked: Question, wide: Observation) -> Iterator[Observation]:
        """A wide search region shows other things, too, and the network marks some of them beside the object. So each
        large part of the mask is looked at through a crop of its own, as if it were the object; it is, or none is. The
        likeliest comes first.
        """
        boxes = largest_parts(wide.parts, PARTS)
        if not boxes:
            return
        close = [crops.around(out_of(box, wide.crop, wide.prob.shape[0]), self.size) for box in boxes]
        seen = look(self.runtime, image, [Question(crop, known=asked.known) for crop in close])
        large = [one for one in seen if one.area() >= SCRAP * track.area]
        yield from sorted(large, key=Observation.belief, reverse=True)

    def _accept(self, track: Track, seen: Observation) -> None:
        """The frame's verdict on one object: its mask, its state, and where to look next."""
        if seen.box is None or seen.visible < self.settings.visible:
            self._miss(track, seen.crop, seen.visible)
            return
        track.evidence = of_mask(seen, track, self.size)
        track.crop, track.prob, track.confidence = seen.crop, seen.prob, track.evidence.quality
        track.state = State.TRACKED  # or uncertain: `judged` says
        track.usual += USUAL * (seen.iou - track.usual)
        track.found, track.missing = track.missing > 0, 0
        # What the crop's edge cuts off lies outside of what the network is shown: the next crop must reach there.
        track.box = continued(seen.box, seen.prob, seen.crop, self.size)
        if track.confidence >= self.settings.sure:
            track.area = max(seen.area(), FADE * track.area)

    def _miss(self, track: Track, crop: Crop, visible: float) -> None:
        """It is not seen through that crop; `visible`: the probability that it is there all the same."""
        track.crop, track.prob = crop, np.zeros_like(track.prob)
        track.state = State.LOST  # or absent: `judged` says
        track.evidence = of_nothing(visible, track)
        track.confidence = track.evidence.quality
        track.missing += 1

    def _memorise(self, track: Track, first: Observation) -> None:
        """`first`: what the frame's first look observed. A mask from a second look lies over another crop, whose
        features it would have to be remembered with; such a frame is left out.
        """
        track.since += 1
        fits = track.crop == first.crop
        known = fits and track.identity.proven and not track.missing and not track.found
        sure = known and track.confidence >= self.settings.sure
        if sure and track.since >= self.settings.every and self.settings.recent:
            track.past = track.past.since(remember(first.features, track.prob), self.settings.recent)
            track.since = 0

    # --- prompts -------------------------------------------------------------------------------------------------

    def _begin(self, frame: PromptedFrame, prompt: Prompt | Reference) -> Patch | None:
        """Take a prompt: it becomes a permanent reference, and its mask the frame's result."""
        if isinstance(prompt, Reference):
            self.know(prompt)
            return prompt.patch
        track = self.tracks.get(prompt.object_id)
        if prompt.mask is not None:
            return self._begin_with(frame.image, prompt.object_id, prompt.mask)
        last = track.crop if track is not None and not track.missing else None
        seen = frame.observe(prompt, last)
        state = State.TRACKED if seen.iou >= self.settings.certain else State.UNCERTAIN
        self._refer(frame.image, prompt.object_id, seen, seen.box, State.LOST if seen.box is None else state)
        return None if seen.box is None else crops.paste(seen.prob, seen.crop, self.size)

    def _begin_with(self, image: Image, object_id: int, mask: np.ndarray) -> Patch:
        box = box_of(mask)
        crop = crops.whole_frame(self.size) if box is None else crops.around(box, self.size)
        prob = crops.cut_mask(mask, crop, self.runtime.size // 2)
        given = Observation(crop, encode(self.runtime, image, [crop]), prob, iou=1.0, visible=1.0)
        self._refer(image, object_id, given, box, State.ABSENT if box is None else State.TRACKED)
        return Patch(0, 0, mask.astype(np.uint8) * 255)

    def _refer(self, image: Image, object_id: int, seen: Observation, box: Box | None, state: State) -> None:
        """What is observed in a prompted frame becomes a reference of its object; `box` is the mask's, None where it is
        empty.
        """
        crop, prob, confidence = seen.crop, seen.prob, seen.iou
        where = box or (crop.x, crop.y, crop.width, crop.height)
        past = Past((remember(seen.features, prob),))
        new = Track(object_id, past, crop, prob, where, state, confidence, seen.area(), usual=confidence)
        new.missing = 0 if box else 1
        new.identity = Identity((appearance(image, seen),))
        self._take(new)

    def _take(self, new: Track) -> None:
        """`new` stands in a prompted frame, which is all that it remembers."""
        if new.id in self.tracks:
            self.tracks[new.id].go_on_from(new)
        else:
            self.tracks[new.id] = new

    # --- all objects of the frame --------------------------------------------------------------------------------

    def _merge(self, patches: dict[int, Patch], cut: bool) -> Masks:
        """All objects of the frame; their soft masks come in the order in which a tie is decided."""
        labels = label_map(patches.items(), self.size)
        tracks = [track for _, track in sorted(self.tracks.items())]
        said = (ObjectRecord(t.id, t.state, round(t.confidence, 4), 0, None, evidence=t.evidence) for t in tracks)
        records = (judged(measured(r, labels), self.runtime.calibration, self.settings.certain) for r in said)
        return Masks(labels, tuple(records), patches, cut)


def as_clicked(patches: dict[int, Patch], prompts: Sequence[Prompt | Reference]) -> dict[int, Patch]:
    """The objects' soft masks in a prompted frame; a pixel that is clicked on one object is none of another's."""
    result = dict(patches)
    for prompt in prompts:
        for id_, patch in result.items():
            own = id_ == prompt.object_id
            on, beside = (prompt.positive, prompt.negative) if own else ((), prompt.positive)
            result[id_] = clicked(patch, on, beside)
    return result
