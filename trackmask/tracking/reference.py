"""A prompt as a tracker has understood it: other trackers of the same video take it over, and need not look again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from trackmask.data import Patch
from trackmask.tracking.track import Track


@dataclass(frozen=True, eq=False)
class Reference:
    """What one prompt says of its object."""

    track: Track  # the object as it stands in that frame, which is all that it remembers
    patch: Patch | None  # its soft mask there; None where there is none

    @property
    def object_id(self) -> int:
        return self.track.id

    @classmethod
    def of(cls, track: Track, patch: Patch | None) -> Reference:
        """Of a track whose last frame was prompted."""
        return cls(replace(track, references=track.references[-1:], recent=deque(maxlen=track.recent.maxlen)), patch)

    def fresh(self) -> Track:
        """A track of one's own that begins here."""
        return replace(self.track, references=[*self.track.references], recent=deque(maxlen=self.track.recent.maxlen))
