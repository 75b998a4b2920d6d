"""Questions put to a server to learn whether it would serve now."""

import http.client
import json
import socket
import struct

from local.ports import HOST

TIMEOUT_S = 1.0
METADATA_API, METADATA_VERSION = 3, 1


def http_status(port: int, path: str) -> int:
    """Return the status of GET `path`. Raises OSError if there is no HTTP answer."""
    return _get(port, path)[0]


def http_json(port: int, path: str) -> object:
    """Return the document at `path`, None where the answer is no JSON. Raises OSError."""
    try:
        document: object = json.loads(_get(port, path)[1])
    except json.JSONDecodeError:
        return None
    return document


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP at port {port}") from error
    finally:
        connection.close()


def rtsp_answers(port: int) -> bool:
    """Tell whether an RTSP server answers OPTIONS. Raises OSError if nobody listens."""
    with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
        connection.sendall(f"OPTIONS rtsp://{HOST}:{port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        return connection.recv(64).startswith(b"RTSP/1.0 200")


def kafka_has_brokers(port: int) -> bool:
    """Tell whether a Kafka broker has joined its own cluster. Raises OSError if it cannot say.

    The port opens, and even answers, some tenths of a second before the controller counts the
    broker: a topic made in between fails for want of replicas.
    """
    header = struct.pack(">hhi", METADATA_API, METADATA_VERSION, 1) + struct.pack(">h", -1)
    request = header + struct.pack(">i", 0)  # of no topics
    with socket.create_connection((HOST, port), TIMEOUT_S) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = _receive(connection, 4 + 4 + 4)
    brokers: int = struct.unpack(">iii", answer)[2]
    return brokers > 0


def _receive(connection: socket.socket, size_bytes: int) -> bytes:
    received = b""
    while len(received) < size_bytes:
        chunk = connection.recv(size_bytes - len(received))
        if not chunk:
            raise ConnectionResetError("closed in the middle of an answer")
        received += chunk
    return received
