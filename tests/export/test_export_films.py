import re

import av
import export_samples as samples
import media
import numpy as np
import pytest
from PIL import Image

from trackmask.data import Frame, Masks, ObjectRecord, State
from trackmask.draw import overlay
from trackmask.errors import CallError
from trackmask.export import Options, export
from trackmask.result import ObjectInfo, ResultWriter, Source, open_result
from trackmask.video import hash_source, open_video


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"))


@pytest.fixture(scope="module")
def soft(tmp_path_factory):
    folder = tmp_path_factory.mktemp("soft")
    return samples.make(folder / "result", samples.film(folder / "clip.mp4"), soft=True)


def inside(index):
    return samples.labels_at(index) > 0


def source(result):
    with open_video(result.parent / "clip.mp4") as video:
        return [frame.image for frame in video]


def film(result, tmp_path, name, suffix, **options):
    """The exported film, its times checked, its frames cut to the size of the video."""
    path = tmp_path / f"{name}{suffix}"
    export((result,), name, path, Options(**options))
    with open_video(path) as video:
        frames = list(video)
    assert [frame.time for frame in frames] == pytest.approx(samples.TIMES, abs=0.001)
    return [frame.image[: samples.SIZE[0], : samples.SIZE[1]] for frame in frames]


def transparency(frame):
    """(H, W), 0 to 1: the plane itself, since the conversion to RGBA leaves random alpha where its threads meet."""
    plane = frame.planes[3]
    values = np.frombuffer(plane, np.uint8 if frame.format.components[3].bits == 8 else np.uint16)
    whole = values.reshape(plane.height, -1)[:, : plane.width] / (2 ** frame.format.components[3].bits - 1)
    return whole[: samples.SIZE[0], : samples.SIZE[1]]


def far(image, other, where):
    """The mean difference of two images in some pixels."""
    return np.abs(image.astype(int) - other.astype(int))[where].mean() if where.any() else 0


def test_alpha(result, tmp_path):
    export((result,), "alpha", tmp_path / "out")
    for index, image in enumerate(source(result)):
        with Image.open(tmp_path / "out" / "clip" / f"{index:05d}.png") as picture:
            assert picture.mode == "RGBA"
            pixels = np.array(picture)
        assert np.array_equal(pixels[..., 3], np.where(inside(index), 255, 0))
        assert np.array_equal(pixels[..., :3], np.where(inside(index)[..., None], image, 0))


def test_soft_edges_where_the_run_kept_them(soft, tmp_path):
    export((soft,), "alpha", tmp_path / "out", Options(objects=("1", "7")))
    with Image.open(tmp_path / "out" / "clip" / "00000.png") as picture:
        alpha = np.array(picture)[..., 3]
    labels = samples.labels_at(0)
    assert np.array_equal(alpha, np.select([labels == 1, labels == 7], [254, 248], 0))


def touching(index):
    """Two halves of a block, one object each."""
    labels = np.zeros(samples.SIZE, np.uint8)
    labels[15:45, 20:40], labels[15:45, 40:60] = 1, 7
    return labels


@pytest.mark.parametrize("doubt", [0, 0.4])
def test_no_line_runs_through_objects_that_touch(tmp_path, doubt):
    """Each object fades over its neighbour: to shares that add up to one, or with a `doubt` left over."""
    ramp = np.clip((np.arange(samples.SIZE[1]) - 36.5) / 6, 0, 1)  # 0.5 between the pixels 39 and 40
    certain = 1 - 4 * doubt * ramp * (1 - ramp)
    fades = {1: 255 * (1 - ramp) * certain, 7: 255 * ramp * certain}
    result = samples.make(
        tmp_path / "result",
        samples.film(tmp_path / "clip.mp4", audio=None),
        labels=touching,
        names={1: "a", 7: "b"},
        soft=lambda id_, labels: np.where(labels > 0, fades[id_], 0),
    )
    export((result,), "alpha", tmp_path / "out")
    with Image.open(tmp_path / "out" / "clip" / "00000.png") as picture:
        alpha = np.array(picture)[..., 3].astype(int)
    assert alpha[18:42, 23:57].min() >= 250
    assert not alpha[touching(0) == 0].any()


