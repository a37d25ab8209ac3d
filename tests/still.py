"""The studio's tracking stands still: what a test says of a work under way must not depend on how fast the machine is.

It stands after a few frames until somebody stops it. In the process of the test:

    with still_after(3):
        ...

In a process of its own, for as long as a file is there: `python tests/still.py FILE studio ...`.
"""

import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from trackmask.studio.jobs import Stopped
from trackmask.studio.teller import Teller

FRAMES = 8  # that are tracked before it stands still in a process of its own


@contextmanager
def still_after(frames: int, is_still: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """`frames`: of each work, those of both directions."""
    step = Teller.step

    def stand(teller: Teller) -> None:
        step(teller)
        if teller._job.done < frames or not is_still():
            return
        teller.flush()
        while is_still():
            if teller._job.stop.wait(0.05):
                raise Stopped

    with patch.object(Teller, "step", stand):
        yield


if __name__ == "__main__":
    with still_after(FRAMES, Path(sys.argv.pop(1)).exists):
        runpy.run_module("trackmask", run_name="__main__", alter_sys=True)
