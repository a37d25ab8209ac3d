"""What a report shows of a result."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from media import full_disk, read_number, write_clip
from report_samples import COUNT, EVIL, FPS, LOST, SIZE, data_of, decoded, images, make, picture, text_of

from trackmask.errors import CallError, OutputError, OutputExistsError, ResultError, VideoError
from trackmask.report import write_report
from trackmask.report.pictures import View, portrait, row_of, shoot
from trackmask.report.series import BUCKETS
from trackmask.result import ObjectInfo, Range, ResultWriter, Source, open_result
from trackmask.video import open_video


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
    again, lost = open_result(folder).review
    assert (again.reason, again.frame, lost.frame) == ("found again", 24, 23)
    assert all(f"correct frame {item.frame} first" in page for item in (again, lost))
    assert re.findall(r"<figcaption>(\d+)</figcaption>", page)[5:] == ["12", "19", "23", "24", "31"]
    assert re.findall(r'<figure class="(\w+)"', page)[5:] == ["before", "before", "at", "after", "after"]


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
    row = row_of(result, result.review[1])
    assert row.span == (20, 23)
    assert [view.place for view in row.views] == [12, 19, 23, 24, 31]
    beside = row_of(result, replace(result.review[1], frame=27))
    assert [view.place for view in beside.views] == [12, 19, LOST[2], 24, 27]
    (x, y, w, h), *others = {view.part for view in row.views}
    assert not others
    assert x <= 52 < 40 + 31 + 20 <= x + w  # all of its way in these frames
    assert y <= 30 < 50 <= y + h < SIZE[0]
    assert w / h == pytest.approx(SIZE[1] / SIZE[0], rel=0.03)
    assert row_of(result, Range(2, 0, 0, "jump", 0.5, 0)).views[0].place == 0
    assert row_of(result, Range(2, 100, 120, "jump", 0.5, 110)) is None


def test_a_row_shows_its_range_also_where_the_frame_to_correct_lies_beside_it(tmp_path):
    folder = make(tmp_path)
    result = open_result(folder)

    def places(frame):
        row = row_of(result, Range(2, 20, 23, "lost", 0.3, frame))
        return [view.place for view in row.views]

    assert places(21) == [12, 19, 21, 24, 31]
    assert places(27) == [12, 19, LOST[2], 24, 27]
    assert places(24) == [12, 19, LOST[2], 24, 31]
    assert places(15) == [15, 19, LOST[2], 24, 31]


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
    raw["source"]["name"] = "<i>clip<i>.mp4"
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
    assert [np.median(image) > 140 for image in images(text_of(folder))][5:] == [False, False, False, True, True]


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
    assert re.findall(r'data-seek="(\d+)"', page)[:5] == ["6", "13", "14", "15", "22"]


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
