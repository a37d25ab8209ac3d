"""What a call's body means: read, checked, and done. Each returns what its answer has beside the clip's state."""

from __future__ import annotations

import json
from typing import Any, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse

from trackmask.errors import CallError
from trackmask.formats.node import Node
from trackmask.result.records import dumps
from trackmask.studio.acts import MAX_OBJECTS
from trackmask.studio.plan import Direction
from trackmask.studio.session import Session

ENDLESS = 1 << 30  # a frame that no video has
MAX_RADIUS = 2000.0  # pixels, of a brush; the page goes up to 300

Answer = dict[str, Any]


class Json(JSONResponse):
    """Names are told whatever their bytes are: JSON has a sign for what is no text, UTF-8 has none."""

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()


async def read(request: Request) -> Node:
    """The body, as JSON from a stranger. Raises CallError."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise CallError("the body must be JSON, and say so: Content-Type: application/json")
    try:
        value = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise CallError("the body is not JSON") from error
    return Node("the call", "", value)


def yes(said: Node, key: str, *, default: bool) -> bool:
    given = said.optional(key)
    if given is None:
        return default
    if not isinstance(given.value, bool):
        given.fail("true or false")
    return bool(given.value)


def _place(said: Node) -> tuple[int | None, int]:
    """The object, None for a new one, and the frame."""
    return (object_of(said) if said.has("object") else None), frame_of(said)


def _done(session: Session, place: tuple[int, int]) -> Answer:
    return {"object": place[0], "frame": place[1], "note": session.taken(*place)}


def click(session: Session, said: Node) -> Answer:
    on = yes(said, "on", default=True)
    return _done(session, session.click(*_place(said), said.get("x").number(), said.get("y").number(), on=on))


def box(session: Session, said: Node) -> Answer:
    return _done(session, session.box(*_place(said), said.get("box").box()))


def stroke(session: Session, said: Node) -> Answer:
    radius = said.get("radius").number()
    if not 0 < radius <= MAX_RADIUS:
        said.get("radius").fail(f"a radius of up to {MAX_RADIUS:g} pixels")
    return _painted(session, "stroke", said, 1, {"radius": radius})


def polygon(session: Session, said: Node) -> Answer:
    return _painted(session, "polygon", said, 3, {})


def _painted(session: Session, do: str, said: Node, least: int, more: Answer) -> Answer:
    points = said.get("points").points()
    if len(points) < least:
        said.get("points").fail(f"a list of at least {least} points")
    add = yes(said, "add", default=True)
    return _done(session, session.paint(do, *_place(said), {"points": points, "add": add, **more}))


def absent(session: Session, said: Node) -> Answer:
    return _done(session, session.absent(object_of(said), frame_of(said), on=yes(said, "on", default=True)))


def clear(session: Session, said: Node) -> Answer:
    return _done(session, session.clear(object_of(said), frame_of(said)))


def new_object(session: Session, said: Node) -> Answer:
    return {"object": session.new_object(said.get("name").text() if said.has("name") else None)}


def name(session: Session, said: Node) -> Answer:
    session.rename(object_of(said), said.get("name").text())
    return {}


def delete(session: Session, said: Node) -> Answer:
    session.delete(object_of(said))
    return {}


def undo(session: Session, said: Node) -> Answer:
    return {"frame": session.undo()}


def redo(session: Session, said: Node) -> Answer:
    return {"frame": session.redo()}


def direction_of(said: Node) -> Direction:
    given = said.get("direction")
    if given.value not in get_args(Direction):
        given.fail(f"one of {', '.join(get_args(Direction))}")
    return cast(Direction, given.value)


def frame_of(said: Node) -> int:
    return said.get("frame").whole(0, ENDLESS)


def object_of(said: Node) -> int:
    return said.get("object").whole(1, MAX_OBJECTS)


def objects_of(said: Node) -> list[int] | None:
    """None: all of them."""
    return [one.whole(1, MAX_OBJECTS) for one in said.get("objects").items()] if said.has("objects") else None
