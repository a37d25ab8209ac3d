"""One object on its way through a video: what is known of it, and how several of them share a picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from trackmask.data import Evidence, State
from trackmask.prompts import Box
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import Crop
from trackmask.tracking.identity import Identity
from trackmask.tracking.memory import Past


@dataclass
class Track:
    """One object."""

    id: int
    past: Past
    crop: Crop
    prob: np.ndarray  # (s, s) float32 over the crop: the last mask
    box: Box  # the last one seen: x, y, w, h in pixels of the frame
    state: State
    confidence: float  # of the last mask: what is remembered, and how large it is believed to be, hangs by it
    area: float  # pixels of the frame, of the whole object as it was last seen
    usual: float  # confidence where it is tracked: some objects are always less certain than others
    since: int = 0  # frames since one of its own entered the memory
    missing: int = 0  # frames without a mask
    found: bool = False  # in the last frame, after frames without a mask
    evidence: Evidence | None = None  # of the last frame; None where it was prompted
    identity: Identity = field(default_factory=Identity)

    def lose(self, crop: Crop) -> None:
        """Its video goes on elsewhere: the last mask says nothing any more, and it may be anywhere in that crop.
        What it looked like lately is remembered: it comes back more like that than like its first frame.
        """
        self.prob = np.zeros_like(self.prob)
        self.missing = max(self.missing, 1)
        self.evidence = replace(self.evidence or Evidence(), away=True)
        self.crop, self.box = crop, (crop.x, crop.y, crop.width, crop.height)

    def go_on_from(self, prompted: Track) -> None:
        """Take what a prompted frame says of the object: a reference, and where it is."""
        self.past = self.past.joined(prompted.past.references)
        self.identity = self.identity.joined(prompted.identity)
        self.crop, self.prob, self.box, self.missing = prompted.crop, prompted.prob, prompted.box, prompted.missing
        self.state, self.confidence, self.area = prompted.state, prompted.confidence, prompted.area or self.area
        self.evidence = None


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
