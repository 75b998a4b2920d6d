"""What comes over a connection to Kafka, and how its end is told."""

import selectors
import socket
import struct
from collections.abc import Iterator

import pytest
from kafka.errors import RetriableError

from runtime.kafka_connections import QuietSelector, received

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends over TCP, as a broker's, which can also hang up rudely; ours does not wait."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.settimeout(1)
    with ours, theirs:
        yield ours, theirs


def wait_for_something(ours: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(ours, selectors.EVENT_READ)
        assert selector.select(5)
    ours.setblocking(False)


def test_nothing_yet_is_no_end(pair: Pair) -> None:
    pair[0].setblocking(False)
    assert received(pair[0]) == (b"", None)


def test_the_last_words_come_before_the_hang_up(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"refused")
    theirs.close()
    wait_for_something(ours)
    assert received(ours)[0] == b"refused"
    assert isinstance(received(ours)[1], RetriableError)


def test_a_reset_is_an_end_that_the_client_retries_after(pair: Pair) -> None:
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()
    wait_for_something(ours)
    arrived, ending = received(ours)
    assert arrived == b""
    assert isinstance(ending, RetriableError)


def test_a_socket_that_is_not_registered_is_a_key_error_as_ever(pair: Pair) -> None:
    with QuietSelector() as selector:
        with pytest.raises(KeyError):
            selector.get_key(pair[0])
        key = selector.register(pair[0], selectors.EVENT_READ)
        assert selector.get_key(pair[0]) == key


def test_a_closed_socket_is_still_found(pair: Pair) -> None:
    with QuietSelector() as selector:
        key = selector.register(pair[0], selectors.EVENT_READ)
        pair[0].close()
        assert selector.get_key(pair[0]) == key
