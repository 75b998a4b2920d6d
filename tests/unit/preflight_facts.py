"""A topic, and the frames of two cameras, as the preflight's rules look at them."""

from dataclasses import replace
from typing import Any

from runtime.preflight.estimate import estimated_load
from runtime.preflight.facts import FrameLoad, Topic, TopicLimits

MIB = 2**20
LIMITS = TopicLimits(4_145_152, 6 * 3600, 2048 * MIB, 64 * MIB, 1, 3600)
TOPIC = Topic("frames.cam1", 1, 1, 1, frozenset({"DESCRIBE", "READ", "WRITE"}), LIMITS)
LOAD = FrameLoad("frames.cam1", 87_000, 91_000, 25, "the newest 5")
UHD = estimated_load("a camera of 3840x2160", (3840, 2160), 85, None)


def with_limits(**changes: Any) -> TopicLimits:
    return replace(LIMITS, **changes)
