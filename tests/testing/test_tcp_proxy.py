"""The proxy in front of real servers: HTTP, Redis, and bare sockets."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import httpx2
import pytest
import redis

from consilience.errors import InvalidInput
from consilience.testing import FaultServer, Line, Reset, TcpProxy


@contextmanager
def echo():
    """A server on bare sockets that sends back what comes; yields its port."""
    listening = socket.create_server(("127.0.0.1", 0))
    made = []

    def serve(connection):
        with connection:
            try:
                while piece := connection.recv(65536):
                    connection.sendall(piece)
            except ConnectionError:
                return

    def accept():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            made.append(threading.Thread(target=serve, args=(connection,)))
            made[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    accepting.join()
    for thread in made:
        thread.join()


@pytest.fixture
def proxy():
    with echo() as port, TcpProxy("127.0.0.1", port) as proxy:
        yield proxy


@pytest.fixture
def connect(proxy):
    made = []

    def connected():
        connection = socket.create_connection((proxy.host, proxy.port), timeout=30)
        made.append(connection)
        return connection

    yield connected
    for connection in made:
        connection.close()


def exchange(connection, sent=b"x"):
    connection.sendall(sent)
    came = b""
    while len(came) < len(sent):
        piece = connection.recv(65536)
        if not piece:
            break
        came += piece
    return came


def test_it_passes_everything_on_in_both_directions_and_the_end_too(proxy, connect):
    connection = connect()
    big = bytes(range(256)) * 4096
    sender = threading.Thread(target=connection.sendall, args=(big,))
    sender.start()
    came = b""
    while len(came) < len(big):
        came += connection.recv(65536)
    sender.join()
    assert came == big
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(1) == b""


def test_latency_is_for_each_direction(proxy, connect):
    connection = connect()
    proxy.line = Line(latency=0.02)
    started = time.monotonic()
    assert exchange(connection) == b"x"
    assert time.monotonic() - started >= 0.04


def test_bandwidth_bounds_what_passes_in_a_second(proxy, connect):
    connection = connect()
    proxy.line = Line(bandwidth=100_000)
    started = time.monotonic()
    assert exchange(connection, b"x" * 4000) == b"x" * 4000
    assert time.monotonic() - started >= 0.04


def test_a_stalled_line_loses_nothing(proxy, connect):
    connection = connect()
    proxy.stall()
    assert proxy.line.stalled
    connection.sendall(b"held back")
    connection.settimeout(0.05)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    late = connect()
    late.sendall(b"accepted")
    proxy.pass_again()
    connection.settimeout(30)
    assert connection.recv(100) == b"held back"
    assert late.recv(100) == b"accepted"


def test_cut_ends_all_connections_in_order_and_takes_new_ones(proxy, connect):
    connections = [connect() for _ in range(3)]
    assert [exchange(connection) for connection in connections] == [b"x"] * 3
    proxy.cut()
    assert [connection.recv(1) for connection in connections] == [b""] * 3
    assert exchange(connect()) == b"x"
    assert (proxy.connections.total, proxy.connections.open, proxy.connections.most) == (4, 1, 3)


def test_reset_breaks_all_connections(proxy, connect):
    connection = connect()
    assert exchange(connection) == b"x"
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert exchange(connect()) == b"x"


def test_refusing_is_for_new_connections_and_ends_with_passing_again(proxy, connect):
    connection = connect()
    assert exchange(connection) == b"x"
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect()
    assert exchange(connection) == b"x"
    proxy.pass_again()
    assert exchange(connect()) == b"x"


def test_a_server_that_is_not_there_resets_the_client():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        TcpProxy("127.0.0.1", port) as proxy,
        socket.create_connection((proxy.host, proxy.port)) as connection,
        pytest.raises(ConnectionResetError),
    ):
        connection.recv(1)


def test_http_passes_and_a_reset_of_the_server_is_one_for_the_client():
    with (
        FaultServer([None, Reset()]) as server,
        TcpProxy(server.host, server.port) as proxy,
        httpx2.Client() as client,
    ):
        url = f"http://{proxy.host}:{proxy.port}"
        assert client.get(url).json()["number"] == 0
        with pytest.raises(httpx2.ReadError):
            client.get(url)
        assert server.connections.total == 1


def test_redis_behind_it_comes_back_when_it_passes_again(redis_server):
    with TcpProxy("127.0.0.1", redis_server) as proxy:
        client = redis.Redis(port=proxy.port, socket_timeout=0.5, retry=None)
        with client:
            client.set("answer", "yes")
            proxy.stall()
            with pytest.raises(redis.exceptions.TimeoutError):
                client.get("answer")
            proxy.cut()
            proxy.refuse()
            with pytest.raises(redis.exceptions.ConnectionError):
                client.get("answer")
            proxy.pass_again()
            assert client.get("answer") == b"yes"


def test_it_works_in_an_asynchronous_block_on_the_loop_of_its_clients():
    async def story():
        async with (
            FaultServer() as server,
            TcpProxy(server.host, server.port) as proxy,
            httpx2.AsyncClient() as client,
        ):
            url = f"http://{proxy.host}:{proxy.port}"
            assert (await client.get(url)).status_code == 200
            proxy.reset()
            assert (await client.get(url)).status_code == 200
            assert server.connections.total == 2

    asyncio.run(story())


@pytest.mark.parametrize(
    "line",
    [{"latency": -1}, {"latency": float("inf")}, {"bandwidth": 0}, {"bandwidth": float("nan")}],
    ids=str,
)
def test_a_line_that_cannot_be_is_refused(line):
    with pytest.raises(InvalidInput):
        Line(**line)
