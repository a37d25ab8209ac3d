"""Sound and picture stay together, and nothing of either is lost on the way into a film."""

from fractions import Fraction
from pathlib import Path

import av
import media
import numpy as np
import pytest
import sync

from trackmask.errors import VideoError
from trackmask.export.films import _PRORES, _VP9
from trackmask.video import open_video
from trackmask.video.times import rising
from trackmask.video.writer import FilmWriter

CODECS = {".mp4": None, ".webm": _VP9, ".mov": _PRORES}


def film(source: Path, start=None, end=None, suffix: str = ".mp4") -> tuple[Path, str]:
    """A film of a video, and what it says of sound that is left out."""
    video, path = open_video(source), source.with_name("film" + suffix)
    codec = CODECS[suffix]
    with FilmWriter(path, video.info.size, video.info.fps, audio_from=source, codec=codec) as made:
        for frame in video.frames(start, end):
            opaque = np.full((*video.info.size, 1), 255, np.uint8)
            image = np.dstack([frame.image, opaque]) if codec else frame.image
            made.write(image, frame.time, frame.until, last=frame.last)
    return path, made.left_out


def length(path: Path) -> float:
    with av.open(str(path)) as container:
        return container.duration / av.time_base


def shift(path: Path, seconds: float) -> None:
    """Add to every time in a transport stream, modulo 33 bits, as a recorder's clock runs over."""
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 188):
        begins, adaptation = data[at + 1] & 0x40, data[at + 3] & 0x20
        if adaptation and data[at + 4] and data[at + 5] & 0x10:
            clock = int.from_bytes(data[at + 6 : at + 11], "big") >> 7
            rest = int.from_bytes(data[at + 10 : at + 12], "big") & 0x7FFF
            moved = (clock + round(seconds * 90000)) % (1 << 33)
            data[at + 6 : at + 12] = (moved << 15 | rest).to_bytes(6, "big")
        packet = at + 4 + (1 + data[at + 4] if adaptation else 0)
        if begins and data[packet : packet + 3] == b"\0\0\1" and data[packet + 3] >= 0xC0:
            for place in range(packet + 9, packet + 9 + data[packet + 8] // 5 * 5, 5):
                a, b, c = data[place], *(int.from_bytes(data[place + i : place + i + 2], "big") for i in (1, 3))
                stamp = ((a >> 1 & 7) << 30 | b >> 1 << 15 | c >> 1) + round(seconds * 90000)
                stamp %= 1 << 33
                data[place] = a & 0xF1 | stamp >> 30 << 1
                data[place + 1 : place + 3] = ((stamp >> 15 & 0x7FFF) << 1 | 1).to_bytes(2, "big")
                data[place + 3 : place + 5] = ((stamp & 0x7FFF) << 1 | 1).to_bytes(2, "big")
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("late-sound.mp4", {"sound_from": 0.3}),
        ("late-picture.mkv", {"picture_from": 0.2}),
        ("offset.mkv", {"offset": 5}),
        ("edit-list.mp4", {"offset": -0.2}),
        ("gap.mp4", {"silent": (0.6, 1.0)}),
        ("gap.mkv", {"silent": (0.6, 1.0), "audio": "pcm_s24le"}),
        ("gap.ts", {"silent": (0.6, 1.0), "audio": "mp2"}),
        ("frozen.mp4", {"frozen": (0.6, 1.0)}),
        ("vob.mpg", {"codec": "mpeg2video", "audio": "ac3"}),
    ],
)
def test_flash_and_beep_stay_together(tmp_path: Path, name: str, options: dict, suffix: str) -> None:
    source = sync.write_flashes(tmp_path / name, **options)
    apart = [beep - flash for flash, beep in zip(sync.flashes(source), sync.beeps(source), strict=True)]
    assert len(apart) == 2
    for start in (None, 0.7):
        path, lacking = film(source, start, suffix=suffix)
        seen = [beep - flash for flash, beep in zip(sync.flashes(path), sync.beeps(path), strict=True)]
        assert seen == pytest.approx(apart[-len(seen) :], abs=0.005)
        assert lacking == ""


