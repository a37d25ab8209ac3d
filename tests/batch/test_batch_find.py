"""Which clips a batch finds, among everything else that lies about."""

import io
import os
from fractions import Fraction
from pathlib import Path

import export_samples
import numpy as np
import pytest
from PIL import Image

from trackmask.batch.find import Found, Selection, find_clips
from trackmask.batch.plan import Shard, parse_shard
from trackmask.errors import CallError
from trackmask.export import export
from trackmask.export.mark import COMMENT, is_export
from trackmask.files import shown
from trackmask.video.writer import FilmWriter


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("result")
    return export_samples.make(folder / "clip.trackmask", export_samples.film(folder / "clip.mp4"))


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def images(folder: Path, count: int = 3, mode: str = "RGB") -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new(mode, (4, 4)).save(folder / f"{number:05d}.png")


def keys(found: Found) -> list[str]:
    return [clip.key for clip in found.clips]


def test_a_folder_with_everything_in_it(tmp_path: Path) -> None:
    root = tmp_path / "in"
    touch(root / "b.mp4", root / "a.MOV", root / "deep" / "er" / "c.mkv", root / "notes.txt", root / ".hidden.mp4")
    touch(root / ".cache" / "d.mp4", root / "old.mp4.trackmask" / "overlay.mp4")
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(root / "b.mask.png")
    images(root / "frames")
    images(root / "frames.truth", mode="P")
    images(root / "poster", count=1)
    os.mkfifo(root / "pipe.mp4")
    assert keys(find_clips(str(root), tmp_path / "out")) == ["a.MOV", "b.mp4", "deep/er/c.mkv", "frames"]


def test_results_are_no_clips_whatever_they_are_called(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "by" / "box" / "overlay.mp4", tmp_path / "by" / "box" / "result.json")
    images(tmp_path / "by" / "box" / "masks", mode="P")
    touch(tmp_path / "shot" / "b.mp4", tmp_path / "shot" / "result.json")  # somebody else's
    assert keys(find_clips(str(tmp_path), tmp_path / "out")) == ["a.mp4", "shot/b.mp4"]


@pytest.mark.parametrize("to", ["matte.mp4", "prores.mov", "webm.webm", "overlay", "alpha", "davis", "labelme"])
def test_exports_are_no_clips(result: Path, tmp_path: Path, to: str) -> None:
    """Films by what they say of themselves, folders by what lies in them; not by their names."""
    images(tmp_path / "shot")
    export(result, to.split(".")[0], tmp_path / f"A {to}")
    found = find_clips(str(tmp_path), tmp_path / "out")
    assert keys(found) == ["shot"]
    whole = " whole" * (tmp_path / f"A {to}").is_dir()
    assert list(found.notes) == [f"{shown(f'A {to}')} is an export of trackmask, and is passed over{whole}"]


def test_an_export_that_is_named_itself_holds_no_clips(result: Path, tmp_path: Path) -> None:
    images(tmp_path / "shot")
    export(result, "alpha", tmp_path / "alpha")
    for source in (tmp_path / "alpha", tmp_path / "alpha" / "clip", f"{tmp_path / 'alpha'}/*"):
        with pytest.raises(CallError, match=r"alpha is an export of trackmask, which holds no clips"):
            find_clips(str(source), tmp_path / "out")


def test_several_films_of_exports_are_one_note(result: Path, tmp_path: Path) -> None:
    images(tmp_path / "shot")
    for name in "abc":
        export(result, "matte", tmp_path / f"{name}.mp4")
    (note,) = find_clips(str(tmp_path), tmp_path / "out").notes
    assert note == "a.mp4 and 2 more films beside it are exports of trackmask, and are passed over"


