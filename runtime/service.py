"""Starts a service and turns whatever ends it into a message and an exit code."""

import faulthandler
import signal
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from prometheus_client import REGISTRY

from runtime.errors import FramerailError
from runtime.health import HealthServer, Heartbeat
from runtime.logs import Logger, configure_logs, get_logger, redacted
from runtime.metrics import tell_of_service
from runtime.settings import ServiceSettings, load_settings
from runtime.stop import StopSignal

S = TypeVar("S", bound=ServiceSettings)


def run_service(
    name: str,
    settings_class: type[S],
    serve: Callable[[S, StopSignal, Heartbeat, Logger], None],
) -> int:
    """Read the settings, serve until the stop signal, and return the process's exit code.

    0: stopped as asked; 2: wrong configuration; 3: something outside is absent; 1: a defect.
    """
    try:
        settings = load_settings(settings_class)
    except FramerailError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return error.exit_code
    configure_logs(settings, name)
    log = get_logger()
    # Where a service hangs is asked of it: each thread's stack goes to standard error.
    faulthandler.register(signal.SIGUSR1, file=sys.stderr.fileno(), all_threads=True)
    stop = StopSignal()
    stop.listen()
    try:
        _serve(name, settings, stop, serve, log)
    except FramerailError as error:
        log.error("service.failed", reason=redacted(str(error)), exit_code=error.exit_code)
        return error.exit_code
    except Exception:
        log.exception("service.crashed", exit_code=1)
        return 1
    return 0


def _serve(
    name: str,
    settings: S,
    stop: StopSignal,
    serve: Callable[[S, StopSignal, Heartbeat, Logger], None],
    log: Logger,
) -> None:
    heartbeat = Heartbeat(time.monotonic, settings.stuck_after_s)
    tell_of_service(name, heartbeat)
    health = HealthServer(settings.http_host, settings.http_port, REGISTRY, heartbeat)
    log.info("service.started", http_host=settings.http_host, http_port=health.port)
    try:
        serve(settings, stop, heartbeat, log)
    finally:
        health.close()
        log.info("service.stopped")
