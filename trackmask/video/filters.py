"""FFmpeg's filters, fed frame by frame."""

from collections.abc import Iterable, Iterator
from typing import cast

import av
from av.filter import Graph


def pulled(graph: Graph) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """The frames that a graph has ready."""
    while True:
        try:
            yield graph.pull()
        except (BlockingIOError, EOFError):
            return


def deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """As many frames, those that are marked as interlaced made whole; each is made with a look at its neighbours."""
    graph: Graph | None = None
    kind: tuple[object, ...] = ()
    for frame in frames:
        if kind != (frame.width, frame.height, frame.format.name):
            yield from _rest(graph)
            graph, kind = Graph(), (frame.width, frame.height, frame.format.name)
            buffer = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            whole = graph.add("bwdif", mode="send_frame", deint="interlaced")
            graph.link_nodes(buffer, whole, graph.add("buffersink")).configure()
        if graph is not None:
            graph.push(frame)
            yield from _pictures(graph)
    yield from _rest(graph)


def _rest(graph: Graph | None) -> Iterator[av.VideoFrame]:
    if graph is not None:
        graph.push(None)
        yield from _pictures(graph)


def _pictures(graph: Graph) -> Iterator[av.VideoFrame]:
    return cast(Iterator[av.VideoFrame], pulled(graph))
