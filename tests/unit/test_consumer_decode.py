import pytest

from consumer.decode import least_size


@pytest.mark.parametrize(
    ("frame_wh", "decoded_wh"),
    [
        ((768, 576), (768, 576)),
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (960, 540)),
        ((1921, 1081), (961, 541)),
        ((3840, 2160), (960, 540)),
        ((200, 100), (200, 100)),
    ],
)
def test_a_frame_is_decoded_at_the_smallest_quick_scale_that_keeps_what_the_model_needs(
    frame_wh: tuple[int, int], decoded_wh: tuple[int, int]
) -> None:
    size = least_size(frame_wh, (300, 300))
    assert (size["min_width"], size["min_height"]) == decoded_wh
