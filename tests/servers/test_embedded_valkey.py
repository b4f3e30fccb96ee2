from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from partsemble_core import embedded_valkey
from partsemble_core.embedded_valkey import (
    EmbeddedValkey,
    EmbeddedValkeyError,
    EmbeddedValkeyInUse,
    EmbeddedValkeyMissing,
)
from tests.servers.waiting import wait_until

# Starts a server, says where, and waits to be killed.
PARENT = """
import signal, sys
from partsemble_core.embedded_valkey import EmbeddedValkey
server = EmbeddedValkey(sys.argv[1])
server.start()
print(server.pid, server.url, flush=True)
signal.pause()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "valkey") as started:
        yield started


def test_a_key_survives_stop_and_start(server: EmbeddedValkey) -> None:
    put(server.url, "kept")
    server.stop()
    assert server.pid is None
    server.start()
    assert get(server.url) == "kept"


def test_an_answered_write_survives_kill_9(server: EmbeddedValkey) -> None:
    put(server.url, "kept")
    # The write was handed to the operating system before the answer: only a power cut could lose it.
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: server.pid is None, "the server is gone")
    server.start()
    assert get(server.url) == "kept"


def test_a_second_server_on_the_directory_is_refused_with_the_cure(
    server: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_valkey, "LOCK_SECONDS", 0)
    second = EmbeddedValkey(server.data_dir)
    with pytest.raises(EmbeddedValkeyInUse, match=r"is in use by another server: stop that one"):
        second.start()
    assert second.pid is None
    assert get(server.url) is None, "the first one goes on serving"


def test_the_directory_is_free_again_after_a_stop(server: EmbeddedValkey) -> None:
    server.stop()
    with EmbeddedValkey(server.data_dir) as second:
        assert get(second.url) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_the_server_goes_when_its_parent_is_killed_and_the_directory_can_be_used_at_once(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    ) as parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        put(url, "kept")
        parent.kill()
    with EmbeddedValkey(tmp_path) as successor:
        assert get(successor.url) == "kept"
        assert not is_running(int(pid)), "the orphan held the lock to its end"


def test_ctrl_c_meant_for_the_parent_leaves_the_server_running(server: EmbeddedValkey) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGINT)
    with redis.Redis.from_url(server.url) as client:  # one told to end does so within 0.1 s
        assert client.blpop(["nothing"], timeout=1) is None


def test_a_stranger_on_the_wanted_port_is_not_taken_for_the_server(server: EmbeddedValkey, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedValkeyError, match=r"(?s)ended at once.*Address already in use"):
        EmbeddedValkey(tmp_path / "other", port=server.port).start()


def test_starting_twice_is_starting_once(server: EmbeddedValkey) -> None:
    pid = server.pid
    server.start()
    assert server.pid == pid


def test_only_the_owner_can_look_into_the_directory(server: EmbeddedValkey) -> None:
    assert server.data_dir.stat().st_mode & 0o777 == 0o700


def test_without_the_wheel_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_valkey, "IS_INSTALLED", False)
    with pytest.raises(EmbeddedValkeyMissing, match=r"install partsemble\[embedded\] or set REDIS_URL"):
        EmbeddedValkey(tmp_path).start()
    assert EmbeddedValkeyMissing.code == "embedded-valkey-missing"


def test_no_key_is_thrown_out_when_memory_is_short(server: EmbeddedValkey) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def put(url: str, value: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("key", value)


def get(url: str) -> str | None:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        value = client.get("key")
        assert value is None or isinstance(value, str)
        return value


def is_running(pid: int) -> bool:
    """Whether the process exists and isn't a zombie that waits for its new parent."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
