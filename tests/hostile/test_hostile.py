"""What strangers may hand in: broken files, files that lead elsewhere, data that would be code."""

import ast
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from fuzz.campaign import campaign
from media import numbered, numbered_images, read_number, write_clip
from PIL import Image
from waiting import PATIENCE

from trackmask.cli import main
from trackmask.errors import VideoError
from trackmask.runtime import CHECKPOINT, fingerprint
from trackmask.video import open_video
from trackmask.video.kinds import FORMATS


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


# --- broken files ----------------------------------------------------------------------------------------------------


def test_300_broken_files_are_read_or_refused_with_one_sentence(tmp_path: Path) -> None:
    verdicts = list(campaign(range(300), tmp_path, PATIENCE))
    assert [verdict for verdict in verdicts if verdict.outcome == "wrong"] == []
    tally = Counter((verdict.case.kind, verdict.outcome) for verdict in verdicts)
    for kind in ("film", "import", "pictures", "mask", "result", "run", "strange", "use"):  # else all are too broken
        assert tally[kind, "read"] > 0
        assert tally[kind, "refused"] > 0


def test_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.flv", numbered_images(3))
    data = path.read_bytes()
    for known, unknown in ((b"\x17", b"\x1e"), (b"\x27", b"\x2e")):  # a picture's first byte ends in its codec's number
        for kind in (b"\x00\x00\x00\x00", b"\x01"):
            data = data.replace(known + kind, unknown + kind)
    path.write_bytes(data)
    with pytest.raises(VideoError, match="codec that FFmpeg cannot decode"):
        open_video(path)


def test_pillow_s_warnings_of_odd_images_are_not_shown(tmp_path: Path) -> None:
    broken = b"Exif\0\0II*\0\x08\0\0\0\x05\0"  # five entries, and none there
    Image.fromarray(numbered(0)).save(tmp_path / "a.jpg", exif=broken)
    with pytest.warns(UserWarning, match="EXIF"), Image.open(tmp_path / "a.jpg") as image:
        image.getexif()
    result = call("info", str(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_video_that_cannot_be_sought_in_is_read_backward_all_the_same(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", numbered_images(12), g=4)
    data = bytearray(path.read_bytes())
    at = data.index(b"stss") + 8  # the table of key frames: how many, then the number of each
    count = int.from_bytes(data[at : at + 4], "big")
    assert count == 3
    data[at + 4 : at + 4 + 4 * count] = (0xFFFFFF).to_bytes(4, "big") * count
    path.write_bytes(data)
    video = open_video(path)
    assert [read_number(frame.image) for frame in video] == list(range(12))
    assert [read_number(frame.image) for frame in video.reversed(11)] == list(range(11, -1, -1))


def test_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("trackmask.video.open_video", full)
    result = call("info", "a.mp4")
    assert (result.exit_code, "not enough memory" in result.stderr) == (1, True)


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
    away = (f"http://127.0.0.1:{port}/clip.mp4", f"tcp://127.0.0.1:{port}")
    for there in ("clip.mp4", str(clip), f"file:{clip}", *away):
        (tmp_path / name).write_text(LEADING[name].format(there=there))
        with pytest.raises(VideoError, match="not a video"):
            open_video(tmp_path / name)
    assert calls == []


def test_a_magic_lantern_film_does_not_open_its_parts(tmp_path: Path) -> None:
    header = b"MLVI" + (52).to_bytes(4, "little") + b"v2.0" + bytes(40)
    (tmp_path / "a.mlv").write_bytes(header)
    (tmp_path / "a.M00").write_bytes(header)
    with pytest.raises(VideoError, match="not a video"):
        open_video(tmp_path / "a.mlv")


def test_no_kind_of_file_is_allowed_that_leads_elsewhere() -> None:
    """By FFmpeg's names of what opens other files, devices and the network."""
    elsewhere = "concat concatf dash fbdev hls imf kmsgrab lavfi mlv rtp rtsp sap sdp svg_pipe tty v4l2 vobsub x11grab"
    assert not {*elsewhere.split()} & {*FORMATS.split(",")}


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
    thread.join(PATIENCE)
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


def test_a_run_writes_nothing_into_the_home_and_calls_nobody(tmp_path: Path) -> None:
    """As ONNX Runtime would, to its maker: there it leaves a database, which it sends off now and then."""
    clip = write_clip(tmp_path / "a.mp4", numbered_images(2))
    home = tmp_path / "home"
    home.mkdir()
    unsaid = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME")
    environment = {key: value for key, value in os.environ.items() if key not in unsaid}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "trackmask", "run", str(clip), "--box", "20,20,40,40", "-o", str(tmp_path / "out")]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=PATIENCE)
    assert list(home.iterdir()) == []


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
