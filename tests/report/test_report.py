"""The report's content, and in a browser, where there is one, that a click shows the right frame of the overlay."""

import base64
import json
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from html import unescape
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from media import full_disk, read_number, write_clip
from PIL import Image as Pillow

from trackmask.cli import main
from trackmask.cli.report import report
from trackmask.correct import correct
from trackmask.data import Masks, ObjectRecord, State, box_of
from trackmask.draw import overlay
from trackmask.errors import CallError, OutputError, OutputExistsError, ResultError, VideoError
from trackmask.prompts import Prompt
from trackmask.report import write_report
from trackmask.report.pictures import View, portrait, row_of, shoot
from trackmask.report.series import BUCKETS, Series, bands, cuts, extremes
from trackmask.report.timeline import axis
from trackmask.result import ObjectInfo, Range, ResultWriter, Source, open_result
from trackmask.runtime import open_runtime
from trackmask.video import hash_source, open_video
from trackmask.video.writer import FilmWriter

SIZE = (90, 160)
COUNT = 40
LOST = range(20, 24)  # frames in which object 2 is lost
FPS = Fraction(30000, 1001)
EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)> & "it\'s"'
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def picture(number: int) -> np.ndarray:
    """The number in bars along the bottom, where no mask is."""
    image = np.full((*SIZE, 3), 90, np.uint8)
    for bit in range(8):
        image[60:, SIZE[1] * bit // 8 : SIZE[1] * (bit + 1) // 8] = 40 + 170 * (number >> bit & 1)
    return image


def masks(index: int) -> Masks:
    """Object 1 stays; object 2 moves to the right, and is lost for a while."""
    labels = np.zeros(SIZE, np.uint8)
    labels[5:25, 5:25] = 1
    state = State.LOST if index in LOST else State.TRACKED
    if state == State.TRACKED:
        labels[30:50, 40 + index : 60 + index] = 2
    confidence = 0.4 - 0.05 * (index == LOST[2]) if state == State.LOST else 0.9
    records = [ObjectRecord(1, State.TRACKED, 0.95, 400, box_of(labels == 1))]
    records.append(ObjectRecord(2, state, confidence, int((labels == 2).sum()), box_of(labels == 2)))
    return Masks(labels, tuple(records))


def make(
    folder: Path, *, start: int = 0, film: bool = True, name: str = "fox", reason: str | None = None, cut: int = -1
) -> Path:
    """A result of frames `start` on, of a clip beside it; a new shot begins in frame `cut`."""
    video = folder / "clip.mp4"
    if not video.exists():
        write_clip(video, [picture(index) for index in range(COUNT)], rate=FPS, crf=10)
    out = folder / "clip & co.trackmask"
    with open_video(video) as reader, ResultWriter(out) as writer:
        frames = list(reader.frames(start))
        for frame in frames:
            writer.write(frame, replace(masks(frame.index), cut=frame.index == cut))
        if film:
            with FilmWriter(writer.folder / "overlay.mp4", SIZE, FPS) as drawn:
                for frame in frames:
                    drawn.write(overlay(frame.image, masks(frame.index).labels), frame.time)
        writer.finish(
            source=Source(video, video.name, *hash_source(video), COUNT, SIZE, FPS),
            prompts=[Prompt(1, start, box=(5, 5, 20, 20)).as_json(), Prompt(2, start, box=(40, 30, 20, 20)).as_json()],
            objects=[ObjectInfo(1, name, start, start), ObjectInfo(2, "ball", start, start)],
            weights_sha256="ab" * 32,
            complete=reason is None,
            reason=reason,
        )
    return out


def text_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def images(page: str) -> list[np.ndarray]:
    """The pictures of the review list."""
    return [decoded(uri) for uri in re.findall(r'<img src="(data:image/jpeg;base64,[^"]+)"', page)]


def decoded(uri: str) -> np.ndarray:
    return np.asarray(Pillow.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found.group(1))


def test_page_tells_frames_states_and_what_to_review(tmp_path):
    folder = make(tmp_path)
    written = write_report(folder)
    page = text_of(folder)
    assert written.path == folder / "report.html"
    assert written.notes == ()
    for fact in ("40 frames (0 to 39)", "1.33 s", "29.97 frames/s", "160 × 90 pixels", "2 objects"):
        assert f"<li>{fact}</li>" in page
    assert "<td>90%</td><td>–</td><td>10%</td><td>–</td>" in page
    assert page.count('role="slider"') == 2
    assert page.count('<rect class="lost" x="19.5" y="0" width="4" height="1"/>') == 1
    assert "<b>frames 20 to 23</b><span>lost</span>" in page
    first = open_result(folder).review[0].frame
    assert first in LOST
    assert f"correct frame {first} first" in page
    assert re.findall(r"<figcaption>(\d+)</figcaption>", page)[:5] == ["12", "19", str(first), "24", "31"]
    assert re.findall(r'<figure class="(\w+)"', page)[:5] == ["before", "before", "at", "after", "after"]


def test_pictures_are_the_video_under_its_masks(tmp_path):
    folder = make(tmp_path, start=10)
    result = open_result(folder)
    views = [View(place, (0, 0, SIZE[1], SIZE[0]), 160) for place in (29, 0, 12)]
    views.append(View(12, (0, 45, 160, 45), 80))
    with open_video(tmp_path / "clip.mp4") as reader:
        found = {view: decoded(uri) for view, uri in shoot(result, reader, views, lambda: None)}
    assert [read_number(found[view][-20:]) for view in views] == [39, 10, 22, 22]
    assert [found[view].shape for view in views] == [(*SIZE, 3)] * 3 + [(22, 80, 3)]
    red, green, blue = found[views[0]][15, 15].astype(int)
    assert red > max(green, blue) + 30  # the first id's colour
    np.testing.assert_allclose(found[views[0]][15, 35], 90, atol=6)


def test_a_row_shows_one_part_of_the_picture_around_its_object(tmp_path):
    result = open_result(make(tmp_path))
    row = row_of(result, result.review[0])
    assert row.span == (20, 23)
    assert [view.place for view in row.views] == [12, 19, result.review[0].frame, 24, 31]
    (x, y, w, h), *others = {view.part for view in row.views}
    assert not others
    assert x <= 52 < 40 + 31 + 20 <= x + w  # all of its way in these frames
    assert y <= 30 < 50 <= y + h < SIZE[0]
    assert w / h == pytest.approx(SIZE[1] / SIZE[0], rel=0.03)
    assert row_of(result, Range(2, 0, 0, "jump", 0.5, 0)).views[0].place == 0
    assert row_of(result, Range(2, 100, 120, "jump", 0.5, 110)) is None


def test_every_object_has_a_portrait_from_its_first_prompt(tmp_path):
    result = open_result(make(tmp_path))
    one, two = (portrait(result, item) for item in result.objects)
    assert (one.place, two.place) == (0, 0)
    x, y, w, h = two.part
    assert x <= 40 < 60 <= x + w
    assert y <= 30 < 50 <= y + h
    assert w == h < SIZE[0]
    assert portrait(result, replace(result.objects[1], first_prompt=LOST[0])).place == LOST[-1] + 1
    assert portrait(result, ObjectInfo(9, "never seen", 0, 0)) is None
    write_report(result.folder)
    faces = re.findall(r'<img class="portrait" src="(.*?)"', text_of(result.folder))
    assert [decoded(uri).shape for uri in faces] == [(h, w, 3)] * 2
    assert faces[0] != faces[1]


def test_page_needs_nothing_from_elsewhere(tmp_path):
    folder = make(tmp_path)
    write_report(folder)
    page = text_of(folder)
    assert not re.search(r"https?:|@import|url\(|<link[^>]+href=\"(?!data:)", page)
    assert set(re.findall(r'\bsrc="(?!data:)([^"]*)"', page)) == {"overlay.mp4"}
    assert str(tmp_path) not in page


def test_link_leads_from_another_folder_to_the_overlay(tmp_path):
    folder = make(tmp_path)
    (tmp_path / "pages").mkdir()
    path = write_report(folder, tmp_path / "pages" / "r.html").path
    assert 'src="../clip%20%26%20co.trackmask/overlay.mp4"' in path.read_text(encoding="utf-8")
    assert not (folder / "report.html").exists()


def test_strings_of_the_data_stay_strings(tmp_path):
    folder = make(tmp_path, name=EVIL, reason="<b>cut off</b>")
    raw = json.loads((folder / "result.json").read_text())
    raw["source"]["name"] = "<i>clip</i>.mp4"
    raw["tool"] = "trackmask <u>"
    raw["review"] = [{"object": 1, "first": 3, "last": 4, "reason": "<s>", "confidence": 0.1}]
    (folder / "result.json").write_text(json.dumps(raw))
    write_report(folder)
    page = text_of(folder)
    for tag in ("<b>cut", "<i>clip", "<u>", "<s>", "<img src=x", "<script>alert"):
        assert tag not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;alert(1)") == 6  # table, portrait, timeline, review, two labels
    assert page.count("</script>") == 2
    assert data_of(page)["count"] == COUNT


def test_cuts_are_drawn_and_shots_counted(tmp_path):
    folder = make(tmp_path, start=4, cut=30)
    write_report(folder)
    page = text_of(folder)
    assert "<li>2 shots</li>" in page
    assert page.count('<path class="cut" d="M25.5 0v100"/>') == 2  # one in each object's timeline, at the place of 30
    assert "<span>cut</span>" in page  # in the review


def test_without_overlay_nothing_is_offered_to_play(tmp_path):
    folder = make(tmp_path, film=False)
    assert "no overlay.mp4" in write_report(folder).notes[0]
    page = text_of(folder)
    assert "no overlay.mp4" in page
    assert "<video" not in page
    assert "<button" not in page
    assert len(images(page)) == 10


def test_without_the_video_masks_stand_alone(tmp_path):
    folder = make(tmp_path)
    video = (tmp_path / "clip.mp4").rename(tmp_path / "moved.mp4")
    assert "--video FILE" in write_report(folder).notes[0]
    page = text_of(folder)
    assert "the masks alone" in page
    assert np.median(images(page)[0]) == pytest.approx(150, abs=3)  # nothing of the picture, which is darker
    (tmp_path / "clip.mp4").mkdir()
    assert "--video FILE" in write_report(folder).notes[0]

    assert write_report(folder, video=video).notes == ()
    assert "the masks alone" not in text_of(folder)


def test_another_file_in_the_videos_place_is_not_taken_for_it(tmp_path):
    folder = make(tmp_path)
    write_clip(tmp_path / "clip.mp4", [picture(7)] * COUNT)
    assert "another one" in write_report(folder).notes[0]
    page = text_of(folder)
    with pytest.raises(CallError, match=r"is not the video of this result, which was clip\.mp4"):
        write_report(folder, video=tmp_path / "clip.mp4")
    with pytest.raises(VideoError):
        write_report(folder, video=tmp_path / "none.mp4")
    assert text_of(folder) == page


def test_frames_that_a_damaged_video_does_not_give_show_masks_alone(tmp_path, monkeypatch):
    folder = make(tmp_path)

    def broken(path):
        reader = open_video(path)
        whole = reader.frames

        def frames(start=None, end=None):
            for frame in whole(start, end):
                if frame.index == 24:
                    raise VideoError("clip.mp4 is damaged")
                yield frame

        reader.frames = frames
        return reader

    monkeypatch.setattr("trackmask.report.write.open_video", broken)
    assert write_report(folder).notes == ("Some pictures show the masks alone: clip.mp4 is damaged",)
    assert [np.median(image) > 140 for image in images(text_of(folder))][:5] == [False, False, False, True, True]


def test_an_incomplete_result_says_why(tmp_path):
    folder = make(tmp_path, reason="clip.mp4 ends after 40 frames")
    assert write_report(folder).notes == ("This result is not complete: clip.mp4 ends after 40 frames",)
    assert "not complete: clip.mp4 ends after 40 frames" in text_of(folder)


def test_a_part_of_the_video_keeps_its_frame_numbers(tmp_path):
    folder = make(tmp_path, start=10)
    write_report(folder)
    page = text_of(folder)
    data = data_of(page)
    assert (data["frames"][0], data["frames"][-1], data["times"][0]) == (10, 39, 0)
    assert data["start"] == pytest.approx(10 * 1.001 / 30, abs=1e-4)
    assert 'aria-valuemin="10" aria-valuemax="39"' in page
    assert re.findall(r'data-seek="(\d+)"', page)[:5] == ["2", "9", "12", "14", "21"]


def test_a_single_frame(tmp_path):
    folder = make(tmp_path, start=COUNT - 1)
    assert write_report(folder).notes == ()
    page = text_of(folder)
    assert "<li>1 frame (39 to 39)</li>" in page
    assert 'class="line" d="M-0.4 5 0.4 5"' in page
    assert "Nothing stands out" in page


def test_an_object_may_come_later(tmp_path):
    folder = make(tmp_path)
    raw = json.loads((folder / "result.json").read_text())
    for frame in raw["frames"][:30]:
        frame["objects"] = frame["objects"][:1]
    (folder / "result.json").write_text(json.dumps(raw))
    write_report(folder)
    page = text_of(folder)
    ball = data_of(page)["objects"][1]
    assert ball["state"] == [-1] * 30 + [0] * 10
    assert ball["confidence"] == [None] * 30 + [0.9] * 10
    assert "<td>100%</td><td>–</td><td>–</td><td>–</td></tr></tbody>" in page


def test_result_is_still_a_result(tmp_path):
    """With its report in it, it can be read, and replaced."""
    folder = make(tmp_path)
    write_report(folder)
    (folder / ".report.html.partial").write_text("a killed run's")
    assert len(open_result(folder).frames) == COUNT
    with ResultWriter(folder, overwrite=True):
        pass


def test_only_a_report_is_replaced(tmp_path):
    folder = make(tmp_path)
    write_report(folder)
    write_report(folder)
    other = tmp_path / "mine.html"
    other.write_text("<!doctype html><title>mine</title>")
    for path in (other, tmp_path / "clip.mp4", tmp_path):
        with pytest.raises(OutputExistsError, match="is not a report"):
            write_report(folder, path)
    assert other.read_text().endswith("mine</title>")


def test_a_full_disk_leaves_the_old_report(tmp_path):
    folder = make(tmp_path)
    write_report(folder)
    before = text_of(folder)
    with full_disk(1000), pytest.raises(OutputError, match=r"report\.html"):
        write_report(folder)
    assert text_of(folder) == before
    assert sorted(path.name for path in folder.iterdir()) == ["masks", "overlay.mp4", "report.html", "result.json"]


def test_no_result_no_report(tmp_path):
    with pytest.raises(ResultError, match="not a trackmask result"):
        write_report(tmp_path)
    with ResultWriter(tmp_path / "empty") as writer:
        source = Source(tmp_path / "clip.mp4", "clip.mp4", 1, "ab" * 32, 0, SIZE, FPS)
        writer.finish(source=source, prompts=[], objects=[], weights_sha256="")
    with pytest.raises(ResultError, match="holds no frame"):
        write_report(tmp_path / "empty")


def test_a_long_video_makes_a_small_page(tmp_path):
    """100 times the frames, and every single bad one still shows."""
    count = 50 * BUCKETS
    folder = make(tmp_path)
    raw = json.loads((folder / "result.json").read_text())
    good, bad = raw["frames"][0]["objects"], raw["frames"][LOST[0]]["objects"]
    raw["source"]["timestamps"] = [index / 30 for index in range(count)]
    raw["frames"] = [{"frame": i, "objects": bad if i == 33_333 else good} for i in range(count)]
    (folder / "result.json").write_text(json.dumps(raw))
    write_report(folder)
    page = text_of(folder)
    assert len(page) < 400_000
    assert page.count('<rect class="lost"') == 1
    assert data_of(page)["objects"][1]["confidence"].count(0.4) == 1
    assert "27:47" in page
    assert len(re.search(r'class="line" d="M([^"]+)"', page).group(1).split(" ")) <= 2 * 2 * BUCKETS


def test_extremes_keep_every_peak_and_gap():
    values = np.full(10 * BUCKETS, 0.5, np.float32)
    values[[77, 1234]] = 0.1, 0.9
    values[5000:6000] = np.nan
    runs = extremes(values)
    assert len(runs) == 2
    points = [point for run in runs for point in run]
    assert len(points) <= 2 * BUCKETS
    assert all(a[0] < b[0] for a, b in pairwise(points))
    assert (77, pytest.approx(0.1)) in points
    assert (1234, pytest.approx(0.9)) in points
    assert not any(5000 <= place < 6000 for place, _ in points)


def test_extremes_of_a_short_video_are_its_values():
    values = np.array([0.1, np.nan, 0.3, 0.2], np.float32)
    assert extremes(values) == [[(0, pytest.approx(0.1))], [(2, pytest.approx(0.3)), (3, pytest.approx(0.2))]]
    assert extremes(np.full(3, np.nan)) == []


def test_bands_join_equal_states_and_never_hide_the_worst():
    tracked, absent, uncertain, lost = range(4)
    state = np.array([-1, tracked, tracked, absent, lost, tracked], np.int8)
    nothing = np.zeros(len(state), np.float32)
    assert bands(Series(nothing, nothing, state)) == [
        (1, 3, State.TRACKED),
        (3, 4, State.ABSENT),
        (4, 5, State.LOST),
        (5, 6, State.TRACKED),
    ]
    long = np.tile(np.array([tracked, uncertain, tracked, tracked], np.int8), BUCKETS)
    nothing = np.zeros(len(long), np.float32)
    assert bands(Series(nothing, nothing, long)) == [(0, len(long), State.UNCERTAIN)]


@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001, 123_457])
def test_cuts_cover_everything_once(count):
    edges = cuts(count)
    assert (edges[0], edges[-1]) == (0, count)
    assert len(edges) <= BUCKETS + 1
    assert all(a < b for a, b in pairwise(edges))


