"""trackmask info"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackmask.files import counted, shown

from .mistakes import OneInput, Video
from .options import json_option

if TYPE_CHECKING:
    from trackmask.data import VideoInfo


@click.command(cls=OneInput)
@click.argument("video", type=Video())
@json_option
def info(video: Path, as_json: bool) -> None:
    """Print what a video says of itself: size, frame rate, number of frames, codec, rotation."""
    from trackmask.video import open_video

    with open_video(video) as reader:
        about = reader.info
    height, width = about.size
    rotation = -about.rotation if about.rotation <= 180 else 360 - about.rotation  # as ffprobe has it
    values = {
        "name": about.name,
        "width": width,
        "height": height,
        "fps": str(about.fps),
        "frames": about.frames,
        "codec": about.codec,
        "rotation": rotation,
        "mirrored": about.mirrored,
        "pixel_aspect": str(about.aspect),
        "hdr": about.hdr,
        "interlaced": about.interlaced,
        "alpha": about.alpha,
        "white": about.white,
        "audio": about.audio,
    }
    if as_json:
        click.echo(json.dumps(values))
        return
    rate = f"{float(about.fps):.6g} frames/s ({about.fps})"
    click.echo(f"{shown(about.name)}: {width}x{height}, {rate}, {_frames(about)}")
    sound = "with sound" if about.audio else "no sound"
    turned = f"rotation {rotation} degrees (against the clock, as ffprobe has it)" if rotation else "no rotation"
    click.echo(f"codec {about.codec}, {turned}, {sound}")
    for remark in _remarks(about):
        click.echo(remark)


def _frames(about: VideoInfo) -> str:
    """How many, and how well that is known: the frames themselves are not counted."""
    if about.frames is None:
        return "an unknown number of frames"
    said = counted(about.frames, "frame")
    if about.names:
        return said
    return f"about {said} by its length" if about.estimated else f"{said} by its header"


def _remarks(about: VideoInfo) -> Iterator[str]:
    """What is special about the picture, and what is made of it."""
    if about.mirrored:
        yield "mirrored: left and right change places, as the video asks for"
    if about.aspect != 1:
        height, width = about.size
        pixel = f"{about.aspect.numerator}:{about.aspect.denominator}"
        yield f"pixels of {pixel}: shown as {round(width * about.aspect)}x{height}; masks have the stored pixels"
    if about.hdr == "Dolby Vision":
        yield "Dolby Vision that is not HDR10 or HLG, too: its colours are shown and tracked wrongly; convert it first"
    elif about.hdr:
        yield f"HDR ({about.hdr}): shown and tracked as BT.709"
    if about.interlaced:
        yield "interlaced: shown and tracked as whole frames"
    if about.white is not None:
        yield f"more than 8 bits a colour: {about.white:g} is shown as white"
    if about.alpha:
        yield "transparent in places: these are shown and tracked as plain grey"
