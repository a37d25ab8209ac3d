"""trackmask export, trackmask import"""

from pathlib import Path

import click

_STATES = "tracked,uncertain"


@click.command()
@click.argument("results", nargs=-1, type=click.Path(path_type=Path))
@click.option("--to", metavar="FORMAT", help="See --list.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="A new folder, or a file for one film or table.")
@click.option("--list", "show", is_flag=True, help="Print the formats, and what opens them.")
@click.option("--every", type=int, default=1, metavar="N", help="Each N-th frame only.")
@click.option("--fps", metavar="N", help="N frames a second only.")
@click.option("--states", default=_STATES, show_default=True, help="Of the objects to keep.")
@click.option("--min-area", type=click.IntRange(1), default=1, metavar="PX", help="Leave out smaller masks.")
@click.option("--object", "objects", multiple=True, metavar="ID|NAME", help="Only this one. Repeat.")
@click.option("--category", "categories", multiple=True, metavar="NAME=CATEGORY", help="Of an object. Repeat.")
@click.option("--split", metavar="train=0.8,val=0.2", help="By clip, never by frame.")
@click.option("--images", type=click.Choice(("copy", "link", "none")), default="copy", show_default=True)
@click.option("--polygon", is_flag=True, help="Polygons where a format also takes masks (coco, labelme).")
@click.option("--tolerance", type=float, default=1.0, show_default=True, metavar="PX", help="Of polygons.")
@click.option("--cvat-masks", is_flag=True, help="With --to cvat: masks for its images format.")
@click.option("--background", default="#000000", metavar="COLOUR|FILE", help="Of cutout.")
@click.option("--blur", type=click.Choice(("object", "background")), default="object", help="What blur hides.")
@click.option("--video", type=click.Path(path_type=Path), help="Where the video is now, if it has moved.")
@click.option("--partial", is_flag=True, help="Also results that are not complete.")
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
    """Write RESULTs (folders of `trackmask run`) in a format of annotation tools, training or video editors."""
    from trackmask.export import export as write
    from trackmask.export.options import Options, parse_categories, parse_fps, parse_split, parse_states

    if show:
        list_formats()
        return
    if not (results and to and out):
        raise click.UsageError("give RESULT folders, --to FORMAT and -o OUT; --list shows the formats")
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
        click.echo(f"note: {note}", err=True)
    click.echo(f"{report.out}: {report.clips} clip{'s' if report.clips > 1 else ''} as {to}")


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
@click.option("--from", "kind", required=True, metavar="FORMAT", help="coco, cvat, labelme or davis.")
@click.option("--clip", default="", metavar="NAME", help="Under which the result was exported. [its video's name]")
@click.option("--absent", is_flag=True, help="An object that PATH does not show in a frame was taken away there.")
@click.option("--overwrite", is_flag=True, help="Replace edits that were imported before.")
def import_(result: Path, path: Path, kind: str, clip: str, absent: bool, overwrite: bool) -> None:
    """Bring masks that were corrected in another tool (PATH) back into a RESULT folder, as edits.

    Only masks that differ from the result's are kept. Images must have the names that `trackmask export` gave them.
    """
    from trackmask.importing import import_edits

    tally = import_edits(result, path, kind, clip=clip, absent=absent, overwrite=overwrite)
    found = f"{tally.changed} changed, {tally.new} new, {tally.absent} taken away"
    click.echo(f"{tally.folder}: of {tally.frames} frames, {found}")
