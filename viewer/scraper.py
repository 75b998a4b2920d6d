"""The edge to the services' metrics: every process of every service is asked, and none is trusted.

Nothing here raises: what fails is told with its reason, and the next round asks again.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from contracts.wall import ServiceHealth
from runtime.daemon_pool import DaemonPool
from runtime.logs import redacted
from viewer import metrics
from viewer.families import READY, Samples, Series, read_samples
from viewer.settings import MetricsTarget

EVERY_S = 2.0
ANSWER_WITHIN_S = 1.5
"""Less than a round, so that rounds keep their time."""
MAX_BODY_BYTES = 8 * 1024 * 1024
"""A producer of 512 streams, as many as are shown, tells 2.3 MB."""
MAX_ADDRESSES = 256
_RESOLVERS = 4
_CONNECTIONS = 32

Address = str


@dataclass(slots=True)
class Round:
    """What one service's processes said: samples by process, and why others said nothing."""

    heard: dict[str, Samples] = field(default_factory=dict)
    known: int = 0
    problems: list[str] = field(default_factory=list)


class Scraper:
    """Asks all targets at once; it belongs to the event loop that it is used in."""

    def __init__(self, targets: Sequence[MetricsTarget]) -> None:
        self._targets = targets
        # Threads of our own, which are daemons: a name server that hangs must not hold up a stop.
        self._resolvers: DaemonPool[list[Address]] = DaemonPool(_RESOLVERS, "resolve")
        self._client = httpx.AsyncClient(
            timeout=ANSWER_WITHIN_S,
            trust_env=False,
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )

    async def round(self) -> tuple[dict[str, Samples], tuple[ServiceHealth, ...]]:
        """Ask every process once; return what each said, and how each service does."""
        asked = await asyncio.gather(*(self._ask_service(target) for target in self._targets))
        by_name: dict[str, Round] = {target.name: Round() for target in self._targets}
        for target, answered in zip(self._targets, asked, strict=True):
            whole = by_name[target.name]
            whole.heard |= answered.heard
            whole.known += answered.known
            whole.problems += answered.problems
        heard = {process: said for one in by_name.values() for process, said in one.heard.items()}
        return heard, tuple(health(name, whole) for name, whole in by_name.items())

    async def _ask_service(self, target: MetricsTarget) -> Round:
        """Ask the processes behind one name.

        A process may have an address of each family, and must not count twice: the second family is
        asked only where the first has no answer, such as where localhost is ::1 first.
        """
        answered = Round()
        try:
            families = await self._addresses(target)
        except (OSError, TimeoutError) as error:
            metrics.SCRAPE_FAILURES.labels(target.name).inc()
            reason = error.strerror if isinstance(error, OSError) else None
            said = reason or f"no answer within {ANSWER_WITHIN_S:g} s"
            answered.problems.append(f"{target.host} leads to no address ({said})")
            return answered
        for addresses in families:
            answered = await self._ask_addresses(target, addresses)
            if answered.heard:
                break
        return answered

    async def _ask_addresses(self, target: MetricsTarget, addresses: list[Address]) -> Round:
        answered = Round(known=len(addresses))
        asked = await asyncio.gather(*(self._ask(target, address) for address in addresses))
        for address, said in zip(addresses, asked, strict=True):
            place = _place(address, target.port)
            if isinstance(said, str):
                answered.problems.append(f"{place} {said}")
            else:
                answered.heard[f"{target.name} at {place}{target.path}"] = said
        return answered

    async def _ask(self, target: MetricsTarget, address: Address) -> Samples | str:
        """Return what one process says, or why it says nothing."""
        metrics.SCRAPES.labels(target.name).inc()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return read_samples(await self._text(target, address))
        except TimeoutError:
            problem = f"has not answered within {ANSWER_WITHIN_S:g} s"
        except httpx.ConnectError:
            problem = "takes no connection"
        except (httpx.HTTPError, OSError) as error:
            problem = f"does not answer: {redacted(str(error)) or type(error).__name__}"
        except ValueError as error:
            problem = f"answers what is no metrics: {redacted(str(error))[:200]}"
        metrics.SCRAPE_FAILURES.labels(target.name).inc()
        return problem

    async def _text(self, target: MetricsTarget, address: Address) -> str:
        url = f"http://{_place(address, target.port)}{target.path}"
        # Not compressed: a few kilobytes could hold gigabytes.
        headers = {"Host": _place(target.host, target.port), "Accept-Encoding": "identity"}
        body = bytearray()
        async with self._client.stream("GET", url, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"HTTP status {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise ValueError(f"more than {MAX_BODY_BYTES} bytes")
        return body.decode("utf-8")

    async def _addresses(self, target: MetricsTarget) -> list[list[Address]]:
        """Return the addresses of a host, by family, in the order in which the system wants them.

        Raises OSError or TimeoutError if it has none.
        """
        looked_up = self._resolvers.submit(lambda: _resolved(target.host, target.port))
        async with asyncio.timeout(ANSWER_WITHIN_S):
            found = await asyncio.wrap_future(looked_up)
        by_family: dict[bool, list[Address]] = {}
        for address in found[:MAX_ADDRESSES]:
            by_family.setdefault(":" in address, []).append(address)
        return list(by_family.values())


def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(0, f"no host is called so: {error}") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def health(name: str, whole: Round) -> ServiceHealth:
    """Return how a service does: who answers, and what is wrong where one does not, or waits."""
    waiting = sum(said.get(Series(READY)) == 0 for said in whole.heard.values())
    problem = None
    if waiting:
        of_them = f"{waiting} of {len(whole.heard)} runs" if len(whole.heard) > 1 else "it runs"
        problem = f"{name}: {of_them} and is not ready; its log says what it waits for"
    if whole.problems:
        more = len(whole.problems) - 1
        others = f", and {more} more like it" if more else ""
        problem = f"{name}: {whole.problems[0]}{others}; check that it runs, and its log"
    return ServiceHealth(name=name, answering=len(whole.heard), known=whole.known, problem=problem)