def test_a_film_is_known_by_a_few_bytes_wherever_its_index_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches look at ten thousand films, at every resume; and films are anybody's."""
    read: list[int] = []

    class Watched(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size) or b""
            read.append(len(content))
            return content

    def box(kind: bytes, inside: bytes, size: int | None = None) -> bytes:
        return (8 + len(inside) if size is None else size).to_bytes(4) + kind + inside

    ftyp, about = box(b"ftyp", b"isom"), box(b"udta", COMMENT.encode())
    moov = box(b"moov", box(b"mvhd", bytes(100)) + box(b"trak", bytes(3 << 20)) + about)
    long = (1).to_bytes(4) + b"mdat" + (16 + (2 << 20)).to_bytes(8) + bytes(2 << 20)
    films = {
        "head": ftyp + moov + box(b"mdat", bytes(9)),
        "foot": ftyp + long + moov,
        "open": ftyp + box(b"moov", about, size=0),
    }
    for name, film in films.items():
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(film)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", lambda path, *_, **__: Watched(path))
            read.clear()
            assert is_export(path), name
        assert 0 < sum(read) < 1 << 13
    others = [ftyp + box(b"mdat", COMMENT.encode()), ftyp + box(b"moov", b"", size=3) * 9, ftyp + moov[:200], b"", ftyp]
    for other in others:
        (tmp_path / "other.mp4").write_bytes(other)
        assert not is_export(tmp_path / "other.mp4")


def test_a_film_that_speaks_late_of_itself_is_known_and_one_that_says_nothing_is_a_clip(tmp_path: Path) -> None:
    for comment in ("", COMMENT):
        path = tmp_path / f"{bool(comment)}.mp4"
        with FilmWriter(path, (64, 64), Fraction(1000), comment=comment) as film:
            for number in range(5000):
                film.write(np.zeros((64, 64, 3), np.uint8), number / 1000)
        assert is_export(path) is bool(comment)
    assert (tmp_path / "True.mp4").read_bytes().index(COMMENT.encode()) > 1 << 14


def test_a_folder_of_images_is_a_clip_itself(tmp_path: Path) -> None:
    images(tmp_path / "shot")
    (clip,) = find_clips(str(tmp_path / "shot"), tmp_path / "out").clips
    assert (clip.key, clip.path, clip.output) == ("shot", tmp_path / "shot", "shot.trackmask")


def test_links_are_not_followed_out_of_the_tree_nor_in_circles(tmp_path: Path) -> None:
    root = tmp_path / "in"
    touch(root / "a.mp4", tmp_path / "secret" / "s.mp4")
    (root / "again.mp4").symlink_to(root / "a.mp4")
    (root / "out.mp4").symlink_to(tmp_path / "secret" / "s.mp4")
    (root / "circle").symlink_to(root, target_is_directory=True)
    (root / "away").symlink_to(tmp_path / "secret", target_is_directory=True)
    (root / "gone.mp4").symlink_to(root / "nowhere.mp4")
    images(root / "shot")
    (root / "shot" / "00009.png").symlink_to(tmp_path / "secret" / "s.mp4")
    for pattern in (str(root), f"{root}/**/*"):
        found = find_clips(pattern, tmp_path / "out")
        assert keys(found) == ["a.mp4", "again.mp4"]
        assert "out.mp4 is a link that leads out of the folder" in found.notes
        assert any(note.startswith("shot holds images") for note in found.notes)


def test_out_within_in_and_in_within_out(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "out" / "b.mp4")
    assert keys(find_clips(str(tmp_path), tmp_path / "out")) == ["a.mp4"]
    assert keys(find_clips(str(tmp_path / "out"), tmp_path)) == ["b.mp4"]
    assert keys(find_clips(str(tmp_path / "out"), tmp_path / "out")) == ["b.mp4"]


