"""Faults of one line, each put into a copy of the code, that the tests must notice.

    python tests/mutants.py             all of them, some minutes
    python tests/mutants.py crop memory     those of some files

Not a part of the suite. A fault that survives is a test that is missing; one whose line is gone wants to be put anew.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import click

ROOT = Path(__file__).parents[1]
COPIED = ("trackmask", "tests", "samples", "weights", "pyproject.toml")
STEPS, CROPS, MEMORY = "test_tracker.py", "test_crop.py", "test_memory.py"
TWICE, BLEND, EVIDENCE = "test_twice.py", "test_blend.py", "test_evidence.py"
LOOP = "test_loop.py"
PROMPTED, CLICKS, MERGING = "test_prompted.py", "test_clicks.py", "test_merging.py"


class Fault(NamedTuple):
    file: str  # of trackmask
    line: str  # a part of it that stands there once
    wrong: str  # what stands there instead
    tests: str  # of tests/tracking, that notice


FAULTS = (
    # where the last mask lies, and whose it is
    Fault(
        "tracking/tracker.py",
        "previous=crops.move(track.prob, track.crop, crop), known",
        "previous=track.prob, known",
        STEPS,
    ),
    Fault(
        "tracking/tracker.py",
        "if len(tracks) > 1:\n            compete",
        "if len(tracks) > 99:\n            compete",
        STEPS,
    ),
    Fault("tracking/track.py", "np.minimum(track.prob, 1 - rival)", "track.prob", STEPS),
    Fault("tracking/track.py", "if other is not track and", "if other is track and", STEPS),
    # where to look
    Fault("tracking/tracker.py", "track.crop.side * WIDEN", "track.crop.side", STEPS),
    Fault("tracking/tracker.py", "track.box = continued(seen.box, seen.prob, seen.crop, self.size)", "pass", STEPS),
    Fault("tracking/segment.py", "whole[2] * whole[3] >= least * self.box[2] * self.box[3]", "False", STEPS),
    Fault("tracking/prompted.py", "self._around(whole, prompt)", "seen.crop", PROMPTED),
    Fault("tracking/tracker.py", "(least if track.identity.proven else enough)", "least", STEPS),
    Fault("tracking/tracker.py", "(least if track.identity.proven else enough)", "enough", STEPS),
    Fault("tracking/tracker.py", " and seen.area() >= WHOLE * track.area", "", STEPS),
    # what is believed
    Fault(
        "tracking/tracker.py",
        "or seen.visible < self.settings.visible:\n            self._miss",
        ":\n            self._miss",
        STEPS,
    ),
    Fault("tracking/evidence.py", "State.TRACKED if confidence >= certain", "State.TRACKED if True", STEPS),
    Fault("tracking/evidence.py", "State.ABSENT if known.quality >= certain", "State.ABSENT if False", STEPS),
    Fault("tracking/evidence.py", "quality=1 - visible", "quality=visible", STEPS),
    # what is known of a mask, and what is said of it
    Fault(
        "tracking/tracker.py",
        "track.confidence = seen.crop, seen.prob, track.evidence.quality",
        "track.confidence = seen.crop, seen.prob, seen.iou",
        STEPS,
    ),
    Fault("tracking/track.py", "or Evidence(), away=True)", "or Evidence())", EVIDENCE),
    Fault("tracking/evidence.py", "Evidence(away=track.missing > 0)", "Evidence()", EVIDENCE),
    Fault("tracking/evidence.py", "max(usual - overlap, 0.0)", "max(1 - overlap, 0.0)", EVIDENCE),
    Fault("tracking/twice.py", "agreed=found[way].agreed.get(frame)", "agreed=known.agreed", TWICE),
    Fault("tracking/evidence.py", "min(right, came_back)", "right", EVIDENCE),
    Fault("tracking/evidence.py", "reversed(alike), min))[::-1]", "alike, min))", EVIDENCE),
    Fault("tracking/evidence.py", "larger -= min(max(larger, -PACE), PACE)", "pass", EVIDENCE),
    Fault(
        "tracking/evidence.py",
        "before.grown - before.shrunk + change",
        "before.grown + before.shrunk + change",
        EVIDENCE,
    ),
    Fault("tracking/evidence.py", "explained = edge or before.edge or before.away", "explained = False", EVIDENCE),
    Fault("tracking/evidence.py", "1 - areas.max() / areas.sum()", "1 - areas.min() / areas.sum()", EVIDENCE),
    Fault("tracking/evidence.py", "+ seen.prob[~mask].sum()", "", EVIDENCE),
    Fault("tracking/evidence.py", "return replace(way, quality", "return replace(left, quality", EVIDENCE),
    Fault("tracking/evidence.py", "if confidence >= certain else", "if record.confidence >= certain else", EVIDENCE),
    Fault("tracking/track.py", "        self.evidence = None\n", "", EVIDENCE),
    # what is remembered
    Fault("tracking/tracker.py", "fits = track.crop == first.crop", "fits = True", STEPS),
    Fault("tracking/tracker.py", "sure = known and track.confidence >= self.settings.sure", "sure = known", STEPS),
    Fault("tracking/tracker.py", "track.since >= self.settings.every", "True", STEPS),
    Fault("tracking/tracker.py", "            track.since = 0", "            pass", STEPS),
    Fault("tracking/memory.py", "[RECENT_SHARE / max(len(recent), 1)]", "[RECENT_SHARE]", MEMORY),
    Fault("tracking/memory.py", "(1 - inside) * look", "inside * look", MEMORY),
    Fault("tracking/memory.py", "ridge(memory.fine, FINE_RIDGE)", "ridge(memory.fine, RIDGE)", MEMORY),
    Fault("tracking/memory.py", "mask / (mask.sum() + 1) + (1 - mask)", "mask + (1 - mask)", MEMORY),
    # into the crop and back
    Fault("tracking/crop.py", "crop.x + crop.width - right)", "0)", CROPS),
    Fault("tracking/crop.py", "return max(crop.x, 0), max(crop.y, 0),", "return crop.x, crop.y,", CROPS),
    Fault("tracking/crop.py", "full[top - crop.y : bottom - crop.y, left", "full[: bottom - top, left", CROPS),
    Fault("tracking/crop.py", "middle = (size - 1) / 2", "middle = size / 2", CROPS),
    Fault("tracking/crop.py", "SHRINK * last.side", "0.0", CROPS),
    # several masks into one, and onto the disk
    Fault("data.py", "SURE = 127", "SURE = 200", STEPS),
    Fault("data.py", "best[area][wins] = patch.prob[wins]", "pass", MERGING),
    Fault("data.py", "wins = patch.prob > best[area]", "wins = patch.prob > SURE", MERGING),
    Fault("tracking/tracker.py", "(one[0] not in prompted, one[0])", "one[0]", STEPS),
    Fault("data.py", "if not area and record.state in (State.TRACKED, State.UNCERTAIN):", "if False:", STEPS),
    # the second pass
    Fault("tracking/twice.py", "more[1].cut or count", "count", TWICE),
    Fault("tracking/twice.py", "stretch.turn * (sure[-1] - ends[-1]) > 0", "False", TWICE),
    Fault(
        "tracking/twice.py",
        "sure = [frame for frame, record in records.items() if",
        "sure = [frame for frame in records if True or",
        TWICE,
    ),
    Fault("tracking/twice.py", "tracker.tracks.pop(way.object_id)", "pass", TWICE),
    Fault("tracking/twice.py", "chosen = {sure[-1], max(sure", "chosen = {sure[-1], min(sure", TWICE),
    Fault("tracking/twice.py", "[stretch.frames[0] - stretch.turn, *said]", "[stretch.frames[0], *said]", TWICE),
    Fault("tracking/twice.py", "labels[ours.labels == object_id] = object_id", "pass", TWICE),
    Fault("tracking/twice.py", "judged(measured(r, labels), self", "judged(r, self", TWICE),
    Fault("tracking/twice.py", "return (frame - self.left) / (self.right - self.left)", "return 0.5", TWICE),
    Fault("tracking/twice.py", "takewhile(lambda frame: theirs[frame].area, frames)", "frames", TWICE),
    Fault("tracking/twice.py", "if whole and len(followed) < len(frames):", "if False:", TWICE),
    Fault("tracking/twice.py", "whole = all(ours[frame].area and", "whole = all(True or", TWICE),
    Fault("tracking/twice.py", "if not all(ours[frame].area for frame in frames):", "if False:", TWICE),
    Fault("tracking/twice.py", "found[way].trust.get(frame, 1.0)", "1.0", TWICE),
    Fault("tracking/twice.py", "if way.told:", "if False:", TWICE),
    Fault("tracking/twice.py", "if not ours[frames[0]].area:", "if False:", TWICE),
    Fault("tracking/twice.py", "for _ in range(len(there) - len(back)):", "for _ in ():", TWICE),
    Fault("tracking/reference.py", "own.past = other.track.past.joined(own.past.references)", "pass", TWICE),
    Fault("tracking/blend.py", "share += ALIKE * agreement * (0.5 - share)", "pass", BLEND),
    Fault("tracking/blend.py", "near * one.trust * odds(one.record.quality)", "near * one.trust", BLEND),
    Fault("tracking/blend.py", "if lost[0] != lost[1]:", "if False:", BLEND),
    Fault("tracking/blend.py", "x=patch.x - x, y=patch.y - y", "x=0, y=0", BLEND),
    Fault("tracking/course.py", "self._second_pass().over(first, done) if self.twice else", "", TWICE),
    Fault("video/cache.py", "return self._read(index) if self._holds(index) else None", "return None", LOOP),
    # prompts
    Fault("tracking/prompted.py", "- CONTRADICTED * contradicted(one, prompt)", "", CLICKS),
    Fault("tracking/prompted.py", "AGREEMENT * agreement(one, seen)", "AGREEMENT * rank", PROMPTED),
    Fault("tracking/clicks.py", "prob[(add <= DISC) & (add <= distance(beside, side))] = 1", "pass", CLICKS),
    Fault("tracking/clicks.py", "(remove < distance(on, side))", "True", CLICKS),
    Fault("tracking/parts.py", "- {int(parts[place]) for place in wanted}", "", CLICKS),
    Fault("tracking/clicks.py", "((on, 255), (beside, 0))", "((on, 255),)", PROMPTED),
    Fault("tracking/tracker.py", "if own else ((), prompt.positive)", "if own else ((), ())", PROMPTED),
    Fault("tracking/prompted.py", "features = self._features.pop(crop, None) or", "features =", PROMPTED),
)


def noticed(fault: Fault) -> bool:
    """Whether the tests fail with the fault. Raises ValueError where its line is not there, once."""
    with tempfile.TemporaryDirectory() as room:
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(room) / name)
        path = Path(room) / "trackmask" / fault.file
        text = path.read_text()
        if text.count(fault.line) != 1:
            raise ValueError(f"{fault.file} has {text.count(fault.line)} of {fault.line!r}")
        path.write_text(text.replace(fault.line, fault.wrong))
        tests = [f"tests/tracking/{name}" for name in fault.tests.split()]
        line = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(line, cwd=room, env={**os.environ, "PYTHONPATH": room}, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise ValueError(f"{fault.file}: the tests do not run with {fault.wrong!r}\n{done.stdout[-2000:]}")
        return done.returncode == 1


def main() -> None:
    names = sys.argv[1:]
    chosen = [f for f in FAULTS if not names or Path(f.file).stem in names]
    survived = 0
    for fault in chosen:
        alive = not noticed(fault)
        survived += alive
        click.echo(f"{'SURVIVED' if alive else 'noticed '} {fault.file} {fault.line!r} -> {fault.wrong!r}")
    click.echo(f"{survived} of {len(chosen)} survived")
    sys.exit(1 if survived else 0)


if __name__ == "__main__":
    main()
