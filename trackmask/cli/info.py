"""trackmask info"""

import json
from pathlib import Path

import click

from trackmask.files import shown

from .mistakes import OneInput, Video
from .options import json_option


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
        "audio": about.audio,
    }
    if as_json:
        click.echo(json.dumps(values))
        return
    frames = "unknown" if about.frames is None else f"about {about.frames}"
    click.echo(f"{shown(about.name)}: {width}x{height}, {float(about.fps):.6g} frames/s ({about.fps}), {frames} frames")
    sound = "with sound" if about.audio else "no sound"
    turned = f"rotation {rotation} degrees (against the clock, as ffprobe has it)" if rotation else "no rotation"
    click.echo(f"codec {about.codec}, {turned}, {sound}")