@pytest.mark.parametrize(
    ("frames", "ticks"),
    [
        (range(1), ["0"]),
        (range(7, 10), ["7", "8", "9"]),
        (range(48), ["0", "10", "20", "30", "40"]),
        (range(100_000), ["0", "20000", "40000", "60000", "80000"]),
    ],
)
def test_axis_has_few_round_numbers(frames, ticks):
    assert re.findall(r">(\d+)</span>", axis(frames)) == ticks


def test_command(tmp_path, monkeypatch):
    folder = make(tmp_path)
    (tmp_path / "clip.mp4").rename(tmp_path / "moved.mp4")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(report, [folder.name])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder.name}/report.html: open it in a browser\n"
    assert "--video FILE" in result.stderr
    result = CliRunner().invoke(report, [folder.name, "--video", "moved.mp4", "-o", "page.html", "-q"])
    assert (result.exit_code, result.output) == (0, "")
    assert Path("page.html").exists()


# An open document in a frame holds the page's load event back, which is what --dump-dom waits for.
PROBE = """<script>
const log = [];
const hold = document.body.appendChild(document.createElement("iframe")).contentDocument;
hold.open();
const done = () => {
  document.title = log.join("|");
  hold.close();
};
setTimeout(done, 20000);
addEventListener("error", event => log.push(event.message));
const plot = document.querySelectorAll(".plot")[1];
const steps = [
  () => document.querySelectorAll("[data-seek]")[2].click(),
  () => document.getElementById("back").click(),
  () => plot.dispatchEvent(new KeyboardEvent("keydown", {key: "Home"})),
  () => {
    const box = plot.getBoundingClientRect();
    plot.setPointerCapture = () => {};
    plot.dispatchEvent(new PointerEvent("pointerdown", {clientX: box.left + box.width * 0.5001}));
  },
  () => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true})),
  () => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", shiftKey: true, bubbles: true})),
  () => plot.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true})),
  done,
];
const next = () => steps.shift()();
film.addEventListener("seeked", () => {
  log.push(`${film.currentTime.toFixed(3)} ${where.textContent} ${plot.getAttribute("aria-valuenow")}`);
  next();
});
next();
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_in_a_browser_clicks_and_keys_seek(tmp_path):
    folder = make(tmp_path, start=10, name=EVIL)
    write_report(folder)
    page = folder / "probe.html"
    page.write_text(text_of(folder) + PROBE, encoding="utf-8")
    options = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking dump-dom"
    options += " disable-component-update disable-sync"
    command = [CHROMIUM, *(f"--{option}" for option in options.split()), f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=60, check=True)
    step = 1001 / 30000
    expected = [
        f"{(place + 0.5) * step:.3f} frame {place + 10} · {(place + 10) * step:.2f} s {place + 10}"
        for place in (12, 11, 0, 15, 16, 6, 7)
    ]
    assert re.search("<title>(.*?)</title>", done.stdout).group(1) == "|".join(expected)
    assert re.search(r'<p class="note" id="broken" hidden', done.stdout)


def test_its_commands_put_a_frame_right_and_the_report_is_written_again(tmp_path, monkeypatch):
    folder = make(tmp_path)
    write_report(folder)
    monkeypatch.chdir(tmp_path)
    before = text_of(folder)
    lines = [shlex.split(unescape(line)) for line in re.findall(r"<code>(.*?)</code>", before)]
    assert [line[:2] for line in lines[:2]] == [["trackmask", "frame"], ["trackmask", "correct"]]
    index = open_result(folder).review[0].frame

    assert CliRunner().invoke(main, lines[0][1:]).exit_code == 0
    painted = np.asarray(Pillow.open(lines[0][-1]))
    assert read_number(painted[-20:]) == index
    mask = np.zeros(SIZE, np.uint8)
    mask[30:50, 40 + index : 60 + index] = 255
    Pillow.fromarray(mask).save(lines[1][-1])
    done = CliRunner().invoke(main, lines[1][1:])
    assert done.exit_code == 0, done.output
    after = text_of(folder)
    assert after.count('class="prompt"') == before.count('class="prompt"') + 1

    assert CliRunner().invoke(main, ["undo", folder.name]).exit_code == 0
    assert text_of(folder) == before


def test_no_report_is_made_where_none_was(tmp_path):
    folder = make(tmp_path)
    correct(folder, [Prompt(2, 21, box=(61, 30, 20, 20))], open_runtime(threads=1))
    assert not (folder / "report.html").exists()


def test_objects_have_their_names_and_the_id_that_commands_take(tmp_path):
    folder = make(tmp_path)
    write_report(folder)
    assert 'fox <small class="soft">object 1</small>' in text_of(folder)
