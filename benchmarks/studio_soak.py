"""Does the studio's memory stay flat? Hours of work in minutes: random acts through HTTP, as the page asks.

python benchmarks/studio_soak.py                  three minutes with a film of 480p
python benchmarks/studio_soak.py --minutes 60
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from statistics import median
from time import sleep

import click
from clips import Sample
from studio import SIZES, STAGE, Studio, studio, watch

FRAMES, OBJECTS = 300, 6  # of the film; at most, at a time
ACTS = {
    "look": 10,
    "click": 4,
    "stroke": 3,
    "play": 3,
    "drag": 3,
    "undo": 2,
    "redo": 1,
    "delete": 1,
    "track": 1,
}  # how often
LONGEST = 10.0  # seconds that one tracking may take


def act(one: Studio, do: str, rng: random.Random) -> None:
    """One act; what makes no sense just now is refused by the studio, as it would be on the page."""
    (height, width), frame = SIZES["480p"], rng.randrange(FRAMES)
    known = [item["id"] for item in one.state()["objects"]]
    who = rng.choice([*known, None] if len(known) < OBJECTS else known)
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
    said: dict[str, object] = {}
    if do in ("look", "click"):
        one.get(f"frames/{frame}", width=STAGE, still=1)
        one.get(f"masks/{frame}")
    if do == "play":
        for index in range(frame, min(frame + 25, FRAMES)):
            one.get(f"frames/{index}", width=STAGE, ahead=1)
    elif do == "drag":
        for index in range(frame, FRAMES, 4):
            one.get(f"frames/{index}", width=STAGE, near=1)
    elif do == "click":
        said = {"object": who, "frame": frame, "x": x, "y": y, "on": True}
    elif do == "stroke":
        said = {"object": who, "frame": frame, "points": [[x, y], [x + 40, y + 20]], "radius": 20, "add": True}
    elif do == "delete":
        said = {"object": who}
    elif do == "track":
        said = {"direction": "both", "frame": frame}
    if do not in ("look", "play", "drag"):
        one.client.post(f"{one.way}/{do}", json=said)


def track_for(one: Studio, seconds: float) -> float:
    """Wait for a tracking, or stop it then; the memory, MB, that was taken at most meanwhile."""
    until, most = watch.now() + seconds, one.memory()
    while one.state()["job"] and watch.now() < until:
        most = max(most, one.memory())
        sleep(0.1)
    one.client.post(f"{one.way}/stop", json={})
    one.wait()
    return most


@click.command(help=__doc__)
@click.option("--minutes", type=float, default=3)
def main(minutes: float) -> None:
    rng, clicks, after = random.Random(3), [], []
    with tempfile.TemporaryDirectory() as room, studio(Sample().clip(Path(room), SIZES["480p"], 1, FRAMES).path) as one:
        one.wait()
        click.echo(f"at first {one.memory():.0f} MB")
        began = watch.now()
        while watch.now() - began < 60 * minutes:
            do = rng.choices(list(ACTS), list(ACTS.values()))[0]
            at = watch.now()
            act(one, do, rng)
            if do == "click":
                clicks.append(watch.now() - at)
            elif do == "track":
                most = track_for(one, rng.uniform(1, LONGEST))
                after.append(one.memory())
                click.echo(
                    f"{watch.now() - began:.0f} s, {len(clicks)} clicks: tracking took {most:.0f} MB at most, "
                    f"then {after[-1]:.0f} MB are left"
                )
        first, second = (max(half) for half in (after[: len(after) // 2], after[len(after) // 2 :]))
        click.echo(
            f"after a tracking at most {first:.0f} MB in the first half, {second:.0f} MB in the second; "
            f"{len(clicks)} clicks with their frame and mask, median {1000 * median(clicks):.0f} ms"
        )


if __name__ == "__main__":
    main()