def test_prores_has_exact_alpha_times_and_sound(result, tmp_path):
    images = film(result, tmp_path, "prores", ".mov")
    with av.open(str(tmp_path / "prores.mov")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("prores", "ap4h")
        assert (stream.height, stream.width) == samples.SIZE
        assert [sound.codec_context.name for sound in container.streams.audio] == ["aac"]
        for index, frame in enumerate(container.decode(stream)):
            assert frame.format.name.startswith("yuva444p")
            assert np.abs(transparency(frame) - inside(index)).max() < 1 / 1000
    for index, image in enumerate(source(result)):
        assert far(images[index], image, inside(index)) < 8


def test_webm_has_alpha_times_and_sound(result, tmp_path):
    images = film(result, tmp_path, "webm", ".webm")
    with av.open(str(tmp_path / "webm.webm")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "vp9"
        assert stream.metadata["ALPHA_MODE"] == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")  # FFmpeg's own decoder does not look at the alpha
        frames = [frame for packet in container.demux(stream) for frame in decoder.decode(packet)]
    assert [frame.format.name for frame in frames] == ["yuva420p"] * samples.FRAMES
    for index, frame in enumerate(frames):
        assert ((transparency(frame) > 0.5) != inside(index)).mean() < 0.01
    for index, image in enumerate(source(result)):
        assert far(images[index], image, inside(index)) < 25
    sound = media.packets(tmp_path / "webm.webm", "audio")
    original = media.packets(result.parent / "clip.mp4", "audio")
    assert sound[-1][0] == pytest.approx(original[-1][0], abs=0.05)


def test_the_overlay_is_that_of_a_result(result, tmp_path):
    there = open_result(result)
    for index, (image, before) in enumerate(
        zip(film(result, tmp_path, "overlay", ".mp4"), source(result), strict=True)
    ):
        wanted = overlay(before, there.masks(index), "fill")
        assert np.abs(image.astype(int) - wanted).mean() < 8  # of thin colours, at half the size
        if inside(index).any():  # it shows
            assert np.abs(before.astype(int) - wanted)[inside(index)].mean() > 20


def test_matte(result, tmp_path):
    for index, image in enumerate(film(result, tmp_path, "matte", ".mp4")):
        assert ((image[..., 1] > 127) != inside(index)).mean() < 0.01
        assert far(image, np.where(inside(index), 255, 0)[..., None].repeat(3, 2), np.ones(samples.SIZE, bool)) < 8
    assert len(media.packets(tmp_path / "matte.mp4", "audio")) > 10


def test_cutout_over_a_colour_and_over_a_picture(result, tmp_path):
    Image.fromarray(np.full((20, 10, 3), (250, 10, 10), np.uint8)).save(tmp_path / "red.png")
    for name, background in (("green", "#00ff00"), ("red", str(tmp_path / "red.png"))):
        (tmp_path / name).mkdir()
        images = film(result, tmp_path / name, "cutout", ".mp4", background=background)
        colour = {"green": (0, 255, 0), "red": (250, 10, 10)}[name]
        for index, image in enumerate(source(result)):
            outside = ~inside(index)
            assert far(images[index], np.broadcast_to(np.array(colour), image.shape), outside) < 20
            assert far(images[index], image, inside(index)) < 40
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(CallError, match="is not an image"):
        export((result,), "cutout", tmp_path / "x.mp4", Options(background=str(tmp_path / "text.png")))


def checkered(folder, state=State.TRACKED):
    """A clip of a fine pattern, of which nothing is left where it is blurred, with a square object in the middle."""
    yy, xx = np.mgrid[:64, :96]
    image = np.repeat(((yy // 2 + xx // 2) % 2 * 255).astype(np.uint8)[..., None], 3, 2)
    video = media.write_clip(folder / "clip.mp4", [image] * 3, crf=4)
    labels = np.zeros((64, 96), np.uint8)
    labels[20:44, 30:60] = 1
    size, sha256 = hash_source(video)
    with ResultWriter(folder / "result") as writer:
        for index in range(3):
            record = ObjectRecord(1, state, 0.5, 720, (30, 20, 30, 24))
            writer.write(Frame(index, index / 25, image), Masks(labels, (record,)))
        about = Source(video, video.name, size, sha256, 3, (64, 96), samples.Fraction(25))
        info = ObjectInfo(1, "face", 0, 0)
        return writer.finish(source=about, prompts=[], objects=[info], weights_sha256="cd" * 32)


@pytest.mark.parametrize("what", ["object", "background"])
def test_blur(tmp_path, what):
    result = checkered(tmp_path)
    report = export((result,), "blur", tmp_path / "out.mp4", Options(blur=what))
    with open_video(tmp_path / "out.mp4") as video:
        image = next(iter(video)).image.astype(int)
    inner, outer = image[24:40, 34:56].std(), image[:12, :].std()
    assert (inner < 20 and outer > 90) if what == "object" else (inner > 90 and outer < 40)
    assert report.notes == ()


def test_blur_warns_of_frames_where_it_may_have_missed(tmp_path):
    report = export((checkered(tmp_path, State.UNCERTAIN),), "blur", tmp_path / "out.mp4")
    assert re.match(r"clip: look at 3 frames before you publish.*\(0, 1, 2\)", report.notes[0])


def test_fewer_frames_keep_their_times(result, tmp_path):
    export((result,), "matte", tmp_path / "out.mp4", Options(every=3))
    with open_video(tmp_path / "out.mp4") as video:
        frames = list(video)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.16, 0.28], abs=0.001)
    assert frames[-1].until == pytest.approx(0.44, abs=0.001)  # as long as with all of them


def test_a_film_of_images_has_no_sound(tmp_path):
    (tmp_path / "shots").mkdir()
    for number in range(3):
        Image.fromarray(np.full((*samples.SIZE, 3), 80 * number, np.uint8)).save(tmp_path / "shots" / f"{number}.png")
    result = samples.make(tmp_path / "result", tmp_path / "shots", frames=3)
    export((result,), "prores", tmp_path / "out")
    with open_video(tmp_path / "out" / "shots.mov") as video:
        assert not video.info.audio
        assert len(list(video)) == 3
