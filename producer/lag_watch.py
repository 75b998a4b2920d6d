"""Asks Kafka every second how far the consumer has come, and lets the governor judge."""

import time
from collections.abc import Mapping
from typing import Protocol

from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError

from contracts.names import frames_topic
from producer.load import Backlog, LoadGovernor
from runtime.errors import FramerailError
from runtime.health import Heartbeat
from runtime.kafka_clients import LOOK_TIMEOUT_MS, admin_client
from runtime.logs import Logger
from runtime.settings import KafkaSettings
from runtime.stop import StopSignal
from runtime.storms import StormFold

LOOK_EVERY_S = 1.0
_CONNECTING_S = 10.0
"""kafka-python's `socket_connection_setup_timeout_ms`."""
LONGEST_LOOK_S = LOOK_EVERY_S + _CONNECTING_S + 2 * LOOK_TIMEOUT_MS / 1000
"""From one beat to the next with a broker that stands still: a new connection and two requests."""
_AFTER_FAULT_S = 5.0


class WatchedStream(Protocol):
    """What the watch needs of a stream."""

    @property
    def next_offset(self) -> int | None:
        """Offset behind the newest published frame; None before the first."""


class LagWatch:
    """Runs in a thread of its own until the stop signal; without it nothing is thinned."""

    def __init__(
        self,
        settings: KafkaSettings,
        streams: Mapping[str, WatchedStream],
        governor: LoadGovernor,
        stop: StopSignal,
        log: Logger,
        heartbeat: Heartbeat,
    ) -> None:
        self._settings = settings
        self._group = settings.consumer_group
        self._streams = streams
        self._governor = governor
        self._stop = stop
        self._log = log
        self._heartbeat = heartbeat
        self._storms = StormFold(time.monotonic)

    def run(self) -> None:
        """Look until the stop signal, connecting anew after a fault."""
        while not self._stop.is_set:
            try:
                timeout_ms = LOOK_TIMEOUT_MS
                with admin_client(self._settings, request_timeout_ms=timeout_ms) as admin:
                    while not self._stop.wait(LOOK_EVERY_S):
                        self._heartbeat.beat()
                        self._judge(self._backlogs(admin))
            except (FramerailError, KafkaError) as error:
                self._blind(error)
            except Exception as error:  # noqa: BLE001  # the loop's outermost guard
                self._log.exception("lag.watch_failed")
                self._blind(error)

    def _backlogs(self, admin: KafkaAdminClient) -> dict[str, Backlog]:
        partitions = {name: TopicPartition(frames_topic(name), 0) for name in self._streams}
        wanted = {self._group: list(partitions.values())}
        committed = admin.list_group_offsets(wanted)[self._group]
        found = {}
        for name, stream in self._streams.items():
            published, group = stream.next_offset, committed.get(partitions[name])
            if published is not None and group is not None:
                # -1 where the group has committed nothing yet
                found[name] = Backlog(published, max(group.offset, 0))
        return found

    def _judge(self, backlogs: Mapping[str, Backlog]) -> None:
        before_fps = self._governor.max_fps
        self._governor.look(time.monotonic(), backlogs)
        max_fps = self._governor.max_fps
        if (before_fps is None) != (max_fps is None):
            event = "streams.thinned" if max_fps is not None else "streams.unthinned"
            waiting = sum(each.published - each.committed for each in backlogs.values())
            self._log.warning(event, max_fps=max_fps, frames_waiting=waiting)

    def _blind(self, error: Exception) -> None:
        """Thin nothing while nothing is seen.

        To find that no broker answers may take longer than a thread may be silent.
        """
        self._heartbeat.rest()
        self._governor.forget()
        unsaid = self._storms.admit(type(error).__name__)
        if unsaid is not None:
            self._log.warning("lag.unseen", group=self._group, reason=str(error), unsaid=unsaid)
        self._stop.wait(_AFTER_FAULT_S)
