"""The masks that are to be seen: what was tracked, and above it what was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from trackmask.data import Labels, ObjectRecord, State, box_of
from trackmask.errors import ResultError
from trackmask.prompts import Prompt
from trackmask.result.records import dumps, encode
from trackmask.runtime import Runtime
from trackmask.studio.acts import Given, Said
from trackmask.studio.frames import Frames, Kept
from trackmask.studio.painting import painted
from trackmask.studio.prompting import Prompting
from trackmask.studio.store import GIVEN, Place, Store
from trackmask.studio.turns import Turns
from trackmask.tracking import Reference, Settings

UNDERSTOOD = 64 << 20  # bytes of prompts as the tracker understood them, which are kept


class Shown(Store):
    """A store with the network that tells what a prompt means, and the pictures."""

    def __init__(self, place: Place, runtime: Runtime, turns: Turns, held: BinaryIO | None = None) -> None:
        super().__init__(place, held)
        self.runtime, self.turns, self.settings = runtime, turns, Settings()
        self.frames = Frames(self.reader, turns)
        self.prompting = Prompting(runtime, self.frames, turns)
        self.understood: Kept[Reference] = Kept(UNDERSTOOD)  # prompts, by object, frame and number
        self._last: tuple[Any, np.ndarray] = (None, np.zeros(0, bool))  # what was changed last, and the mask since

    def close(self) -> None:
        self.frames.close()
        super().close()

    def labels(self, frame: int, said: Said | None = None) -> Labels:
        """(H, W) uint8: what was tracked, and above it what was given; by what was `said` once, or now."""
        labels, said = self.tracked.labels(frame), said or self.acts.said
        for object_id in set(np.unique(labels).tolist()) - {0} - set(said.names):
            labels[labels == object_id] = 0
        for object_id, given in said.given_in(frame):
            labels[labels == object_id] = 0
            labels[self.mask(object_id, frame, given)] = object_id
        return labels

    def record(self, object_id: int, frame: int, said: Said | None = None) -> ObjectRecord | None:
        """None where nothing is known."""
        given = (said or self.acts.said).givens.get((object_id, frame))
        if given is None:
            return self.tracked.record(object_id, frame)
        if (given.number, object_id, frame) not in self.seen:
            self._see(object_id, frame, given, self.mask(object_id, frame, given), 1.0)
        return self.seen[given.number, object_id, frame]

    def records(self, frame: int, said: Said | None = None) -> Iterator[ObjectRecord]:
        """Of all objects of which something is known in a frame, in order of id."""
        said = said or self.acts.said
        found = (self.record(object_id, frame, said) for object_id in sorted(said.names))
        yield from (record for record in found if record is not None)

    def mask(self, object_id: int, frame: int, given: Given) -> np.ndarray:
        """(H, W) bool: what was said of an object in a frame, as a mask."""
        path = self.given_path(given.number, object_id, frame)
        with suppress(ResultError):
            return self.read_mask(path)
        with self.lock:  # made once, whoever else asks meanwhile
            with suppress(ResultError):
                return self.read_mask(path)
            mask, sure = self._made(object_id, frame, given)
            self.write_mask(path, mask)
            self._see(object_id, frame, given, mask, sure)
        return mask

    def prompt(self, object_id: int, frame: int, given: Given) -> Prompt:
        """What was said of an object in a frame, for the tracker."""
        if given.kind in ("clicks", "box"):
            return Prompt(object_id, frame, None, given.box, given.positive, given.negative)
        return Prompt(object_id, frame, mask=self.mask(object_id, frame, given))

    def _made(self, object_id: int, frame: int, given: Given) -> tuple[np.ndarray, float]:
        """The mask, and how sure it is: what is painted, or comes from elsewhere, is certain."""
        mask, sure = np.zeros(self.size, bool), 1.0
        if given.base:
            mask = self.read_mask(self.place.folder / GIVEN / given.base)
        elif given.asks:
            asked = Prompt(object_id, frame, None, given.box, given.positive, given.negative)
            mask, sure = self.prompting.answer(asked)
        return self._changed(frame, mask, given), 1.0 if given.painted else sure

    def _changed(self, frame: int, mask: np.ndarray, given: Given) -> np.ndarray:
        """A mask after all that changed it."""
        done, known = self._last
        if done == (frame, given.base, given.painted[:-1]) and given.painted[:-1]:
            mask, todo = known, given.painted[-1:]
        else:
            todo = given.painted
        for act in todo:
            if act["do"] == "click" and mask.any():
                mask = self.prompting.refine(frame, mask, (float(act["x"]), float(act["y"])), on=bool(act["on"]))
            elif act["do"] != "click":
                mask = painted(mask, [act])
        self._last = (frame, given.base, given.painted), mask
        return mask

    def _see(self, object_id: int, frame: int, given: Given, mask: np.ndarray, sure: float) -> None:
        found = State.TRACKED if sure >= self.settings.certain else State.UNCERTAIN
        state = found if mask.any() else State.LOST if given.asks else State.ABSENT
        self.saw(
            given, frame, ObjectRecord(object_id, state, round(sure, 4), int(np.count_nonzero(mask)), box_of(mask))
        )

    def saw(self, given: Given, frame: int, record: ObjectRecord) -> None:
        """What the mask of a prompt is like: the timeline shows it without reading the mask."""
        self.seen[given.number, record.id, frame] = record
        self.journal.line(dumps({"do": "seen", "number": given.number, "of": json.loads(encode(frame, [record]))}))
