"""What the page may ask: read a body, call one function, answer. docs/studio-protocol.md lists it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from trackmask.errors import NO_MEMORY, CallError, DataError, OutputExistsError, TrackmaskError
from trackmask.files import plain_name, writing
from trackmask.formats.node import Node
from trackmask.studio import calls
from trackmask.studio.calls import Answer, Json, direction_of, frame_of, objects_of, read
from trackmask.studio.desk import Busy, Desk, NotFound
from trackmask.studio.exports import formats, read_options
from trackmask.studio.guard import TooLarge
from trackmask.studio.imports import upload
from trackmask.studio.plan import passes
from trackmask.studio.session import Session
from trackmask.studio.summary import Summaries
from trackmask.studio.view import timeline

NARROWEST, WIDEST = 16, 8192  # pixels across of a picture that is asked for
MOST = 20  # main objects that are looked for
PAGE = resources.files("trackmask.studio") / "page"
COLOURS = resources.files("trackmask.report") / "colours.css"  # of all our pages
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
FOREVER = {"Cache-Control": "private, max-age=86400, immutable"}

Endpoint = Callable[[Request], Awaitable[Response]]


class Routes:
    """The endpoints of one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.summaries = desk, Summaries(desk)
        files = (*PAGE.iterdir(), COLOURS)
        self.files = {path.name: path for path in files if Path(path.name).suffix in KINDS}

    def all(self) -> list[Route]:
        acts: dict[str, Callable[[Session, Node], Answer]] = {
            "click": calls.click, "box": calls.box, "stroke": calls.stroke, "polygon": calls.polygon,
            "absent": calls.absent, "clear": calls.clear, "object": calls.new_object, "name": calls.name,
            "delete": calls.delete, "undo": calls.undo, "redo": calls.redo,
        }  # fmt: skip
        works: dict[str, Callable[[str, Node], Answer]] = {
            "track": self.track, "plan": self.plan, "stop": self.stop, "save": self.save,
            "export": self.export, "auto": self.auto,
        }  # fmt: skip
        one = "/api/clips/{clip}"
        return [
            Route("/", self.page),
            Route("/page/{name}", self.page),
            Route("/api/events", self.events),
            Route("/api/clips", self.list),
            Route(one, self.state),
            Route(one + "/thumbnail", self.thumbnail),
            Route(one + "/times", self.times),
            Route(one + "/frames/{frame:int}", self.frame),
            Route(one + "/masks/{frame:int}", self.masks),
            Route(one + "/timeline", self.timeline),
            Route(one + "/sound", self.sound),
            Route("/api/formats", self.formats),
            Route("/api/downloads/{name}", self.download),
            Route(one + "/import", self.bring_in, methods=["POST"]),
            Route(one + "/hover", self.hover, methods=["POST"]),
            *(Route(f"{one}/{do}", self.act(how), methods=["POST"]) for do, how in acts.items()),
            *(Route(f"{one}/{do}", self.call(how), methods=["POST"]) for do, how in works.items()),
        ]

    # --- reading -------------------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in self.files:
            raise NotFound("there is no such page")
        content = await run_in_threadpool(self.files[name].read_bytes)
        return Response(content, media_type=KINDS[Path(name).suffix], headers={"Cache-Control": "no-cache"})

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self.desk.hub.listen(), media_type="text/event-stream")

    def list(self, request: Request) -> Response:
        return Json(self.summaries.all())

    def thumbnail(self, request: Request) -> Response:
        return Response(self.summaries.thumbnail(request.path_params["clip"]), media_type="image/jpeg")

    def state(self, request: Request) -> Response:
        return Json(self.desk.state(request.path_params["clip"]))

    def times(self, request: Request) -> Response:
        session = self._session(request)
        return Response(np.asarray(session.times, "<f8").tobytes(), media_type="application/octet-stream")

    def frame(self, request: Request) -> Response:
        session, width = self._session(request), _width(request)
        index = _index(request, session)
        asked = request.query_params
        if asked.get("near"):
            shown, picture = session.frames.near(index, width)
            return Response(
                picture, media_type="image/jpeg", headers={"Frame": str(shown), "Cache-Control": "no-store"}
            )
        picture = session.frames.picture(index, width, still=bool(asked.get("still")))
        if asked.get("ahead"):
            session.frames.read_ahead(index, width)
        if asked.get("still"):
            session.get_ready(index)
        return Response(picture, media_type="image/jpeg", headers=FOREVER)

    def masks(self, request: Request) -> Response:
        session = self._session(request)
        index = _index(request, session)
        version = f'"{session.revision}-{session.tracked.count}"'
        _, data = cv2.imencode(".png", session.labels(index), (cv2.IMWRITE_PNG_COMPRESSION, 1))
        return Response(data.tobytes(), media_type="image/png", headers={"ETag": version})

    def timeline(self, request: Request) -> Response:
        object_id = request.query_params.get("object", "")
        session = self._session(request)
        if not object_id.isdecimal() or int(object_id) not in session.acts.said.names:
            raise NotFound("there is no such object")
        return Json(timeline(session, int(object_id)))

    def sound(self, request: Request) -> Response:
        path = self._session(request).sound()
        if path is None:
            raise NotFound("this clip has no sound")
        return FileResponse(path, media_type="audio/mp4")

    # --- doing ---------------------------------------------------------------------------------------------------

    def act(self, how: Callable[[Session, Node], Answer]) -> Endpoint:
        """An act of a person, which is answered with the clip's new state."""

        def do(clip: str, said: Node) -> Answer:
            extra = how(self.desk.session(clip), said)
            return self.desk.acted(clip) | extra

        return self.call(do)

    def call(self, how: Callable[[str, Node], Answer]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            said = await read(request)
            return Json(await run_in_threadpool(how, request.path_params["clip"], said))

        return endpoint

    async def hover(self, request: Request) -> Response:
        said = await read(request)
        session = await run_in_threadpool(self._session, request)
        place = (said.get("x").number(), said.get("y").number())
        session.get_ready(frame_of(said), place)
        return Response(status_code=204)

    def track(self, clip: str, said: Node) -> Answer:
        self.desk.track(clip, direction_of(said), frame_of(said), objects_of(said))
        return self.desk.state(clip)

    def plan(self, clip: str, said: Node) -> Answer:
        session = self.desk.session(clip)
        found = passes(
            session.acts.said,
            session.tracked,
            session.range,
            direction_of(said),
            frame_of(said),
            objects_of(said),
        )
        spans: dict[str, list[tuple[int, int]]] = {}
        for one in found:
            for gap in one.gaps:
                first, last = max(gap.first, one.frames[0]), min(gap.last, one.frames[1])
                spans.setdefault(str(gap.object_id), []).append((first, last))
        frames = sum(one.count for one in found)
        seconds = round(2 * frames / self.desk.rate, 1) if self.desk.rate else None
        return {"frames": frames, "ranges": spans, "seconds": seconds}

    def stop(self, clip: str, said: Node) -> Answer:
        self.desk.stop(clip)
        return self.desk.state(clip)

    def save(self, clip: str, said: Node) -> Answer:
        self.desk.save(clip)
        return self.desk.state(clip)

    def auto(self, clip: str, said: Node) -> Answer:
        count = said.get("count").whole(1, MOST) if said.has("count") else 1
        self.desk.find(clip, frame_of(said), count)
        return self.desk.state(clip)

    def export(self, clip: str, said: Node) -> Answer:
        options = read_options(said.optional("options") or Node("the call", "options", {}), self.desk.session(clip))
        download = said.has("to") and said.get("to").text() == "download"
        self.desk.export(clip, said.get("format").text(), options, download=download)
        return self.desk.state(clip)

    def formats(self, request: Request) -> Response:
        return Json(formats())

    def download(self, request: Request) -> Response:
        path = self.desk.downloads.get(request.path_params["name"])
        if path is None or not path.exists():
            raise NotFound("this download is not there any more; export it again")
        return FileResponse(path, filename=plain_name(path.name, spaces=True))

    async def bring_in(self, request: Request) -> Response:
        clip, asked = request.path_params["clip"], request.query_params
        kind, absent = asked.get("format", ""), asked.get("absent", "0") in ("1", "true")
        session = await run_in_threadpool(self.desk.session, clip)
        with upload(session, asked.get("name", ""), kind) as path:
            with writing(path), path.open("xb") as file:
                async for piece in request.stream():
                    await run_in_threadpool(file.write, piece)
            found = await run_in_threadpool(partial(self.desk.bring_in, clip, path, kind, absent=absent))
        state = await run_in_threadpool(self.desk.acted, clip)
        return Json(state | {"brought": found})

    def _session(self, request: Request) -> Session:
        return self.desk.session(request.path_params["clip"])


def _index(request: Request, session: Session) -> int:
    """The frame that is asked for. Raises NotFound."""
    index: int = request.path_params["frame"]
    if index >= session.count:
        raise NotFound(f"there is no frame {index}; the clip has {session.count}")
    return index


def _width(request: Request) -> int | None:
    """Pixels; None where none is said, or what is said is no number: as wide as the clip."""
    text = request.query_params.get("width", "")
    return min(max(int(text), NARROWEST), WIDEST) if text.isascii() and text.isdigit() and len(text) < 6 else None


def failed(request: Request, error: Exception) -> Response:
    """An error as one sentence."""
    text = str(error)
    status = 500
    if isinstance(error, NotFound):
        status = 404
    elif isinstance(error, Busy | OutputExistsError):
        status = 409
    elif isinstance(error, TooLarge):
        status, text = 413, "this is larger than the studio takes"
    elif isinstance(error, MemoryError):
        text = NO_MEMORY
    elif isinstance(error, ClientDisconnect):
        status, text = 400, "the rest of this never came"  # and nobody is there to read it
    elif isinstance(error, CallError | DataError):
        status = 400
    elif isinstance(error, HTTPException):
        status, text = error.status_code, "there is nothing like this here"
    elif not isinstance(error, TrackmaskError):
        text = "an error of trackmask itself; the terminal says more"
    # Paths and names of files stay as they are.
    begin = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return Json({"error": f"{begin}{text[1:].rstrip('.')}."}, status)
