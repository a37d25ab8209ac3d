"""What strangers may hand in: files that lead elsewhere, names that are no words, files that go away; 300 broken ones."""

import ast
import os
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fuzz.campaign import campaign
from media import numbered, numbered_images, read_number, write_clip
from PIL import Image

from trackmask.cli import main
from trackmask.errors import TrackmaskError, VideoError
from trackmask.video import hash_source, open_video
from trackmask.weights import CHECKPOINT, fingerprint

ROOT = Path(__file__).parent.parent


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


# --- broken files ----------------------------------------------------------------------------------------------------


def test_300_broken_files_are_read_or_refused_with_one_sentence(tmp_path: Path) -> None:
    verdicts = list(campaign(range(300), tmp_path))
    assert [verdict for verdict in verdicts if verdict.outcome == "wrong"] == []
    tally = Counter((verdict.case.kind, verdict.outcome) for verdict in verdicts)
    for kind in ("film", "pictures", "mask", "prompts", "result", "run"):  # else the files are too broken, or too whole
        assert tally[kind, "read"] > 0
        assert tally[kind, "refused"] > 0


# --- files that lead elsewhere ---------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[tuple[int, list[object]]]:
    """A port of this machine, and who has called there."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    caller, address = listener.accept()
                except OSError:
                    return
                calls.append(address)
                caller.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1], calls
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


LEADING = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n{there}\n#EXT-X-ENDLIST\n",
    "list.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n{there}\n#EXT-X-ENDLIST\n",
    "concat.mkv": "ffconcat version 1.0\nfile '{there}'\n",
    "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1"'
    ' bandwidth="1000" width="64" height="64"><BaseURL>{there}</BaseURL><SegmentBase/></Representation>'
    "</AdaptationSet></Period></MPD>",
    "stream.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\na=control:{there}\n",
    "list.asx": '<asx version="3.0"><entry><ref href="{there}"/></entry></asx>',
}


@pytest.mark.parametrize("name", LEADING)
def test_a_file_that_leads_elsewhere_is_refused(tmp_path: Path, server: tuple[int, list[object]], name: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", numbered_images(6))
    port, calls = server
    for there in ("clip.mp4", str(clip), f"file:{clip}", f"http://127.0.0.1:{port}/clip.mp4", f"tcp://127.0.0.1:{port}"):
        (tmp_path / name).write_text(LEADING[name].format(there=there))
        with pytest.raises(VideoError, match="not a video"):
            open_video(tmp_path / name)
    assert calls == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_concat_list_does_not_even_open_the_other_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer forever
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile pipe\n")
    refused: list[VideoError] = []

    def attempt() -> None:
        try:
            open_video(tmp_path / "list.mp4")
        except VideoError as error:
            refused.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(20)
    assert len(refused) == 1


@pytest.mark.parametrize("name", ["a%03d.png", "a*.png", "a[0-9].png", "concat:a.png|b.png", "file:a.png", "pipe:0"])
def test_a_name_that_ffmpeg_would_read_as_something_else_is_the_file_s_own(tmp_path: Path, name: str) -> None:
    for number in (1, 2, 3):
        Image.fromarray(numbered(number)).save(tmp_path / f"a{number:03d}.png")
    with (tmp_path / name).open("wb") as file:
        Image.fromarray(numbered(77)).save(file, "PNG")
    assert [read_number(frame.image) for frame in open_video(tmp_path / name)] == [77]


@pytest.mark.parametrize("name", ["http://127.0.0.1/a.mp4", "concat:clip.mp4|clip.mp4", "file:clip.mp4", "pipe:0", "-"])
def test_what_is_no_path_is_never_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_clip(tmp_path / "clip.mp4", numbered_images(2))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VideoError, match="does not exist"):
        open_video(name)


# --- names -----------------------------------------------------------------------------------------------------------


def test_any_name_is_told_on_one_line(tmp_path: Path) -> None:
    for name in (b"two\nlines.mp4", b"\x1b[31mred.mp4", b"\xff.mp4", "e\u0301\u202e.mp4".encode(), b"n" * 255):
        path = tmp_path / os.fsdecode(name)
        path.write_text("no video")
        result = call("run", str(path), "-o", str(tmp_path / "out"))
        assert result.exit_code == 1
        assert result.stderr.startswith("trackmask: ")
        assert result.stderr.removesuffix("\n").isprintable()
    assert not (tmp_path / "out").exists()


def test_clips_with_odd_names_are_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_clip(tmp_path / "whole.mp4", numbered_images(2)).read_bytes()
    monkeypatch.chdir(tmp_path)
    for name in ("-x.mp4", "--help.mp4", "two\nlines.mp4", "e\u0301.mp4", "é.mp4", "..mp4", "n" * 225 + ".mp4", "a", " "):
        Path(name).write_bytes(data)
        result = call("run", "--box", "20,20,40,40", "--no-overlay", "--threads", "1", "-q", "--", name)
        assert (result.exit_code, result.stderr) == (0, "")
        assert Path(f"{name}.trackmask/result.json").exists()


def test_a_name_too_long_for_its_result_is_told_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".mp4")
    write_clip(tmp_path / "whole.mp4", numbered_images(2)).rename(path)
    result = call("run", str(path), "--box", "20,20,40,40", "-o", str(tmp_path / path.name) + ".trackmask")
    assert (result.exit_code, "name too long" in result.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == [path]


# --- files that go away ----------------------------------------------------------------------------------------------


def test_a_video_that_goes_away_between_two_passes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", numbered_images(5))
    video = open_video(path)
    path.unlink()
    for read in (lambda: next(video.frames()), lambda: next(video.reversed(2)), lambda: hash_source(path)):
        with pytest.raises(TrackmaskError, match=r"a\.mp4"):
            read()


def test_images_that_go_away(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(numbered(number)).save(tmp_path / f"{number}.png")
    video = open_video(tmp_path)
    (tmp_path / "1.png").unlink()
    frames = video.frames()
    assert next(frames).index == 0
    with pytest.raises(VideoError, match=r"1\.png"):
        next(frames)
    (tmp_path / "0.png").unlink()
    (tmp_path / "2.png").unlink()
    with pytest.raises(VideoError, match="no images"):
        hash_source(tmp_path)


def test_a_read_only_video_in_a_read_only_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = write_clip(tmp_path / "in" / "a.mp4", numbered_images(2))
    data = path.read_bytes()
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        result = call("run", str(path), "--box", "20,20,40,40", "-q", "-o", str(tmp_path / "out" / "r"))
    finally:
        path.parent.chmod(0o755)
    assert (result.exit_code, result.stderr) == (0, "")
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


# --- weights and prompts are data ------------------------------------------------------------------------------------


def test_the_weights_are_those_of_their_card() -> None:
    stated = re.search(r"^sha256: ([0-9a-f]{64})$", (ROOT / "weights" / "README.md").read_text(), re.MULTILINE)
    if stated is None:
        pytest.skip("the card has no line 'sha256: <hex>' yet")
    assert fingerprint(ROOT / "weights" / CHECKPOINT) == stated[1]


def test_nothing_is_read_in_a_form_that_can_run_code() -> None:
    """No yaml; pickle for the name of its error alone; torch.load for tensors alone."""
    for path in (ROOT / "trackmask").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"yaml", "marshal", "shelve", "dill", "joblib", "cloudpickle"}, path
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "pickle":
                assert node.attr == "UnpicklingError", path
            if isinstance(node, ast.Call):
                _check_call(node, path)


def _check_call(node: ast.Call, path: Path) -> None:
    name = ast.unparse(node.func)
    options = {option.arg: ast.unparse(option.value) for option in node.keywords}
    assert name not in ("eval", "exec", "compile", "__import__"), path
    if name == "torch.load":
        assert options.get("weights_only") == "True", path
    if name in ("np.load", "numpy.load"):
        assert options.get("allow_pickle", "False") == "False", path