def test_patterns(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4", tmp_path / "x" / "a.mov", tmp_path / "x" / "y" / "b.raw", tmp_path / "x" / "a.json")
    out = tmp_path / "out"
    assert keys(find_clips(f"{tmp_path}/*.mp4", out)) == ["a.mp4"]
    assert keys(find_clips(f"{tmp_path}/**/a*", out)) == ["a.mp4", "x/a.mov"]
    assert keys(find_clips(f"{tmp_path}/*/*", out)) == ["x/a.mov"]
    assert keys(find_clips(str(tmp_path), out, select=Selection(("*.raw", "*.mov")))) == ["x/a.mov", "x/y/b.raw"]
    assert keys(find_clips(str(tmp_path), out, select=Selection(exclude=("x/**",)))) == ["a.mp4"]


def test_side_cars_before_the_file_for_all(tmp_path: Path) -> None:
    touch(*(tmp_path / f"{name}.mp4" for name in "abcd"), tmp_path / "b.mov")
    touch(tmp_path / "a.mask.png", tmp_path / "a.prompts.json", tmp_path / "b.mp4.json", tmp_path / "b.json")
    touch(tmp_path / "c.json", tmp_path / "all.json")
    found = find_clips(str(tmp_path), tmp_path / "out", tmp_path / "all.json")
    prompts = {clip.key: clip.prompt.name for clip in found.clips if isinstance(clip.prompt, Path)}
    assert prompts == {
        "a.mp4": "a.prompts.json",
        "b.mov": "b.json",
        "b.mp4": "b.mp4.json",
        "c.mp4": "c.json",
        "d.mp4": "all.json",
    }
    assert {clip.prompt for clip in find_clips(str(tmp_path / "d.mp4"), tmp_path / "out").clips} == {None}


def test_a_list_and_a_csv(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.mp4", tmp_path / "in" / "b.mp4", tmp_path / "else" / "c.mp4")
    listed = tmp_path / "in" / "clips.txt"
    listed.write_bytes(b"a.mp4\r\n\n./b.mp4\n../else/c.mp4\n")
    found = find_clips(str(listed), tmp_path / "out").clips
    elsewhere = (tmp_path / "else" / "c.mp4").relative_to("/").as_posix()
    assert sorted(clip.key for clip in found) == sorted(["a.mp4", "b.mp4", elsewhere])
    table = tmp_path / "in" / "clips.csv"
    table.write_text('clip,prompt,output\na.mp4,"1,2,3,4",first\nb.mp4,b.json,\n')
    one, other = find_clips(str(table), tmp_path / "out").clips
    assert (other.key, other.prompt, other.output) == ("a.mp4", "1,2,3,4", "first")
    assert (one.key, one.prompt, one.output) == ("b.mp4", tmp_path / "in" / "b.json", "b.mp4.trackmask")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("clip,output\na.mp4,../../x\n", "below OUT"),
        ("clip,output\na.mp4,/x\n", "below OUT"),
        ("clip,output\na.mp4,x\nb.mp4,x\n", "two clips"),
        ("clip\na.mp4\n./a.mp4\n", "two clips"),
        ("video\na.mp4\n", "column"),
        ('clip\n"a\x00.mp4"\n', "names no clip"),
        ("clip\n" + "a" * 200_000 + "\n", "not a CSV"),
        ("clip\n", "no clips"),
    ],
)
def test_csvs_that_are_refused(tmp_path: Path, table: str, expected: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(table)
    with pytest.raises(CallError, match=expected):
        find_clips(str(path), tmp_path / "out")


def test_nothing_there(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "none", tmp_path / "none" / "*.mp4"):
        with pytest.raises(CallError):
            find_clips(str(source), tmp_path / "out")


def test_shards_split_stably_and_leave_nothing_out(tmp_path: Path) -> None:
    touch(*(tmp_path / f"clip{number}.mp4" for number in range(40)))
    clips = find_clips(str(tmp_path), tmp_path / "out").clips
    shards = [Shard(number, 3) for number in (1, 2, 3)]
    assert all(sum(clip in shard for shard in shards) == 1 for clip in clips)
    assert all(5 < sum(clip in shard for clip in clips) < 25 for shard in shards)
    chosen = [clip.key for clip in clips if clip in shards[1]]
    (tmp_path / "clip7.mp4").unlink()  # a clip that goes away moves no other one
    left = [clip.key for clip in find_clips(str(tmp_path), tmp_path / "out").clips if clip in shards[1]]
    assert left == [key for key in chosen if key != "clip7.mp4"]
    assert parse_shard("3/10") == Shard(3, 10)
    for wrong in ("0/3", "4/3", "1", "1/", "-1/2", "a/b", "1/2/3"):
        with pytest.raises(CallError):
            parse_shard(wrong)


def test_any_name_is_shown_on_one_line() -> None:
    assert shown("a b-ü.mp4") == "a b-ü.mp4"
    assert shown(b"x\n\x1b[31m\xff.mp4") == "x\\n\\x1b[31m\\udcff.mp4"
