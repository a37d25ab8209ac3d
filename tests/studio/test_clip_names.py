"""Clips with names that no one would choose, and that are there all the same."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from studio_samples import SAMPLES, Studio, studio

from trackmask.errors import VideoError
from trackmask.studio.clips import find

TOO_LONG = f"{'a' * 251}.mp4"  # as a file may be called, and no result of it
NO_TEXT = os.fsdecode(b"no\xfftext.mp4")
NAMES = ("<script>alert(1)<script>.mp4", "line\nbreak.mp4", NO_TEXT, "quo'te\".mp4", "😀.mp4")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Studio]:
    for name in (*NAMES, TOO_LONG):
        shutil.copy(SAMPLES / "cat.mp4", tmp_path / name)
    with studio(tmp_path) as found:
        yield found


def test_every_clip_is_listed_and_can_be_worked_on(one: Studio, tmp_path: Path) -> None:
    assert {clip["name"] for clip in one.clips} == {*NAMES, TOO_LONG}
    for clip in one.clips:
        one.way = f"/api/clips/{clip['id']}"
        if clip["name"] == TOO_LONG:
            assert "choose a shorter name" in one.get("", 500)["error"]
            continue
        assert one.get()["name"] == clip["name"]
        one.post("box", object=None, frame=0, box=[100, 100, 150, 150])
        one.post("save")
        one.wait()
        for to in ("folder", "download"):
            one.post("export", format="csv", options={}, to=to)
            one.wait()
        answer = one.client.get(one.heard("exported")[-1]["download"])
        assert answer.status_code == 200
        assert (tmp_path / f"{clip['name']}.trackmask" / "result.json").is_file()
        assert (tmp_path / f"{clip['name']}.csv").is_file()
    assert {clip["state"] for clip in one.client.get("/api/clips").json()["clips"]} == {"new", "started"}


def test_a_picture_of_every_clip_is_shown(one: Studio) -> None:
    for clip in one.clips:
        assert one.client.get(f"/api/clips/{clip['id']}/thumbnail").status_code == 200


def test_what_cannot_be_there_is_not_there() -> None:
    with pytest.raises(VideoError, match="does not exist"):
        find(Path("a" * 300))
