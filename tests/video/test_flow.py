"""Flow and trust: against the paper's formulas in float64, and clips whose flow is known."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from jaxstyle.study.known_flow import Layer, motion, render
from jaxstyle.video.flow import estimate, gray_of, move, read_flow, resize_flow, write_flow
from jaxstyle.video.flow_sources import flows_from
from jaxstyle.video.trust import nearest_alone, trust

cv2 = pytest.importorskip("cv2", reason="needs the extra video")
RANDOM = np.random.default_rng(7)


def texture(shape, seed, sigma=1.5):
    noise = gaussian_filter(np.random.default_rng(seed).random((*shape, 3)), (sigma, sigma, 0))
    return ((noise - noise.min()) / (noise.max() - noise.min())).astype(np.float32)


def bilinear_at(picture, row, column):
    """Interpolate at one place by the definition; None beyond the edges."""
    height, width = picture.shape[:2]
    if not (0 <= row <= height - 1 and 0 <= column <= width - 1):
        return None
    top, left = min(int(row), height - 2), min(int(column), width - 2)
    a, b = row - top, column - left
    rows = (1 - a) * picture[top : top + 2][0] + a * picture[top : top + 2][1]
    return (1 - b) * rows[left] + b * rows[left + 1]


def passing_disc(frames=4):
    """Return a clip of a disc that passes before a texture that moves slowly the other way."""
    behind, front = texture((90, 120), 1), texture((60, 60), 2)

    def disc(rows, columns):
        return (rows - 30) ** 2 + (columns - 30) ** 2 < 14**2

    layers = [
        Layer(behind, motion(pan=(0, 1), center=(32, 40), begin=(45, 60))),
        Layer(front, motion(pan=(0.5, -3), center=(32, 48), begin=(30, 30)), disc),
    ]
    return render(layers, (64, 80), frames)


class TestKnownFlow:
    @pytest.mark.parametrize("turn", [0.0, 3.0])
    def test_motion_by_hand(self, turn):
        # A single bright point of a layer, followed from frame to frame.
        picture = np.zeros((61, 61, 3), np.float32)
        picture[20:23, 40:43] = 1
        moves = motion(pan=(1.0, -2.0), zoom=1.05, turn=turn, center=(25, 30), begin=(30, 30))
        clip = render([Layer(picture, moves)], (50, 60), 3)
        before = None
        place = np.array([21.0, 41.0]) - (30, 30)
        for number, frame in enumerate(clip):
            angle = np.radians(turn * number)
            matrix = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            expected = 1.05**number * (np.array(matrix) @ place) + (25, 30)
            expected += number * np.array([1.0, -2.0])
            light = frame.image[..., 0].astype(float)
            rows, columns = np.indices(light.shape)
            seen_at = [(light * axis).sum() / light.sum() for axis in (rows, columns)]
            assert seen_at == pytest.approx(expected, abs=0.3)
            if before is not None:
                row, column = np.round(expected).astype(int)
                there = frame.backward[row, column]
                was = np.array([row, column]) + there[::-1]
                assert np.linalg.norm(was - before) < 1.0
            before = expected

    def test_a_frame_is_the_one_before_moved(self):
        for frame, before in zip((clip := passing_disc())[1:], clip, strict=False):
            apart = np.abs(frame.image - move(before.image, frame.backward))
            # At the disc's edge splines see both layers.
            assert np.median(apart[frame.visible]) < 0.002
            assert np.quantile(apart[frame.visible], 0.95) < 0.05

    def test_what_the_disc_left_is_not_visible(self):
        before, frame = passing_disc(2)
        # The disc, 14 pixels around column 48, moved 3 to the left: right of it, it has hidden.
        assert not frame.visible[32, 48 + 14 - 2]
        assert frame.visible[32, 48 + 14 + 6]
        assert frame.visible[32, 48]
        # What came in from the left was not there before.
        assert not frame.visible[:, 0].any()
        assert frame.visible[:15, 1:].all()
        assert not before.visible.any()


class TestEstimate:
    def test_known_flow(self):
        clip = passing_disc()
        for before, frame in itertools.pairwise(clip):
            grays = gray_of(frame.image), gray_of(before.image)
            backward, forward = estimate(*grays), estimate(*reversed(grays))
            apart = np.linalg.norm(backward - frame.backward, axis=-1)[frame.visible]
            assert np.median(apart) < 0.1
            assert apart.mean() < 0.4
            known = trust(backward, forward)
            assert known.visible[frame.visible].mean() > 0.9
            assert frame.visible[known.visible].mean() > 0.98
            assert known.weights.mean() > 0.7

    def test_tiny_frames(self):
        gray = gray_of(texture((5, 40), 3))
        flow = estimate(gray, gray)
        assert flow.shape == (5, 40, 2)
        assert np.abs(flow).max() < 0.1


class TestMove:
    def test_linear_by_definition(self):
        picture = RANDOM.random((9, 11, 3))
        flow = RANDOM.uniform(-4, 4, (9, 11, 2)).astype(np.float32)
        moved = move(picture, flow, order=1)
        for row, column in np.ndindex(9, 11):
            across, down = flow[row, column].astype(float)
            expected = bilinear_at(picture, row + down, column + across)
            if expected is not None:
                np.testing.assert_allclose(moved[row, column], expected, atol=1e-6)

    def test_beyond_the_edges(self):
        picture = RANDOM.random((4, 5, 3)).astype(np.float32)
        flow = np.full((4, 5, 2), 20, np.float32)
        np.testing.assert_allclose(move(picture, flow)[..., 0], picture[-1, -1, 0], atol=1e-6)

    def test_splines_keep_detail(self):
        # Back and forth by half a pixel ten times: linear interpolation blurs.
        picture = texture((40, 40), 4, 1.0)
        half = np.full((40, 40, 2), 0.5, np.float32)
        results = []
        for order in (1, 3):
            moved = picture
            for k in range(10):
                moved = move(moved, half if k % 2 else -half, order)
            results.append(np.abs(moved - picture)[8:-8, 8:-8].mean())
        assert results[1] < results[0] / 4


class TestTrust:
    def test_the_papers_formulas(self):
        height, width = 12, 15
        backward = gaussian_filter(RANDOM.normal(0, 6, (height, width, 2)), (2, 2, 0)) * 3
        forward = -backward + RANDOM.normal(0, 0.3, backward.shape)
        backward, forward = backward.astype(np.float32), forward.astype(np.float32)
        known = trust(backward, forward)
        b, f = backward.astype(float), forward.astype(float)
        reasons = set()
        for row, column in np.ndindex(height, width):
            here = b[row, column]
            warped = bilinear_at(f, row + here[1], column + here[0])
            visible = warped is not None
            if visible:
                sum_ = warped + here
                visible = sum_ @ sum_ <= 0.01 * (warped @ warped + here @ here) + 0.5
            steepness = 0.0
            for axis, place, size in ((0, row, height), (1, column, width)):
                low, high = max(0, place - 1), min(size - 1, place + 1)
                there = [b.take(k, axis)[column if axis == 0 else row] for k in (low, high)]
                slope = (there[1] - there[0]) / (high - low)
                steepness += slope @ slope
            boundary = steepness > 0.01 * (here @ here) + 0.002
            assert known.visible[row, column] == visible
            assert known.weights[row, column] == float(visible and not boundary)
            reasons.add((warped is None, visible, boundary))
        assert len(reasons) >= 4  # the example tells the conditions apart

    def test_a_still_picture_is_trusted_everywhere(self):
        still = np.zeros((6, 7, 2), np.float32)
        assert trust(still, still).weights.all()

    def test_where_lumas_differ_nothing_is_trusted(self):
        still = np.zeros((16, 20, 2), np.float32)
        here = np.full((16, 20), 100, np.uint8)
        other = here.copy()
        other[:, 10:] = 160  # something else stood there
        known = trust(still, still).where_alike(here, other)
        assert known.visible[:, :7].all()
        assert known.weights[:, :7].all()
        assert not known.visible[:, 10:].any()
        assert not known.weights[:, 10:].any()
        noisy = here + RANDOM.integers(0, 20, here.shape).astype(np.uint8)
        assert trust(still, still).where_alike(here, noisy).visible.all()

    def test_long_term_by_the_papers_formula(self):
        weights = [RANDOM.integers(0, 2, (5, 6)).astype(np.float32) for _ in range(3)]
        left = nearest_alone(weights)
        for place in np.ndindex(5, 6):
            for j, of_frame in enumerate(weights):
                nearer = sum(one[place] for one in weights[:j])
                assert left[j][place] == max(of_frame[place] - nearer, 0)
        assert max(np.sum(left, axis=0).ravel()) <= 1


class TestFiles:
    def test_round_trip_and_layout(self, tmp_path):
        flow = RANDOM.normal(size=(3, 5, 2)).astype(np.float32)
        write_flow(tmp_path / "a.flo", flow)
        np.testing.assert_array_equal(read_flow(tmp_path / "a.flo"), flow)
        content = (tmp_path / "a.flo").read_bytes()
        assert np.frombuffer(content, "<f4", 1)[0] == 202021.25
        assert np.frombuffer(content, "<i4", 2, 4).tolist() == [5, 3]
        cv2.writeOpticalFlow(str(tmp_path / "b.flo"), flow)
        assert (tmp_path / "b.flo").read_bytes() == content

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda data: b"", "not a .flo file"),
            (lambda data: data[:-1], "is damaged: expected 132 bytes of 5 × 3"),
            (lambda data: data[:4] + b"\xff" * 8 + data[12:], "is damaged: it says"),
            (lambda data: data[:12] + b"\xff" * (len(data) - 12), "not finite"),
        ],
    )
    def test_damage(self, tmp_path, spoil, message):
        path = tmp_path / "a.flo"
        write_flow(path, np.ones((3, 5, 2), np.float32))
        path.write_bytes(spoil(path.read_bytes()))
        with pytest.raises(ValueError, match=message):
            read_flow(path)

    def test_a_folder_of_another_programs_flow(self, tmp_path):
        flows, gray = flows_from(tmp_path), np.zeros((4, 6), np.uint8)
        with pytest.raises(FileNotFoundError, match=r"no flow file .*backward_3_1\.flo"):
            flows(2, gray, 0, gray)
        for name, value in (("backward_3_1", 2), ("forward_1_3", -2)):
            write_flow(tmp_path / f"{name}.flo", np.full((8, 12, 2), value, np.float32))
        backward, forward = flows(2, gray, 0, gray)
        np.testing.assert_allclose(backward, np.ones((4, 6, 2)), atol=1e-6)
        np.testing.assert_allclose(forward, -np.ones((4, 6, 2)), atol=1e-6)
        with pytest.raises(ValueError, match="is 12 × 8, and frames are 6 × 6"):
            flows(2, np.zeros((6, 6), np.uint8), 0, gray)

    def test_resize(self):
        flow = np.zeros((10, 20, 2), np.float32)
        flow[..., 0], flow[..., 1] = 4, np.arange(10)[:, None]
        half = resize_flow(flow, (5, 10))
        assert half.shape == (5, 10, 2)
        np.testing.assert_allclose(half[..., 0], 2, atol=1e-6)
        np.testing.assert_allclose(half[:, 0, 1], (0.5 + 2 * np.arange(5)) / 2, atol=1e-6)
