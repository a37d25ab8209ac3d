"""One clip in the studio: what was said of it, what was tracked, and the masks that both make together.

Beside the result folder lies .RESULT.studio, which holds all of it from the moment on in which it was said:

    journal.jsonl              the acts, and what else must not be lost: the source, which result was written
    given/7-1-00012.png        the mask of object 1 in frame 12 that act 7 led to; made again where it is missing
    given/7-1-00012-base.png   the mask that act 7 began with
    masks/, tracked.jsonl      what was tracked, see `tracked`

The result folder is written from it, whole, after each tracking.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trackmask.data import Labels, ObjectRecord, State, box_of, is_name
from trackmask.errors import CallError, OutputExistsError, PromptError, ResultError
from trackmask.files import locked, open_lock, writing
from trackmask.formats.pictures import read_picture
from trackmask.formats.png import write_grey
from trackmask.prompts import Prompt, check
from trackmask.result.records import decode, dumps, encode
from trackmask.runtime import Runtime
from trackmask.studio.acts import Act, Acts, Given, Said, after, told
from trackmask.studio.frames import Frames, Kept
from trackmask.studio.journal import Journal, lines
from trackmask.studio.painting import painted
from trackmask.studio.prompting import Prompting, Turns
from trackmask.studio.tracked import Tracked
from trackmask.tracking import Reference, Settings
from trackmask.video import open_video
from trackmask.video.sound import write_sound

JOURNAL, GIVEN, SOUND, LOCK = "journal.jsonl", "given", "sound.m4a", ".lock"
UNDERSTOOD = 64 << 20  # bytes of prompts as the tracker understood them, which are kept


def session_folder(result: Path) -> Path:
    """Where the studio keeps what it knows of a clip, beside its result folder."""
    return result.with_name(f".{result.name}.studio")


@dataclass(frozen=True)
class Place:
    """Where a clip and its result lie."""

    video: Path
    result: Path

    @property
    def folder(self) -> Path:
        return session_folder(self.result)


class Session:
    """Any thread may call; acts come one after the other. Raises TrackmaskErrors with one clear sentence each."""

    def __init__(self, place: Place, runtime: Runtime, turns: Turns, settings: Settings = Settings()) -> None:
        self.place, self.runtime, self.turns, self.settings = place, runtime, turns, settings
        self.lock = threading.RLock()
        self.revision = 0  # rises with every change
        self.notes: list[str] = []  # sentences that people should read
        self.reader = open_video(place.video)
        self.info = self.reader.info
        self.size = self.info.size
        with ExitStack() as stack:  # all is closed again where the rest cannot be opened
            stack.callback(_take(place.folder).close)
            self.acts, self.about = Acts(), dict[str, Any]()
            self.seen: dict[tuple[int, int, int], ObjectRecord] = {}  # of prompts: by number, object and frame
            for line in lines(place.folder / JOURNAL):
                self._read_line(line)
            self.journal = Journal(place.folder / JOURNAL)
            stack.callback(self.journal.close)
            self.tracked = Tracked(place.folder, self.size, soft=bool(self.about.get("soft")))
            stack.callback(self.tracked.close)
            self._held = stack.pop_all()
        self.dirty = self.dirty or self.about.get("lines", 0) != self.tracked.count
        self.understood: Kept[Reference] = Kept(UNDERSTOOD)  # prompts, by object, frame and number
        self._sounding = threading.Lock()
        self._last: tuple[Any, np.ndarray] = (None, np.zeros(0, bool))  # what was changed last, and the mask since
        self.frames = Frames(self.reader, turns.quiet)
        self.prompting = Prompting(runtime, self.frames, turns)
        self.times: Sequence[float] = ()  # seconds, of all frames, once they are counted

    dirty = False  # whether something was said or tracked that the result folder does not have

    def close(self) -> None:
        self.frames.close()
        self.reader.close()
        self._held.close()

    # --- what there is -------------------------------------------------------------------------------------------

    @property
    def saved(self) -> str | None:
        """The fingerprint of the result folder as this session knows it; None before there is one."""
        return self.about.get("result")

    @property
    def range(self) -> tuple[int, int]:
        """The first and the last frame that is wanted: of the video, or of the result that was opened."""
        first, last = self.about.get("range") or (0, self.count - 1)
        return first, last

    def time(self, frame: int) -> float:
        """Seconds."""
        if frame in self.tracked.times:
            return self.tracked.times[frame]
        return self.times[frame] if frame < len(self.times) else float(frame / self.info.fps)

    @property
    def counted(self) -> bool:
        return bool(self.times)

    @property
    def count(self) -> int:
        """Frames of the video; as its header has it until they are counted."""
        return len(self.times) or self.info.frames or max(self.tracked.times, default=0) + 1

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
        path = self.place.folder / GIVEN / f"{given.number}-{object_id}-{frame:05d}.png"
        if not path.exists():
            with self.lock:  # made once, whoever else asks meanwhile
                if not path.exists():
                    mask, sure = self._made(object_id, frame, given)
                    self.write_mask(path, mask)
                    self._see(object_id, frame, given, mask, sure)
        return self._read(path)

    def prompt(self, object_id: int, frame: int, given: Given) -> Prompt:
        """What was said of an object in a frame, for the tracker."""
        if given.kind in ("clicks", "box"):
            return Prompt(object_id, frame, None, given.box, given.positive, given.negative)
        return Prompt(object_id, frame, mask=self.mask(object_id, frame, given))

    def _made(self, object_id: int, frame: int, given: Given) -> tuple[np.ndarray, float]:
        """The mask, and how sure it is: what is painted, or comes from elsewhere, is certain."""
        mask, sure = np.zeros(self.size, bool), 1.0
        if given.base:
            mask = self._read(self.place.folder / GIVEN / given.base)
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
        """Note what the mask of a prompt is like: the timeline shows it without reading the mask."""
        found = State.TRACKED if sure >= self.settings.certain else State.UNCERTAIN
        state = found if mask.any() else State.LOST if given.asks else State.ABSENT
        record = ObjectRecord(object_id, state, round(sure, 4), int(np.count_nonzero(mask)), box_of(mask))
        self.seen[given.number, object_id, frame] = record
        self.journal.line(dumps({"do": "seen", "number": given.number, "of": json.loads(encode(frame, [record]))}))

    def _read(self, path: Path) -> np.ndarray:
        mask: np.ndarray = np.asarray(read_picture(path, ResultError, links=False)) > 0
        if mask.shape != self.size:
            raise ResultError(f"{path} is not a mask of this clip; remove it")
        return mask

    def write_mask(self, path: Path, mask: np.ndarray) -> None:
        partial = path.with_name(f".{path.name}")
        """(H, W) bool, whole or not at all."""
        with writing(path):
            write_grey(partial, mask.astype(np.uint8) * 255)
            partial.replace(path)

    def get_ready(self, frame: int, click: tuple[float, float] | None = None) -> None:
        """Somebody rests in a frame, or at a place in it: what a click there needs is made, in a thread of its own."""
        prompt = None if click is None else Prompt(1, frame, positive=(click,))
        threading.Thread(target=self.prompting.get_ready, args=(frame, prompt), daemon=True).start()

    def sound(self) -> Path | None:
        """A file of the clip's sound that browsers play; None where it has none. Raises VideoError."""
        if not self.info.audio:
            return None
        path = self.place.folder / SOUND
        with self._sounding:
            if not path.exists():
                partial = path.with_name(f".{SOUND}")
                write_sound(self.place.video, partial)
                with writing(path):
                    partial.replace(path)
        return path

    # --- acts ----------------------------------------------------------------------------------------------------

    def click(self, object_id: int | None, frame: int, x: float, y: float, *, on: bool) -> tuple[int, int]:
        """Returns object and frame, as the next ones do."""
        with self.lock:
            act, old = self._act("click", object_id, frame)
            act |= {"x": x, "y": y, "on": on}
            check(Prompt(act["object"], frame, positive=((x, y),)), self.size)
            if old is None:
                shown = self._shown(act["object"], frame)
                if shown.any() and (not on or _near(shown, (x, y))):
                    self._begin_with(act, shown)
                elif not on:
                    raise PromptError("click on the object first; a click beside it says what does not belong to it")
            given = self._tried(act)
            if given.asks:
                if given.box and on and not _in(given.box, (x, y)):
                    raise PromptError(
                        "the click lies outside of the object's box; draw a larger box, or clear it first"
                    )
                check(Prompt(act["object"], frame, None, given.box, given.positive, given.negative), self.size)
            return self._do(act)

    def box(self, object_id: int | None, frame: int, box: tuple[float, float, float, float]) -> tuple[int, int]:
        with self.lock:
            act, _ = self._act("box", object_id, frame)
            found = check(Prompt(act["object"], frame, box=box), self.size).box
            return self._do(act | {"box": found})

    def paint(self, do: str, object_id: int | None, frame: int, how: Mapping[str, Any]) -> tuple[int, int]:
        """`do`: "stroke" or "polygon"; `how`: its points, radius, and whether it adds."""
        with self.lock:
            act, old = self._act(do, object_id, frame)
            act |= how
            if old is None and (shown := self._shown(act["object"], frame)).any():
                self._begin_with(act, shown)
            return self._do(act)

    def absent(self, object_id: int, frame: int) -> tuple[int, int]:
        with self.lock:
            return self._do(self._act("absent", object_id, frame)[0])

    def clear(self, object_id: int, frame: int) -> tuple[int, int]:
        with self.lock:
            act, old = self._act("clear", object_id, frame)
            if old is None:
                raise CallError(f"nothing was said of object {object_id} in frame {frame}; there is nothing to clear")
            return self._do(act)

    def new_object(self, name: str | None = None) -> int:
        with self.lock:
            object_id = self._free()
            self._do({"do": "object", "object": object_id, "name": self._name(name or f"object {object_id}")})
            return object_id

    def rename(self, object_id: int, name: str) -> None:
        with self.lock:
            self._do({"do": "name", "object": self._known(object_id), "name": self._name(name)})

    def delete(self, object_id: int) -> None:
        with self.lock:
            self._do({"do": "delete", "object": self._known(object_id)})

    def masks(self, what: str, masks: list[tuple[int, int, str, np.ndarray]]) -> None:
        """Masks from elsewhere, as one act: object, frame, its name, (H, W) bool. Empty: it is not there."""
        with self.lock:
            number, entries = self.acts.count + 1, []
            for object_id, frame, name, mask in masks:
                base = f"{number}-{object_id}-{frame:05d}-base.png"
                self.write_mask(self.place.folder / GIVEN / base, mask)
                entries.append({"object": object_id, "frame": frame, "name": name, "base": base})
            self._do({"do": "masks", "what": what, "masks": entries})

    def found(self, masks: list[tuple[int, str, np.ndarray]]) -> None:
        """New objects: frame, a few words on it, (H, W) bool each."""
        with self.lock:
            first = self._free()
            named = [
                (number, frame, f"object {number}, {words}", mask)
                for number, (frame, words, mask) in enumerate(masks, first)
            ]
            self.masks("main object", named)

    def undo(self, do: str = "undo") -> int | None:
        """Take the last act back, or with "redo" do it again. Returns the frame in which it was made, if it has one."""
        with self.lock:
            act = self.acts.last if do == "undo" else self.acts.next
            if act is None:
                raise CallError(f"there is nothing to {do}")
            self._do({"do": do})
            frame = act.get("frame", act.get("masks", [{}])[0].get("frame"))
            return None if frame is None else int(frame)

    def told(self, act: Act | None) -> str | None:
        return told(act, self.acts.said.names)

    def _act(self, do: str, object_id: int | None, frame: int) -> tuple[dict[str, Any], Given | None]:
        """The beginning of an act in a frame, and what was said there before."""
        if not 0 <= frame < self.count:
            raise PromptError(f"there is no frame {frame}; {self.info.name} has {self.count}, counted from 0")
        if object_id is None:
            new = self._free()
            return {"do": do, "object": new, "frame": frame, "name": f"object {new}"}, None
        known = self._known(object_id)
        return {"do": do, "object": known, "frame": frame}, self.acts.said.givens.get((known, frame))

    def _do(self, act: dict[str, Any]) -> tuple[int, int]:
        """On the disk first; then its mask is made."""
        self.journal.add(act)
        self.acts.add(act)
        self.dirty = True
        place = (act.get("object", 0), act.get("frame", -1))
        if (given := self.acts.said.givens.get(place)) is not None and act["do"] not in ("undo", "redo"):
            self.mask(*place, given)
        self.revision += 1
        return place

    def begin(self, line: dict[str, Any]) -> None:
        """What lies in the result, which nobody can take back; on the disk once its records are."""
        self._read_line(line)
        self.journal.add(line)

    def note(self, line: dict[str, Any]) -> None:
        """What is no act, and must not be lost: about the source, or which result was written."""
        with self.lock:
            self._read_line(line)
            self.journal.add(line)

    def _read_line(self, line: Act) -> None:
        try:
            if line["do"] == "seen":
                about = decode(line["of"], 0.0)
                self.seen[line["number"], about.objects[0].id, about.index] = about.objects[0]
            elif line["do"] == "source":
                self.about |= line
            elif line["do"] == "saved":
                self.about |= line
                self.dirty = line["acts"] != self.acts.count
            elif line["do"] == "begin":
                self.about |= {key: line[key] for key in ("result", "range", "names", "style", "soft", "lines")}
                self.acts.begin({**line, "do": "masks"})
            else:
                self.acts.add(line)
                self.dirty = True
        except (KeyError, TypeError, ValueError, IndexError) as error:
            path = self.place.folder / JOURNAL
            raise ResultError(f"{path} is damaged ({error!r}); move {path.parent} away, and begin anew") from error

    def _tried(self, act: Act) -> Given:
        """What would be said with that act."""
        return after(self.acts.said, 0, act).givens[act["object"], act["frame"]]

    def _shown(self, object_id: int, frame: int) -> np.ndarray:
        shown: np.ndarray = self.labels(frame) == object_id
        return shown

    def _begin_with(self, act: dict[str, Any], mask: np.ndarray) -> None:
        """The act changes a mask that was tracked, which is kept."""
        act["base"] = f"{self.acts.count + 1}-{act['object']}-{act['frame']:05d}-base.png"
        self.write_mask(self.place.folder / GIVEN / act["base"], mask)

    def _known(self, object_id: int) -> int:
        if object_id not in self.acts.said.names:
            raise PromptError(f"there is no object {object_id}; it was deleted, or never made")
        return object_id

    def _free(self) -> int:
        if self.acts.said.used >= 255:
            raise PromptError("a clip can have 255 objects, and all were used; track the others in another result")
        return self.acts.said.used + 1

    def _name(self, name: str) -> str:
        if not is_name(name):
            raise PromptError("a name has 1 to 200 characters on one line")
        return name


def _near(mask: np.ndarray, point: tuple[float, float]) -> bool:
    """Whether a point is no farther from a mask than that is large: farther away another thing is meant."""
    x, y, w, h = box_of(mask) or (0, 0, 0, 0)
    return _in((x - w, y - h, 3 * w, 3 * h), point)


def _in(box: tuple[float, float, float, float], point: tuple[float, float]) -> bool:
    x, y, w, h = box
    return x <= point[0] <= x + w and y <= point[1] <= y + h


def _take(folder: Path) -> BinaryIO:
    """The folder, for this process alone. Raises OutputExistsError where another studio has it."""
    with writing(folder):
        (folder / GIVEN).mkdir(parents=True, exist_ok=True)
        held = open_lock(folder / LOCK)
    if not locked(held):
        held.close()
        raise OutputExistsError("this clip is open in another studio already; close that one first")
    return held
