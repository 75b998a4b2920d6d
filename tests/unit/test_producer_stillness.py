"""A camera that repeats one picture is found, and one that shows a still scene is left alone."""

import numpy as np
from numpy.typing import NDArray

from producer.stillness import Stillness, StillnessWatch

Luma = NDArray[np.uint8]


def noisy(seed: int) -> Luma:
    return np.random.default_rng(seed).integers(100, 104, (96, 128), np.uint8)


def looks(watch: StillnessWatch, pictures: list[Luma], start_s: float = 0.0) -> list[Stillness]:
    return [watch.look(luma, start_s + n) for n, luma in enumerate(pictures)]


def test_a_still_scene_with_noise_is_not_frozen() -> None:
    watch = StillnessWatch(frozen_after_s=10, heartbeat_s=5)
    assert set(looks(watch, [noisy(n) for n in range(60)])) == {Stillness.MOVING}


def test_the_same_picture_for_long_enough_is_frozen_and_said_so_once() -> None:
    watch = StillnessWatch(frozen_after_s=10, heartbeat_s=100)
    seen = looks(watch, [noisy(1)] * 30)
    assert seen[:10] == [Stillness.MOVING] * 10
    assert seen[10] is Stillness.FROZE
    assert set(seen[11:]) == {Stillness.FROZEN}


def test_a_frozen_stream_keeps_a_frame_at_each_heartbeat() -> None:
    watch = StillnessWatch(frozen_after_s=10, heartbeat_s=5)
    seen = looks(watch, [noisy(1)] * 31)
    assert [n for n, stillness in enumerate(seen) if stillness.is_kept and n > 9] == [
        15,
        20,
        25,
        30,
    ]


def test_a_picture_that_changes_thaws_the_stream_at_once() -> None:
    watch = StillnessWatch(frozen_after_s=10, heartbeat_s=5)
    looks(watch, [noisy(1)] * 20)
    assert looks(watch, [noisy(2), noisy(3)], 20.0) == [Stillness.THAWED, Stillness.MOVING]
    assert Stillness.THAWED.is_kept


def test_a_change_of_a_single_pixel_counts_as_life() -> None:
    watch = StillnessWatch(frozen_after_s=10, heartbeat_s=5)
    pictures = [noisy(1) for _ in range(60)]
    for number, luma in enumerate(pictures):
        luma[5, 7] = number
    assert set(looks(watch, pictures)) == {Stillness.MOVING}


def test_a_change_of_size_counts_as_life() -> None:
    watch = StillnessWatch(frozen_after_s=10, heartbeat_s=5)
    grey = [np.full((48, 64 + n % 2), 128, np.uint8) for n in range(30)]
    assert set(looks(watch, grey)) == {Stillness.MOVING}
