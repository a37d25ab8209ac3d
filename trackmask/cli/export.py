"""trackmask export, trackmask import"""

from pathlib import Path

import click

from trackmask.files import brief, counted, shown

from .options import Names, video_option

_STATES = "tracked,uncertain"


@click.command()
@click.argument("results", metavar="RESULT...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--to", type=Names("trackmask.export", "FORMATS"), help="The format to write. [--list says more of each]")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A new folder; or a new file, where the format can be one: coco.json, clip.csv, clip.mp4.",
)
@click.option("--list", "show", is_flag=True, help="Print the formats, and what opens them.")
@click.option("--every", type=click.IntRange(1), default=1, metavar="N", help="Take each N-th frame only.")
@click.option("--fps", metavar="N", help="Take N frames a second only.")
@click.option("--states", default=_STATES, show_default=True, help="States in which an object's mask is kept.")
@click.option("--min-area", type=click.IntRange(1), default=1, metavar="PIXELS", help="Leave out smaller masks.")
@click.option(
    "--object", "objects", multiple=True, metavar="ID|NAME", help="Take this object only. Repeat for several."
)
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="NAME=CATEGORY",
    help="The category of the objects of that name. [the name itself] Repeat for several.",
)
@click.option("--split", metavar="NAME=SHARE,...", help="Part the clips, never their frames: train=0.8,val=0.2.")
@click.option(
    "--images",
    type=click.Choice(("copy", "link", "none")),
    default="copy",
    show_default=True,
    help="What becomes of the frames' images.",
)
@click.option("--polygon", is_flag=True, help="Write polygons where a format takes masks as well (coco, labelme).")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 100, max_open=True),
    default=1.0,
    show_default=True,
    metavar="PIXELS",
    help="So far may a polygon leave its mask's outline.",
)
@click.option("--cvat-masks", is_flag=True, help="With --to cvat: masks, for a task that is made from images.")
@click.option(
    "--background",
    default="#000000",
    show_default=True,
    metavar="COLOUR|FILE",
    help="With --to cutout: what stands behind the object.",
)
@click.option(
    "--blur",
    type=click.Choice(("object", "background")),
    default="object",
    show_default=True,
    help="With --to blur: what is blurred.",
)
@video_option
@click.option("--partial", is_flag=True, help="Take results that are not complete as well.")
def export(
    results: tuple[Path, ...],
    to: str | None,
    out: Path | None,
    show: bool,
    every: int,
    fps: str | None,
    states: str,
    min_area: int,
    objects: tuple[str, ...],
    categories: tuple[str, ...],
    split: str | None,
    images: str,
    polygon: bool,
    tolerance: float,
    cvat_masks: bool,
    background: str,
    blur: str,
    video: Path | None,
    partial: bool,
) -> None:
    """Write results in a format of annotation tools, training frameworks or video editors.

    RESULT is a folder that `trackmask run` has written; several make one data set.
    """
    from trackmask.export import export as write
    from trackmask.export.options import Options, parse_categories, parse_fps, parse_split, parse_states

    if show:
        list_formats()
        return
    if not (results and to and out):
        raise click.UsageError("give the result folders, --to with a format, and -o; --list shows the formats")
    if cvat_masks and to not in ("cvat", "cvat-images"):
        raise click.UsageError("--cvat-masks goes with --to cvat")
    options = Options(
        every=every,
        fps=parse_fps(fps) if fps else None,
        states=parse_states(states),
        min_area=min_area,
        objects=objects,
        categories=parse_categories(categories),
        split=parse_split(split) if split else {},
        images=images,  # type: ignore[arg-type]  # click has checked it
        polygon=polygon,
        tolerance=tolerance,
        video=video,
        background=background,
        blur=blur,  # type: ignore[arg-type]
    )
    report = write(results, "cvat-images" if cvat_masks else to, out, options, partial=partial)
    for note in report.notes:
        click.echo(f"note: {brief(note)}", err=True)
    click.echo(f"{shown(report.out)}: {counted(report.clips, 'clip')} as {to}")


def list_formats() -> None:
    from trackmask.export import FORMATS

    width = max(map(len, FORMATS)) + 2
    opens = max(len(form.opens) for form in FORMATS.values()) + 2
    click.echo(f"{'FORMAT':{width}}{'OPENS IN':{opens}}NEEDS")
    for name, form in FORMATS.items():
        needs = "trackmask[export]" if form.needs else "-"
        click.echo(f"{name:{width}}{form.opens:{opens}}{needs}")


@click.command("import")
@click.argument("result", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--from", "kind", required=True, type=Names("trackmask.importing", "READERS"), help="The format that PATH is in."
)
@click.option("--clip", default="", metavar="NAME", help="The clip's name in PATH. [the name of the result's video]")
@click.option(
    "--absent", is_flag=True, help="Take an object that PATH does not show in a frame as not to be seen there."
)
@click.option("--overwrite", is_flag=True, help="Replace edits that were imported before.")
def import_(result: Path, path: Path, kind: str, clip: str, absent: bool, overwrite: bool) -> None:
    """Bring the masks that a person corrected in another tool back into a result, as edits.

    PATH is what that tool saved or exported. Only masks that differ from those of RESULT are kept, so bring them in
    before RESULT is tracked again; `trackmask correct RESULT --edits` tracks from them. Images must have the names that
    `trackmask export` gave them.
    """
    from trackmask.importing import import_edits

    tally = import_edits(result, path, kind, clip=clip, absent=absent, overwrite=overwrite)
    if not (tally.changed or tally.new or tally.absent):
        read = counted(tally.frames, "frame")
        click.echo(f"{shown(path)}: no mask of its {read} differs from {shown(result)}; nothing to bring in")
        return
    changed = f"{counted(tally.changed, 'mask')} changed, {tally.new} new, {tally.absent} taken away"
    found = f"in {counted(tally.frames, 'frame')}, {changed}"
    click.echo(f"{shown(tally.folder)}: {found}; track from them by trackmask correct --edits")
