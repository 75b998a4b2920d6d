"""What holds for every test."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# Other work on the same cores makes an example slow, which says nothing about the code.
settings.register_profile("framerail", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("framerail")


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool], str, float], None]:
    """Wait for a condition: `eventually(condition, "what it means", within_s)`."""

    def wait(condition: Callable[[], bool], meaning: str, within_s: float) -> None:
        deadline_s = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline_s:
                pytest.fail(f"not within {within_s:.0f} s: {meaning}")
            time.sleep(0.05)

    return wait
