"""Clips: every frame once, upright, in its colors and at its time, whatever holds them."""

import logging
from fractions import Fraction

import numpy as np
import pytest
from support.clips import packets, panned, write_clip

from jaxstyle.image.io import write_image
from jaxstyle.video.clip import Clip, Colors, Selection
from jaxstyle.video.opening import clip_of
from jaxstyle.video.writing import Encoding, check_film, write_film

av = pytest.importorskip("av", reason="needs the extra video")
FRAMES = panned(6)


def shown(frames, rate=25):
    return [(frame, k / rate, 1 / rate) for k, frame in enumerate(frames)]


def apart(one, other):
    return np.abs(np.asarray(one, float) - np.asarray(other, float)).mean()


class TestFilms:
    def test_frames_and_times(self, tmp_path):
        times = [0, 40, 90, 200, 230, 300]
        write_clip(tmp_path / "a.mp4", FRAMES, times)
        clip = clip_of(tmp_path / "a.mp4")
        frames = [*clip.frames()]
        assert [round(1000 * f.seconds) for f in frames] == times
        assert max(apart(f.image, g) for f, g in zip(frames, FRAMES, strict=True)) < 3
        assert clip.count == 6
        assert [f.seconds for f in clip.frames()] == [f.seconds for f in frames]  # again

    def test_a_container_that_does_not_begin_at_zero(self, tmp_path):
        write_clip(tmp_path / "a.ts", FRAMES)
        seconds = [f.seconds for f in clip_of(tmp_path / "a.ts").frames()]
        assert seconds == pytest.approx([k / 25 for k in range(6)], abs=1e-4)

    @pytest.mark.parametrize("rotation", [90, -90, 180])
    def test_rotation(self, tmp_path, rotation):
        if not hasattr(av.video.stream.VideoStream, "set_display_rotation"):
            pytest.skip("this PyAV writes no rotation")
        write_clip(tmp_path / "a.mp4", FRAMES, rotation=rotation)
        frame = next(clip_of(tmp_path / "a.mp4").frames()).image
        # FFmpeg's angle is counterclockwise, as NumPy's quarters are.
        assert apart(frame, np.rot90(FRAMES[0], rotation // 90)) < 3

    @pytest.mark.parametrize("matrix", [1, 5])
    @pytest.mark.parametrize("range_", [1, 2])
    def test_colors(self, tmp_path, matrix, range_):
        # ITU-R BT.709 and BT.601, by their formulas.
        red, blue = {1: (0.2126, 0.0722), 5: (0.299, 0.114)}[matrix]
        color = np.array([200, 60, 30])
        luma = red * color[0] + (1 - red - blue) * color[1] + blue * color[2]
        chroma = (color[2] - luma) / (2 - 2 * blue), (color[0] - luma) / (2 - 2 * red)
        if range_ == 1:
            luma, chroma = 16 + luma * 219 / 255, np.array(chroma) * 224 / 255
        flat = np.broadcast_to(color.astype(np.uint8), (32, 32, 3))
        clip = Clip("a", lambda: iter(()), colors=Colors(matrix=matrix, range=range_))
        write_film(tmp_path / "a.mp4", shown([flat] * 2), clip, Encoding(crf=1))
        with av.open(str(tmp_path / "a.mp4")) as container:
            frame = next(container.decode(video=0))
            planes = [np.frombuffer(p, np.uint8)[5] for p in frame.planes]
            assert (int(frame.colorspace), int(frame.color_range)) == (matrix, range_)
        assert planes == pytest.approx([luma, 128 + chroma[0], 128 + chroma[1]], abs=2)
        again = next(clip_of(tmp_path / "a.mp4").frames()).image
        assert np.abs(again[16, 16].astype(int) - color).max() <= 3

    def test_lossless(self, tmp_path):
        write_film(tmp_path / "a.mkv", shown(FRAMES), clip_of(FRAMES), Encoding(lossless=True))
        frames = [f.image for f in clip_of(tmp_path / "a.mkv").frames()]
        np.testing.assert_array_equal(frames, FRAMES)

    @pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
    def test_odd_sides(self, tmp_path, name, caplog):
        caplog.set_level(logging.INFO)
        odd = [frame[:39, :47] for frame in FRAMES]
        write_film(tmp_path / name, shown(odd), clip_of(odd), Encoding())
        image = next(clip_of(tmp_path / name).frames()).image
        assert image.shape == (38, 46, 3)
        assert apart(image, FRAMES[0][:38, :46]) < 5
        assert "even sides: the film is 46 × 38, not 47 × 39" in caplog.text

    def test_variable_times_and_audio_are_kept(self, tmp_path):
        times = [0, 40, 90, 200, 230, 300]
        write_clip(tmp_path / "a.mp4", FRAMES, times, audio=True)
        clip = clip_of(tmp_path / "a.mp4")
        frames = [(np.asarray(f.image), f.seconds, f.duration) for f in clip.frames()]
        write_film(tmp_path / "b.mp4", frames, clip, Encoding())
        again = clip_of(tmp_path / "b.mp4")
        assert [round(1000 * f.seconds) for f in again.frames()] == times
        assert packets(tmp_path / "b.mp4") == packets(tmp_path / "a.mp4")
        with av.open(str(tmp_path / "a.mp4")) as one, av.open(str(tmp_path / "b.mp4")) as other:
            durations = [c.streams.video[0].duration for c in (one, other)]
            bases = [c.streams.video[0].time_base for c in (one, other)]
            assert durations[0] * bases[0] == durations[1] * bases[1]

    def test_part_of_a_film(self, tmp_path):
        write_clip(tmp_path / "a.mp4", FRAMES, audio=True)
        clip = clip_of(tmp_path / "a.mp4", Selection(start=0.08, end=0.2))
        frames = [(np.asarray(f.image), f.seconds, f.duration) for f in clip.frames()]
        assert [round(f[1], 3) for f in frames] == [0, 0.04, 0.08]
        assert apart(frames[0][0], FRAMES[2]) < 3
        write_film(tmp_path / "b.mkv", frames, clip, Encoding())
        kept = packets(tmp_path / "b.mkv")
        whole = packets(tmp_path / "a.mp4")
        expected = [(t - 0.08, data) for t, data in whole if 0.08 <= t < 0.2]
        assert [data for _, data in kept] == [data for _, data in expected]
        assert [t for t, _ in kept] == pytest.approx([t for t, _ in expected], abs=0.001)

    def test_selection(self, tmp_path):
        write_clip(tmp_path / "a.mp4", FRAMES)

        def numbers(**selection):
            frames = clip_of(tmp_path / "a.mp4", Selection(**selection)).frames()
            return [int(np.argmin([apart(f.image, g) for g in FRAMES])) for f in frames]

        assert numbers(every=2) == [0, 2, 4]
        assert numbers(rate=Fraction(50)) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
        assert numbers(rate=Fraction(25, 2)) == [0, 2, 4]
        assert numbers(start=0.12) == [3, 4, 5]
        with pytest.raises(ValueError, match="no frame from 5 s"):
            numbers(start=5)

    def test_damage_in_the_middle(self, tmp_path, caplog):
        path = tmp_path / "a.mkv"
        write_clip(path, panned(12), gop_size=1)
        sizes = [data for _, data in packets(path, "video")]
        content = bytearray(path.read_bytes())
        place = content.find(sizes[5])
        content[place : place + len(sizes[5])] = bytes(len(sizes[5]))
        path.write_bytes(content)
        frames = [*clip_of(path).frames()]
        assert 6 <= len(frames) < 12
        assert "damaged and left out" in caplog.text
        assert all("\n" not in record.getMessage() for record in caplog.records)

    def test_a_film_that_is_cut_off(self, tmp_path):
        path = tmp_path / "a.mkv"
        write_clip(path, panned(12))
        path.write_bytes(path.read_bytes()[:-700])
        assert 1 <= len([*clip_of(path).frames()]) <= 12

    @pytest.mark.parametrize("content", [b"not a film", b"\0" * 5000])
    def test_no_film(self, tmp_path, content):
        path = tmp_path / "a.mp4"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.mp4 is not a film that can be read"):
            clip_of(path)

    def test_no_video(self, tmp_path):
        path = tmp_path / "a.m4a"
        with av.open(str(path), "w", format="mp4") as container:
            stream = container.add_stream("aac", rate=16_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.int16), format="s16", layout="mono"
            )
            frame.sample_rate = 16_000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        with pytest.raises(ValueError, match="has no video stream"):
            clip_of(path)


class TestFolders:
    def write(self, folder, names, shape=(8, 10)):
        for number, name in enumerate(names):
            write_image(folder / name, np.full((*shape, 3), number / 10, np.float32))

    def test_order_and_names(self, tmp_path):
        self.write(tmp_path, ["f9.png", "f10.png", "f8.png"])  # as values 0, 1, 2
        (tmp_path / "notes.txt").write_text("")
        clip = clip_of(tmp_path, Selection(rate=Fraction(10)))
        frames = [*clip.frames()]
        assert [round(10 * float(f.image[0, 0, 0])) for f in frames] == [2, 0, 1]
        assert (clip.names, clip.count) == (("f8", "f9", "f10"), 3)
        assert [f.seconds for f in frames] == pytest.approx([0, 0.1, 0.2])
        assert clip_of(tmp_path / "f?.png").names == ("f8", "f9")

    def test_every(self, tmp_path):
        self.write(tmp_path, [f"{n}.png" for n in range(5)])
        clip = clip_of(tmp_path, Selection(every=2, start=0.04))
        assert clip.names == ("1", "3")
        assert len([*clip.frames()]) == clip.count == 2

    def test_a_missing_number(self, tmp_path):
        self.write(tmp_path, [f"f_{n:03}.png" for n in (8, 10, 12, 16)])
        with pytest.raises(ValueError, match=r"missing between .*f_012\.png and f_016\.png.* 14$"):
            clip_of(tmp_path)

    def test_unlike_sizes(self, tmp_path):
        self.write(tmp_path, ["1.png", "2.png"])
        self.write(tmp_path, ["3.png"], (9, 10))
        with pytest.raises(ValueError, match=r"1\.png is 10 × 8, .*3\.png is 10 × 9"):
            clip_of(tmp_path)

    def test_nothing(self, tmp_path):
        with pytest.raises(ValueError, match="holds no pictures"):
            clip_of(tmp_path)
        with pytest.raises(ValueError, match="expected frames, got none"):
            clip_of([])


class TestOutputs:
    @pytest.mark.parametrize(
        ("name", "encoding", "message"),
        [
            ("a.gif", {}, "expected the film as .mp4"),
            ("a.mp4", {"codec": "libx265x"}, "no encoder is named 'libx265x'; did you mean"),
            ("a.mp4", {"codec": "aac"}, "is one of audio"),
            ("a.mp4", {"codec": "libx265", "lossless": True}, "expected lossless with"),
            ("a.mp4", {"crf": 3, "lossless": True}, "expected crf or lossless"),
        ],
    )
    def test_what_cannot_be_written(self, tmp_path, name, encoding, message):
        with pytest.raises(ValueError, match=message):
            check_film(tmp_path / name, Encoding(**encoding))

    def test_a_codec_that_the_container_does_not_hold(self, tmp_path):
        path = tmp_path / "a.webm"
        with pytest.raises(ValueError, match="a film of this format holds no libx264"):
            write_film(path, shown(FRAMES), clip_of(FRAMES), Encoding(codec="libx264"))
        assert not [*tmp_path.iterdir()]

    def test_a_full_disk(self, tmp_path, monkeypatch):
        from jaxstyle.video import writing

        path = tmp_path / "a.mp4"
        path.write_bytes(b"earlier")

        class Full(writing._Watched):
            def write(self, data):
                self.failure = self.failure or OSError(28, "No space left on device")
                raise self.failure

        monkeypatch.setattr(writing, "_Watched", Full)
        with pytest.raises(OSError, match="No space left"):
            write_film(path, shown(FRAMES), clip_of(FRAMES), Encoding())
        assert path.read_bytes() == b"earlier"
