"""Free ports chosen, and taken ports named together with the process that holds them."""

import secrets
import socket
from collections.abc import Collection

import psutil

from local.errors import PortTaken

HOST = "127.0.0.1"
# Below the range that Linux takes for outgoing connections (32768 to 60999): a port found free
# there could become some client's own before the server listens on it.
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now, closing connections notwithstanding."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    """Choose `count` different ports that nobody listens on, none of them among `taken`."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if port not in chosen and port not in taken and is_free(port):
            chosen.append(port)
    return chosen


def require_free(part: str, ports: tuple[int, ...]) -> None:
    """Raise PortTaken, naming the port, the part and the holder, unless all ports are free."""
    for port in ports:
        if not is_free(port):
            raise PortTaken(
                f"port {port}, which {part} has to listen on, is taken by {_holder(port)}; "
                f"end that process or choose another port"
            )


def _holder(port: int) -> str:
    try:
        pids = {
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.laddr and connection.laddr.port == port
            if connection.status == psutil.CONN_LISTEN
        }
        names = [f"{psutil.Process(pid).name()} (pid {pid})" for pid in pids if pid is not None]
    except psutil.Error:
        names = []
    return ", ".join(names) or "a process that this user may not see"