def test_the_clock_of_a_transport_stream_runs_over(tmp_path: Path) -> None:
    source = sync.write_flashes(tmp_path / "a.ts")
    shift(source, (1 << 33) / 90000 - 1.0)
    assert sync.flashes(film(source)[0]) == pytest.approx([0.4, 1.2], abs=0.001)
    assert sync.beeps(film(source)[0]) == pytest.approx([0.4, 1.2], abs=0.005)


def test_a_recording_that_begins_inside_a_group_of_pictures(tmp_path: Path) -> None:
    whole = sync.write_flashes(tmp_path / "a.ts", seconds=3, at=(0.4, 1.6), g=25, bf=0, sc_threshold=0)
    data = whole.read_bytes()
    (tmp_path / "cut.ts").write_bytes(data[: 188 * 3] + data[len(data) // 5 // 188 * 188 :])
    for start in (None, 0.2):
        path, _ = film(tmp_path / "cut.ts", start)
        assert len(sync.flashes(path)) == 1
        assert sync.beeps(path) == pytest.approx(sync.flashes(path), abs=0.005)


@pytest.mark.parametrize(
    ("suffix", "codec", "audio"),
    [(".ts", "libx264", "aac"), (".ts", "mpeg2video", "mp2"), (".vob", "mpeg2video", "ac3")],
)
def test_joined_recordings_follow_each_other(tmp_path: Path, suffix: str, codec: str, audio: str) -> None:
    parts = [
        sync.write_flashes(tmp_path / f"{part}{suffix}", at, seconds=seconds, codec=codec, audio=audio).read_bytes()
        for part, (at, seconds) in enumerate([((0.4, 1.2), 2), ((0.6, 1.6), 3), ((0.4, 1.2), 2)])
    ]
    source = tmp_path / f"joined{suffix}"
    source.write_bytes(b"".join(parts))
    assert [frame.time for frame in open_video(source)] == pytest.approx([i / 25 for i in range(175)], abs=0.02)
    path, _ = film(source)
    right = [0.4, 1.2, 2.6, 3.6, 5.4, 6.2]
    assert sync.flashes(path) == pytest.approx(right, abs=0.02)
    assert sync.beeps(path) == pytest.approx(sync.flashes(path), abs=0.02)


def test_lost_packets_of_a_transport_stream_are_damage(tmp_path: Path) -> None:
    images = [np.random.default_rng(i).integers(0, 255, (*media.SIZE, 3), np.uint8) for i in range(30)]
    data = media.write_clip(tmp_path / "a.ts", images).read_bytes()
    third = len(data) // 3 // 188 * 188
    (tmp_path / "b.ts").write_bytes(data[:third] + data[third + 188 :])
    with pytest.raises(VideoError, match="30 frames could be decoded"):
        list(open_video(tmp_path / "b.ts"))


def test_packets_whose_times_repeat_or_go_back(tmp_path: Path) -> None:
    base = Fraction(1, 1000)

    def packet(pts: int) -> av.Packet:
        made = av.Packet(bytes(10))
        made.pts, made.duration, made.time_base = pts, 20, base
        return made

    # The second 20 stands for 40, since 60 comes next; behind the second 60 there is no room.
    times = [0, 20, 20, 60, 60, 80, 30, 100]
    assert [time / base for _, time in rising(map(packet, times))] == [0, 20, 40, 60, 80, 100]


def test_a_packet_with_the_time_of_the_one_before(tmp_path: Path) -> None:
    source = sync.write_flashes(tmp_path / "a.mkv", bf=0)
    with av.open(str(source)) as whole, av.open(str(tmp_path / "b.mkv"), "w") as film_:
        streams = {stream.index: film_.add_stream_from_template(stream) for stream in whole.streams}
        before = count = 0
        for packet in whole.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio":
                count += 1
                if count == 30:
                    packet.pts = packet.dts = before
                before = packet.pts
            packet.stream = streams[packet.stream_index]
            film_.mux(packet)
    assert min(np.diff([time for time, _ in media.packets(tmp_path / "b.mkv", "audio")])) == 0
    path, lacking = film(tmp_path / "b.mkv")
    assert len(media.packets(path, "audio")) == count
    assert sync.beeps(path) == pytest.approx([0.4, 1.2], abs=0.005)
    assert lacking == ""


@pytest.mark.parametrize(
    ("name", "audio", "suffix", "kept"),
    [
        ("a.mov", "pcm_s24le", ".mp4", "aac"),
        ("a.mov", "pcm_s24le", ".mov", "pcm_s24le"),
        ("a.mov", "pcm_mulaw", ".mp4", "aac"),
        ("a.avi", "adpcm_ms", ".mp4", "aac"),
        ("a.mkv", "ac3", ".mp4", "aac"),
        ("a.mkv", "flac", ".mov", "pcm_s24le"),
        ("a.mkv", "aac", ".webm", "opus"),
        ("a.mkv", "libopus", ".mp4", "opus"),
    ],
)
def test_sound_that_players_do_not_play_is_encoded(
    tmp_path: Path, name: str, audio: str, suffix: str, kept: str
) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path, lacking = film(sync.write_flashes(tmp_path / name, codec=codec, audio=audio), suffix=suffix)
    with av.open(str(path)) as made:
        (sound,) = made.streams.audio
        assert sound.codec_context.codec.canonical_name == kept
        loudest = max(np.abs(frame.to_ndarray()).max() / _full(frame) for frame in made.decode(sound))
    assert loudest == pytest.approx(0.8, abs=0.1)  # neither noise nor silence
    assert sync.beeps(path) == pytest.approx(sync.flashes(path), abs=0.02)
    assert lacking == ""


def _full(frame: av.AudioFrame) -> float:
    return 1.0 if frame.format.name.startswith("flt") else float(np.iinfo(frame.to_ndarray().dtype).max)


def test_the_default_track_is_taken_and_said(tmp_path: Path) -> None:
    source = sync.write_flashes(tmp_path / "a.mkv", tracks=2, bf=0)
    with av.open(str(source)) as whole, av.open(str(tmp_path / "b.mkv"), "w") as film_:
        streams = {stream.index: film_.add_stream_from_template(stream) for stream in whole.streams}
        for stream in streams.values():
            stream.disposition = av.stream.Disposition.default if stream.index != 1 else av.stream.Disposition(0)
        for packet in whole.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                film_.mux(packet)
    path, lacking = film(tmp_path / "b.mkv")
    assert sync.beeps(path) == pytest.approx([0.4, 1.2], abs=0.005)  # only the second track has them
    assert lacking == "b.mkv has 2 sound tracks; the film has the one that is marked as default"


# Films end when their source ends


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov"])
@pytest.mark.parametrize("name", ["screen.mp4", "screen.mkv"])
def test_the_last_frame_stays_as_long_as_in_its_source(tmp_path: Path, name: str, suffix: str) -> None:
    source = tmp_path / name
    with av.open(str(source), "w") as made:
        stream = made.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.height, stream.width, stream.pix_fmt = *media.SIZE, "yuv420p"
        packets = [packet for image in media.numbered_images(20) for packet in _encode(stream, image)]
        for packet in [*packets, *stream.encode()]:
            if packet.pts * packet.time_base == Fraction(19, 25):
                packet.duration = round(Fraction(106, 25) / packet.time_base)
            made.mux(packet)
    assert length(source) == pytest.approx(5.0, abs=0.001)
    path, _ = film(source, suffix=suffix)
    assert length(path) == pytest.approx(5.0, abs=0.01)
    assert length(film(source, end=9, suffix=suffix)[0]) == pytest.approx(0.4, abs=0.01)


def _encode(stream: av.VideoStream, image: np.ndarray) -> list[av.Packet]:
    return stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24"))


def test_sound_goes_on_to_the_end_of_its_source(tmp_path: Path) -> None:
    source = sync.write_flashes(tmp_path / "a.mp4", at=(0.4, 3.0), seconds=1.0, sound_until=4.0)
    path, _ = film(source)
    assert sync.beeps(path) == pytest.approx([0.4, 3.0], abs=0.005)
    assert length(path) == pytest.approx(4.0, abs=0.03)
    assert open_video(path).info.fps == 25
    path, _ = film(source, end=20)
    assert length(path) == pytest.approx(0.84, abs=0.03)


def test_a_gif_lasts_as_long_as_before(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "a.gif", media.numbered_images(10), rate=10, codec="gif", pix_fmt="rgb8")
    assert length(film(source)[0]) == pytest.approx(length(source), abs=0.001)


def test_frames_of_an_avi_come_in_even_steps(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "a.avi", media.numbered_images(20), bf=3)
    assert [frame.time for frame in open_video(source)] == pytest.approx([i / 25 for i in range(20)])
