"""`trackmask`, whose studio's tracking stands still while a file is there: `python tests/still.py FILE studio ...`.

What a test says of a work under way must not depend on how fast the machine tracks. It stands after a few frames, and
tells of itself as ever; whoever stops it stops it.
"""

import runpy
import sys
import time
from pathlib import Path

from trackmask.studio.desk import Teller
from trackmask.studio.jobs import Stopped

FRAMES = 8  # that are tracked before it stands still: enough for a rate that is not 0 for minutes


def stand_still_for(file: Path) -> None:
    step = Teller.step

    def still(teller: Teller) -> None:
        step(teller)
        while teller._job.done >= FRAMES and file.exists():
            teller.flush()
            time.sleep(0.05)
            if teller._job.stop.is_set():
                raise Stopped

    Teller.step = still


if __name__ == "__main__":
    stand_still_for(Path(sys.argv.pop(1)))
    runpy.run_module("trackmask", run_name="__main__", alter_sys=True)
