"""The tracker: pictures in, masks out. One verb, `step`; what it remembers does not grow with the video."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from . import crop as crops
from .crop import Crop
from .data import Frame, Image, Masks, ObjectRecord, Patch, State, box_of
from .memory import Memory, join, remember, solve
from .prompt_maps import STRIDE, box_map, click_maps
from .prompts import Prompt
from .runtime import Features, Runtime, sigmoid

SPECK = 0.02  # parts smaller than this share of the mask do not move the crop
WIDEN = 1.15  # a frame: the search region of an object that is not found


@dataclass(frozen=True)
class Settings:
    """Chosen on the `tune` clips, which were never trained on; see docs/training.md."""

    recent: int = 2  # of its own frames in memory
    every: int = 3  # frames between two of them
    sure: float = 0.8  # confidence from which a frame may enter the memory
    certain: float = 0.5  # confidence below which a mask is called uncertain
    visible: float = 0.5  # probability of being visible below which the mask is withheld


@dataclass
class Track:
    """One object."""

    id: int
    references: list[Memory]  # prompted frames: kept for ever
    recent: deque[Memory]
    crop: Crop
    prob: np.ndarray  # (s, s) float32 over the crop: the last mask
    box: tuple[float, float, float, float]  # the last one seen: x, y, w, h in pixels of the frame
    since: int = 0  # frames since one of its own entered the memory
    missing: int = 0  # frames without a mask
    record: ObjectRecord | None = field(default=None, repr=False)

    def memory(self) -> Memory:
        return join(self.references, tuple(self.recent))


class Tracker:
    """Follows any number of objects through one video, forwards or backwards.

    with `frames` from `video.open_video(path)`:

        tracker = Tracker(open_runtime(), video.info.size)
        masks = tracker.step(first, [Prompt(object_id=1, frame=0, mask=mask)])
        for frame in frames:
            masks = tracker.step(frame)
    """

    def __init__(self, runtime: Runtime, size: tuple[int, int], settings: Settings = Settings()) -> None:  # noqa: B008
        """`size`: (height, width) of the frames."""
        self.runtime, self.size, self.settings = runtime, size, settings
        self.tracks: dict[int, Track] = {}

    def step(self, frame: Frame, prompts: Sequence[Prompt] = ()) -> Masks:
        """The masks of the next frame. Its prompts are taken as the truth, and may add objects at any time."""
        prompted = {prompt.object_id for prompt in prompts}
        followed = [track for id_, track in sorted(self.tracks.items()) if id_ not in prompted]
        self.follow(frame.image, followed)
        patches = {t.id: crops.paste(t.prob, t.crop, self.size) for t in followed if t.record and t.record.area}
        for prompt in prompts:
            patches[prompt.object_id] = self.begin(frame.image, prompt)
        return self.merge({id_: patch for id_, patch in patches.items() if patch is not None})

    # --- following -----------------------------------------------------------------------------------------------

    def follow(self, image: Image, tracks: list[Track]) -> None:
        if not tracks:
            return
        new = [self.next_crop(track) for track in tracks]
        features = self.encode(image, new)
        previous = [crops.move(t.prob, t.crop, c) for t, c in zip(tracks, new, strict=True)]
        for group in same_memory(tracks):
            probs, quality = self.decode(features.at(group), [tracks[i] for i in group], [previous[i] for i in group])
            for i, prob, judged in zip(group, probs, quality, strict=True):
                self.accept(tracks[i], new[i], prob, judged)
        if len(tracks) > 1:
            compete(tracks)
        for i, track in enumerate(tracks):
            self.memorise(track, features, i)

    def next_crop(self, track: Track) -> Crop:
        if not track.missing:
            return crops.around(track.box, self.size, track.crop)
        whole = crops.whole_frame(self.size)
        side = track.crop.side * WIDEN
        if side >= whole.side:
            return whole
        x, y, w, h = track.box
        return crops.square(x + w / 2, y + h / 2, side)

    def encode(self, image: Image, at: list[Crop]) -> Features:
        return self.runtime.encode(np.stack([crops.cut(image, crop, self.runtime.size) for crop in at]))

    def decode(
        self, features: Features, tracks: list[Track], previous: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        memories = [track.memory() for track in tracks]
        logits, quality = self.runtime.decode(
            features,
            np.stack(previous)[:, None],
            np.zeros((len(tracks), 2, *2 * (self.runtime.size // STRIDE,)), np.float32),
            np.stack([m.keys for m in memories]),
            np.stack([m.values for m in memories]),
            np.stack([solve(m) for m in memories]),
        )
        return sigmoid(logits), quality

    def accept(self, track: Track, crop: Crop, prob: np.ndarray, quality: np.ndarray) -> None:
        """The frame's verdict on one object: its mask, its state, and where to look next."""
        iou, visible = float(quality[0]), float(quality[1])
        box = main_box(prob)
        if box is None or visible < self.settings.visible:
            state = State.ABSENT if visible < self.settings.visible else State.LOST
            track.record = ObjectRecord(track.id, state, round(1 - visible, 4), 0, None)
            track.crop, track.prob = crop, np.zeros_like(prob)
            track.missing += 1
            return
        state = State.TRACKED if iou >= self.settings.certain else State.UNCERTAIN
        unit = crop.side / prob.shape[0]
        track.box = (crop.x + box[0] * unit, crop.y + box[1] * unit, box[2] * unit, box[3] * unit)
        track.record = ObjectRecord(track.id, state, round(iou, 4), 1, None)
        track.crop, track.prob, track.missing = crop, prob, 0

    def memorise(self, track: Track, features: Features, index: int) -> None:
        track.since += 1
        sure = track.record is not None and track.record.area and track.record.confidence >= self.settings.sure
        if sure and track.since >= self.settings.every and self.settings.recent:
            track.recent.append(self.remember(features, index, track.prob))
            track.since = 0

    def remember(self, features: Features, index: int, prob: np.ndarray) -> Memory:
        return remember(features.memory_key[index], features.context[index], features.linear[index], prob)

    # --- prompts -------------------------------------------------------------------------------------------------

    def begin(self, image: Image, prompt: Prompt) -> Patch | None:
        """Take a prompt: its mask becomes a permanent reference, and the frame's result."""
        if prompt.mask is not None:
            box = box_of(prompt.mask)
            crop = crops.around(box or (0, 0, *self.size[::-1]), self.size)
            full = prompt.mask.astype(np.uint8) * 255
            prob = crops.cut(full, crop, self.runtime.size // 2, 0).astype(np.float32) / 255
            patch: Patch | None = Patch(0, 0, full)
            confidence = 1.0
            features = self.encode(image, [crop])
        else:
            crop = self.prompt_crop(prompt)
            features, prob, quality = self.look(image, crop, self.prompt_maps(prompt, crop))
            found = main_box(prob)
            unit = crop.side / prob.shape[0]
            box = None if found is None else (
                crop.x + found[0] * unit, crop.y + found[1] * unit, found[2] * unit, found[3] * unit
            )  # fmt: skip
            patch, confidence = crops.paste(prob, crop, self.size), float(quality[0])
        memory = self.remember(features, 0, prob)
        track = self.tracks.get(prompt.object_id)
        if track is None:
            track = Track(prompt.object_id, [], deque(maxlen=max(self.settings.recent, 1)), crop, prob, (0, 0, 0, 0))
            self.tracks[track.id] = track
        track.references.append(memory)
        track.crop, track.prob, track.missing = crop, prob, 0 if box else 1
        track.box = tuple(map(float, box)) if box else (crop.x, crop.y, crop.side, crop.side)
        state = State.TRACKED if confidence >= self.settings.certain else State.UNCERTAIN
        track.record = ObjectRecord(track.id, state if box else State.LOST, round(confidence, 4), 1 if box else 0, None)
        return patch if box else None

    def prompt_crop(self, prompt: Prompt) -> Crop:
        if prompt.box is not None:
            return crops.around(prompt.box, self.size)
        return crops.whole_frame(self.size)

    def prompt_maps(self, prompt: Prompt, crop: Crop) -> np.ndarray:
        size = self.runtime.size
        unit = size / crop.side
        if prompt.box is not None:
            x, y, w, h = prompt.box
            return box_map(((x - crop.x) * unit, (y - crop.y) * unit, w * unit, h * unit), size)
        places = ([((x - crop.x) * unit, (y - crop.y) * unit) for x, y in p] for p in (prompt.positive, prompt.negative))
        return click_maps(*places, size)

    def look(self, image: Image, crop: Crop, prompts: np.ndarray) -> tuple[Features, np.ndarray, np.ndarray]:
        """Without a reference: the features, the mask (s, s) of what the prompt maps mean, and (IoU, visible)."""
        features = self.encode(image, [crop])
        cells, channels = features.context[0][0].size, len(features.memory_key[0])
        values = features.context.shape[1] * 2 + 4
        logits, quality = self.runtime.decode(
            features,
            np.zeros((1, 1, *2 * (self.runtime.size // 2,)), np.float32),
            prompts[None],
            np.zeros((1, 0, cells, channels), np.float32),
            np.zeros((1, 0, cells, values), np.float32),
            np.zeros((1, features.linear.shape[1] + 1), np.float32),
        )
        return features, sigmoid(logits[0]), quality[0]

    # --- all objects of the frame --------------------------------------------------------------------------------

    def merge(self, patches: dict[int, Patch]) -> Masks:
        """The objects' soft masks as one label map: each place belongs to the likeliest object, if it passes half."""
        labels, best = np.zeros(self.size, np.uint8), np.full(self.size, 127, np.uint8)
        for id_, patch in sorted(patches.items()):
            area = np.s_[patch.y : patch.y + patch.prob.shape[0], patch.x : patch.x + patch.prob.shape[1]]
            wins = patch.prob > best[area]
            labels[area][wins] = id_
            if len(patches) > 1:
                best[area][wins] = patch.prob[wins]
        records = tuple(self.finish(track, labels) for _, track in sorted(self.tracks.items()))
        return Masks(labels, records, patches)

    def finish(self, track: Track, labels: np.ndarray) -> ObjectRecord:
        record = track.record
        if record is None:
            raise RuntimeError(f"object {track.id} was neither prompted nor followed")
        if record.area:
            mask = labels == track.id
            box = box_of(mask)
            area = int(cv2.countNonZero(mask.view(np.uint8)))
            state = record.state if box else State.LOST
            record = ObjectRecord(track.id, state, record.confidence, area, box)
        track.record = record
        return record


def same_memory(tracks: list[Track]) -> Iterable[list[int]]:
    """Indices of the tracks, grouped by how many frames they remember: a batch is rectangular."""
    groups: dict[int, list[int]] = {}
    for index, track in enumerate(tracks):
        groups.setdefault(len(track.references) + len(track.recent), []).append(index)
    return groups.values()


def compete(tracks: list[Track]) -> None:
    """Where another object is likelier, an object's own last mask must not claim the place in the next frame."""
    shares = []
    for track in tracks:
        rival = np.zeros_like(track.prob)
        for other in tracks:
            if other is not track and not other.missing:
                rival = np.maximum(rival, crops.move(other.prob, other.crop, track.crop))
        shares.append(np.where(rival > track.prob, np.minimum(track.prob, 1 - rival), track.prob))
    for track, share in zip(tracks, shares, strict=True):
        track.prob = share


def main_box(prob: np.ndarray) -> tuple[int, int, int, int] | None:
    """Box (x, y, w, h) of a soft mask (s, s) without specks, in its pixels; None where nothing passes one half."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((prob > 0.5).astype(np.uint8))
    if count < 2:
        return None
    parts = stats[1:]
    parts = parts[parts[:, cv2.CC_STAT_AREA] >= SPECK * parts[:, cv2.CC_STAT_AREA].sum()]
    x, y = parts[:, 0].min(), parts[:, 1].min()
    return int(x), int(y), int((parts[:, 0] + parts[:, 2]).max() - x), int((parts[:, 1] + parts[:, 3]).max() - y)
