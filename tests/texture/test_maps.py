"""Maps of a material follow its color."""

import numpy as np
import pytest

from jaxstyle.texture.maps import transfer_maps

RANDOM = np.random.default_rng(5)
SAMPLE = RANDOM.random((40, 36, 3)).astype(np.float32)
HEIGHT = (RANDOM.integers(0, 65536, (40, 36, 1)) / 65535).astype(np.float32).repeat(3, 2)
NORMAL = RANDOM.standard_normal((40, 36, 3))
NORMAL = ((NORMAL / np.linalg.norm(NORMAL, axis=2, keepdims=True) + 1) / 2).astype(np.float32)


def test_a_piece_of_the_sample_gets_the_same_piece_of_each_map():
    made = transfer_maps(SAMPLE[5:30, 8:], SAMPLE, {"height": HEIGHT, "normal": NORMAL})
    # To less than a level of 16 bits.
    np.testing.assert_allclose(made["height"], HEIGHT[5:30, 8:], atol=0.5 / 65535)
    np.testing.assert_allclose(made["normal"], NORMAL[5:30, 8:], atol=1e-5)


def test_a_rolled_tile_gets_rolled_maps():
    made = transfer_maps(
        np.roll(SAMPLE, (9, -7), (0, 1)), SAMPLE, {"height": HEIGHT}, wrap=(True, True)
    )
    expected = np.roll(HEIGHT, (9, -7), (0, 1))
    # But where the sample's own border lies, which no patch of it goes over.
    inner = np.roll(np.pad(np.ones((28, 24), bool), 6), (9, -7), (0, 1))
    np.testing.assert_allclose(made["height"][inner], expected[inner], atol=1e-5)


def test_directions_have_unit_length_and_heights_are_heights_of_the_sample():
    texture = RANDOM.random((24, 30, 3)).astype(np.float32)
    made = transfer_maps(texture, SAMPLE, {"height": HEIGHT, "normal": NORMAL})
    np.testing.assert_allclose(np.linalg.norm(2 * made["normal"] - 1, axis=2), 1, atol=1e-5)
    assert HEIGHT.min() <= made["height"].min() <= made["height"].max() <= HEIGHT.max()
    np.testing.assert_allclose(np.ptp(made["height"], axis=2), 0, atol=1e-6)


def test_a_map_of_other_proportions_is_refused():
    with pytest.raises(ValueError, match="map height in the proportions of the sample, 36 × 40"):
        transfer_maps(SAMPLE, SAMPLE, {"height": HEIGHT[:20]})
