"""A prompt as a tracker has understood it: other trackers of the same video take it over, and need not look again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from trackmask.data import Patch
from trackmask.prompts import Point, Prompt
from trackmask.tracking.track import Track


@dataclass(frozen=True, eq=False)
class Reference:
    """What one prompt says of its object."""

    track: Track  # the object as it stands in that frame, which is all that it remembers
    patch: Patch | None  # its soft mask there; None where there is none
    positive: tuple[Point, ...]  # the prompt's clicks on the object
    negative: tuple[Point, ...]  # and beside it
    look: np.ndarray | None  # of the frame, as `Shots` compares frames

    @property
    def object_id(self) -> int:
        return self.track.id

    @classmethod
    def of(cls, prompt: Prompt, track: Track, patch: Patch | None, look: np.ndarray | None) -> Reference:
        """Of a track whose last frame was prompted."""
        own = replace(track, past=track.past.last_reference(), identity=track.identity.anew())
        return cls(own, patch, prompt.positive, prompt.negative, look)

    def fresh(self) -> Track:
        """A track of one's own that begins here."""
        return replace(self.track, past=self.track.past.without_recent(), identity=replace(self.track.identity))

    def knowing(self, others: Iterable[Reference]) -> Reference:
        """The same, with what other frames say of the object."""
        own = self.fresh()
        for other in others:
            own.past = other.track.past.joined(own.past.references)
            own.identity = other.track.identity.joined(own.identity)
        return replace(self, track=own)
