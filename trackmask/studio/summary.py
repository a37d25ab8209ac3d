"""The list of clips: what each is, how far it is, and a picture of it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trackmask import __version__
from trackmask.draw import overlay
from trackmask.errors import TrackmaskError
from trackmask.files import has_file, has_folder
from trackmask.result import open_result
from trackmask.result.layout import JSON
from trackmask.studio.clips import Clip, without_folder
from trackmask.studio.frames import Kept, jpeg
from trackmask.studio.saving import unfinished
from trackmask.video import open_video

if TYPE_CHECKING:
    from trackmask.studio.desk import Desk

WIDTH, ROOM = 320, 32 << 20  # pixels of a thumbnail; bytes of all that are kept


class Summaries:
    """Made in a thread of their own: a folder may hold thousands of clips."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pictures: Kept[bytes] = Kept(ROOM)
        self._known: dict[str, dict[str, Any]] = {}
        if not desk.found.single:
            threading.Thread(target=self._look, daemon=True, name="trackmask-list").start()

    def all(self) -> dict[str, Any]:
        found = self._desk.found
        clips = [self._one(clip_id, clip) for clip_id, clip in self._desk.clips.items()]
        return {
            "title": found.title,
            "single": found.single,
            "version": __version__,
            "notes": list(found.notes),
            "clips": clips,
        }

    def thumbnail(self, clip_id: str) -> bytes:
        """JPEG. Raises VideoError."""
        clip = self._desk.clip(clip_id)
        key = (clip_id, _stamp(clip))
        picture = self._pictures.get(key)
        if picture is None:
            picture = _thumbnail(clip)
            self._pictures.put(key, picture, len(picture))
        return picture

    def _one(self, clip_id: str, clip: Clip) -> dict[str, Any]:
        about: dict[str, Any] = {"width": None, "height": None, "frames": None, "seconds": None, "error": None}
        about |= self._known.get(clip_id, {})
        about["picture"] = str(_stamp(clip))  # another one for another thumbnail; no number, which would be rounded
        progress = self._open(clip_id) or _progress(clip, broken=about["error"] is not None)
        return {"id": clip_id, "name": clip.name, **about, **progress}

    def _open(self, clip_id: str) -> dict[str, Any] | None:
        """How far a clip is that is open and has something: its result may not have all of it yet."""
        session = self._desk.opened(clip_id)
        if session is None:
            return None
        names, left = session.acts.said.names, self._desk.to_review(clip_id)
        state = "new" if not names else "started" if unfinished(session) else "tracked"
        return {"state": state, "review": left, "objects": len(names)}

    def _look(self) -> None:
        for clip_id, clip in self._desk.clips.items():
            if self._desk.closed:
                return
            try:
                with open_video(clip.place.video, threads=1) as reader:
                    info = reader.info
                height, width = info.size
                seconds = None if info.frames is None else round(float(info.frames / info.fps), 3)
                self._known[clip_id] = {"width": width, "height": height, "frames": info.frames, "seconds": seconds}
            except TrackmaskError as error:
                self._known[clip_id] = {"error": without_folder(error, clip.place.video.parent)}
        self._desk.hub.send("clips", {})


def _progress(clip: Clip, *, broken: bool) -> dict[str, Any]:
    """How far a clip is, by what lies on the disk."""
    state = "broken" if broken else "started" if has_folder(clip.place.folder) else "new"
    about: dict[str, Any] = {"state": state, "review": 0, "objects": 0}
    if has_file(clip.place.result / JSON):
        try:
            result = open_result(clip.place.result)
        except TrackmaskError as error:
            return about | {"state": "broken", "error": without_folder(error, clip.place.result.parent)}
        done = "tracked" if result.complete else "started"
        about = {"state": done, "review": len(result.review), "objects": len(result.objects)}
    return about


def _thumbnail(clip: Clip) -> bytes:
    with open_video(clip.place.video, threads=1) as reader:
        frame = next(reader.frames())
    image = frame.image
    with suppress(TrackmaskError):
        image = overlay(image, open_result(clip.place.result).masks(frame.index), "fill")
    return jpeg(image, WIDTH)


def _stamp(clip: Clip) -> int:
    with suppress(OSError):
        return (clip.place.result / JSON).stat().st_mtime_ns
    return 0
