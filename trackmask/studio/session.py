"""What a person does with a clip: each act is on the disk, and its mask made, before it is answered."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trackmask.data import box_of, is_name
from trackmask.errors import CallError, PromptError
from trackmask.files import writing
from trackmask.prompts import Prompt, check
from trackmask.runtime import Runtime
from trackmask.studio.acts import MAX_OBJECTS, Act, Given, after, told
from trackmask.studio.shown import Shown
from trackmask.studio.store import SOUND, Place
from trackmask.studio.turns import Turns
from trackmask.video.sound import write_sound


class Session(Shown):
    """Any thread may call; acts come one after the other. Raises TrackmaskErrors with one clear sentence each."""

    def __init__(self, place: Place, runtime: Runtime, turns: Turns, held: BinaryIO | None = None) -> None:
        super().__init__(place, runtime, turns, held)
        self._sounding = threading.Lock()
        self._taken: dict[tuple[int, int], set[int]] = {}  # of which others an object takes in a frame

    def get_ready(self, frame: int, click: tuple[float, float] | None = None) -> None:
        """Somebody rests in a frame, or at a place in it: what a click there needs is made, in a thread of its own."""
        prompt = None if click is None else Prompt(1, frame, positive=(click,))
        ready = self.prompting.get_ready
        threading.Thread(target=ready, args=(frame, prompt), daemon=True, name="trackmask-ready").start()

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

    def absent(self, object_id: int, frame: int, *, on: bool = True) -> tuple[int, int]:
        """Not here; without `on` that is taken back, and where nothing was done since, what was said before is back."""
        with self.lock:
            act, last = self._act("absent", object_id, frame)[0], self.acts.last
            if on:
                return self._do(act)
            if last is None or any(last.get(key) != value for key, value in act.items()):
                return self.clear(object_id, frame)
            self.undo()
            return object_id, frame

    def clear(self, object_id: int, frame: int) -> tuple[int, int]:
        with self.lock:
            act, old = self._act("clear", object_id, frame)
            if old is None:
                name = self.acts.said.names[object_id]
                raise CallError(f"nothing was said of {name} in frame {frame}; there is nothing to take back")
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
                base = self.given_path(number, object_id, frame, base=True)
                self.write_mask(base, mask, lasts=True)
                entries.append({"object": object_id, "frame": frame, "name": name, "base": base.name})
            self._do({"do": "masks", "what": what, "masks": entries})

    def found(self, masks: list[tuple[int, str, np.ndarray]]) -> None:
        """New objects: frame, a few words on it, which tell it from others, (H, W) bool each."""
        with self.lock:
            first = self._free()
            named = [
                (number, frame, f"object {number}" + (f", {words}" if masks[1:] else ""), mask)
                for number, (frame, words, mask) in enumerate(masks, first)
            ]
            self.masks("main object", named)

    def undo(self) -> int | None:
        """Take the last act back. Returns the frame in which it was made, if it has one."""
        with self.lock:
            return self._travel("undo", self.acts.last)

    def redo(self) -> int | None:
        """Do again what was taken back last. Returns the frame in which it was made, if it has one."""
        with self.lock:
            return self._travel("redo", self.acts.next)

    def taken(self, object_id: int, frame: int) -> str | None:
        """A sentence where what was said of an object last takes of what was said of others there, and had not before:
        it is shown, and the others stay known by their whole masks.
        """
        with self.lock:
            said = self.acts.said
            others = {id_: given for id_, given in said.given_in(frame)}
            own, took, now = others.pop(object_id, None), self._taken.get((object_id, frame), set()), set[int]()
            if own is not None and others:
                mask = self.mask(object_id, frame, own)
                now = {id_ for id_, given in others.items() if (mask & self.mask(id_, frame, given)).any()}
            self._taken[object_id, frame] = now
            if not now - took:
                return None
            names = ", ".join(said.names[id_] for id_ in sorted(now - took))
            return (
                f"the mask of {said.names[object_id]} now covers a part of {names}, still known by its whole mask; "
                "correct that, too, if it was too large"
            )

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
        """On the disk first; then its mask is made. An act whose mask cannot be made does not count."""
        self.say(act)
        place = (act.get("object", 0), act.get("frame", -1))
        if (given := self.acts.said.givens.get(place)) is not None and act["do"] not in ("undo", "redo"):
            try:
                self.mask(*place, given)
            except Exception:
                self.say({"do": "failed"})
                raise
        self.revision += 1
        return place

    def _travel(self, do: str, act: Act | None) -> int | None:
        if act is None:
            raise CallError(f"there is nothing to {do}")
        self._do({"do": do})
        frame = act.get("frame", act.get("masks", [{}])[0].get("frame"))
        return None if frame is None else int(frame)

    def _tried(self, act: Act) -> Given:
        """What would be said with that act."""
        return after(self.acts.said, 0, act).givens[act["object"], act["frame"]]

    def _shown(self, object_id: int, frame: int) -> np.ndarray:
        shown: np.ndarray = self.labels(frame) == object_id
        return shown

    def _begin_with(self, act: dict[str, Any], mask: np.ndarray) -> None:
        """The act changes a mask that was tracked, which is kept."""
        base = self.given_path(self.acts.count + 1, act["object"], act["frame"], base=True)
        self.write_mask(base, mask, lasts=True)
        act["base"] = base.name

    def _known(self, object_id: int) -> int:
        if object_id not in self.acts.said.names:
            raise PromptError(f"there is no object {object_id}; it was deleted, or never made")
        return object_id

    def _free(self) -> int:
        """An id that no object had, not even one that was taken back, of which something was tracked."""
        used = max((self.acts.said.used, *self.tracked.series))
        if used >= MAX_OBJECTS:
            raise PromptError(
                f"a clip can have {MAX_OBJECTS} objects, and all were used; track the others in another result"
            )
        return used + 1

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
