"""Films as a browser plays them: how long, how large, which frame when, in which colours, and what shines through."""

import base64
import mimetypes

import browser
import export_samples as samples
import numpy as np
import pytest

from trackmask.export import Options, export
from trackmask.pipeline import draw_masks
from trackmask.result import open_result
from trackmask.video import open_video

GREEN = (0, 200, 0)
EVEN = tuple(side + side % 2 for side in samples.SIZE)  # (height, width) of films: odd sides are filled up
# Looks at a film at some times, and plays it from its last frame on. Pixels come back as RGBA.
LOOK = """async ([url, times]) => {
  const film = document.createElement("video");
  const heard = name => new Promise((go, fail) => {
    film.addEventListener(name, go, {once: true});
    film.addEventListener("error", () => fail(new Error(film.error.message)), {once: true});
  });
  film.muted = true;
  film.src = url;
  await heard("loadeddata");
  const paper = Object.assign(document.createElement("canvas"), {width: film.videoWidth, height: film.videoHeight});
  const brush = paper.getContext("2d", {willReadFrequently: true});
  const pictures = [];
  const seek = async time => {
    // "seeked" may come before the picture does, on a busy machine; it is told of, since it is another one each time.
    const shown = new Promise(go => film.requestVideoFrameCallback(go));
    film.currentTime = time;
    await Promise.all([heard("seeked"), shown]);
  };
  await seek(times.at(-1));
  for (const time of times) {
    await seek(time);
    brush.clearRect(0, 0, paper.width, paper.height);
    brush.drawImage(film, 0, 0);
    pictures.push(Array.from(brush.getImageData(0, 0, paper.width, paper.height).data));
  }
  film.play();
  await heard("ended");
  return {seconds: film.duration, width: film.videoWidth, height: film.videoHeight, pictures};
}"""


@pytest.fixture(scope="module")
def page():
    with browser.page() as opened:
        yield opened


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("played")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"))


def seen(page, path):
    """(n, H, W, 4) uint8: each frame of a film of the samples, in the middle of its time; and what the browser says."""
    ends = [*samples.TIMES[1:], samples.TIMES[-1] + 0.04]
    kind = mimetypes.guess_type(path.name)[0]
    url = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"  # a file's pixels may not be read
    told = page.evaluate(LOOK, [url, [(a + b) / 2 for a, b in zip(samples.TIMES, ends, strict=True)]])
    pictures = np.array(told.pop("pictures"), np.uint8)
    return pictures.reshape(-1, told["height"], told["width"], 4), told


def seconds_of(path):
    with open_video(path) as video:
        return list(video)[-1].until


def far(picture, colour, where):
    """The mean difference, in levels, from a colour or a picture."""
    return np.abs(picture[..., :3].astype(int) - colour)[where].mean()


@pytest.fixture
def overlay(result, tmp_path):
    clip, opened = result.parent / "clip.mp4", open_result(result)
    with open_video(clip) as video:
        draw_masks(tmp_path, video, clip, iter(video), opened.masks, "outline")
    return tmp_path / "overlay.mp4"


def test_the_overlay(page, result, overlay):
    pictures, told = seen(page, overlay)
    assert (told["height"], told["width"]) == EVEN
    assert told["seconds"] == pytest.approx(seconds_of(result.parent / "clip.mp4"), abs=0.03)
    with open_video(overlay) as video:
        for picture, frame in zip(pictures, video, strict=True):
            assert far(picture, frame.image, np.ones(EVEN, bool)) < 4
            assert far(picture[1:10, 1:10], (220, 30, 30), np.ones((9, 9), bool)) < 25  # the red corner


def test_a_cut_out_over_green(page, result, tmp_path):
    export((result,), "cutout", tmp_path / "out.mp4", Options(background="#00c800"))
    pictures, told = seen(page, tmp_path / "out.mp4")
    assert told["seconds"] == pytest.approx(seconds_of(result.parent / "clip.mp4"), abs=0.03)
    for index, picture in enumerate(pictures):
        outside = np.pad(samples.labels_at(index), ((0, 1), (0, 1)), mode="edge") == 0
        assert far(picture, GREEN, outside) < 10
        assert outside.all() or far(picture, GREEN, ~outside) > 60


def test_webm_lets_the_page_shine_through(page, result, tmp_path):
    export((result,), "webm", tmp_path / "out.webm")
    pictures, told = seen(page, tmp_path / "out.webm")
    assert (told["height"], told["width"]) == EVEN
    assert told["seconds"] == pytest.approx(seconds_of(result.parent / "clip.mp4"), abs=0.05)
    for index, picture in enumerate(pictures):
        assert ((picture[:-1, :-1, 3] > 127) != (samples.labels_at(index) > 0)).mean() < 0.01
