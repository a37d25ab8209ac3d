"""How fast a batch goes, and how long it will take."""

import time


class Pace:
    """A clip's share of the whole is its size in bytes: known before it is opened."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes = {key: size + 1 for key, size in sizes.items()}  # an empty file is a clip, too
        self._total = sum(self._sizes.values())
        self._began = time.monotonic()
        self._shares: dict[str, float] = {}  # of each clip that was begun, in [0, 1]
        self._frames: dict[str, int] = {}

    def tick(self, key: str, frames: int, expected: int | None) -> None:
        self._frames[key] = frames
        self._shares[key] = min(frames / expected, 1.0) if expected else 0.0

    def end(self, key: str, frames: int) -> None:
        self._frames[key], self._shares[key] = frames, 1.0

    def again(self, key: str) -> None:
        self._frames.pop(key, None)
        self._shares.pop(key, None)

    def rate(self) -> float:
        """Frames a second of all workers together, since the start."""
        return sum(self._frames.values()) / max(time.monotonic() - self._began, 1e-6)

    def left(self) -> float | None:
        """Seconds; None while nothing can be said."""
        done = sum(self._sizes[key] * share for key, share in self._shares.items())
        if done <= 0:
            return None
        return (time.monotonic() - self._began) * (self._total - done) / done
