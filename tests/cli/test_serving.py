"""The whole service as one program: console, API, worker, schedule and the embedded queue."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from partsemble_core.embedded_valkey import IS_INSTALLED
from tests.cli.typing_in import Shell
from tests.servers.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(not IS_INSTALLED, reason="the embedded Valkey isn't installed"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
READY_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Service:
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return "Partsemble is at" in self.log.read_text()


@pytest.fixture
def service(shell: Shell, tmp_path: Path) -> Iterator[Service]:
    """``partsemble serve`` on a free port, stopped as an init system would."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "serve.log"
    environment = {**shell.environment(), "PARTSEMBLE_SWEEP_SECONDS": "1"}
    command = [sys.executable, "-m", "partsemble_core", "serve", "--port", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        running = Service(process, f"http://127.0.0.1:{port}", log)
        try:
            wait_until(running.is_ready, "the service is ready", seconds=READY_SECONDS)
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
    with pytest.raises(requests.ConnectionError):
        requests.get(running.url, timeout=5)


def child_of(parent: int, name: str) -> int:
    """The running child of a process by a word of its command line; Linux tells by its files, without any program."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    (child,) = [int(pid) for pid in listed if name in Path(f"/proc/{pid}/cmdline").read_text()]
    return child


def test_the_service_answers_posts_what_is_exported_and_ends_when_told(shell: Shell, service: Service) -> None:
    shell.done("connect", "csv_import")
    codes = [row["code"] for row in shell.type("accounts", "list", "--json").json if row["state"] == "usable"]
    for role, code in zip(("receiving_debit", "receiving_credit", "build_debit", "build_credit"), codes, strict=False):
        shell.done("accounts", "set", role, code)
    headers = {"Authorization": f"Bearer {shell.done('token', 'add', 'test').split()[0]}"}

    def send(method: str, path: str, body: object = None) -> requests.Response:
        answer = requests.request(method, f"{service.url}/api/v1{path}", headers=headers, json=body, timeout=10)
        assert answer.ok, answer.text
        return answer

    send("POST", "/products", {"sku": "PANEL", "name": "Panel"})
    send("POST", "/suppliers", {"code": "ACM", "name": "Acme Parts"})
    line = {"sku": "PANEL", "quantity": "20", "unit_cost": "34.50"}
    receipt = send("POST", "/receipts", {"supplier": "ACM", "lines": [line]}).json()
    send("POST", f"/receipts/{receipt['id']}/confirm")

    def is_posted() -> bool:
        return [row["label"] for row in send("GET", "/exports").json()["rows"]] == ["Synced"]

    wait_until(is_posted, "the worker posted the receipt", seconds=READY_SECONDS)
    assert requests.get(f"{service.url}/api/v1/company", timeout=10).status_code == 401
    assert requests.get(service.url, timeout=10).ok
    busy = shell.type("serve", "--port", service.url.rpartition(":")[2])
    assert (busy.code, busy.err[:22]) == (1, "error[service-failed]:")

    valkey = child_of(service.process.pid, "valkey")
    os.kill(valkey, signal.SIGKILL)  # the queue is started again on its address, and the sweep rings for what waits
    again = send("POST", "/receipts", {"supplier": "ACM", "lines": [line]}).json()
    send("POST", f"/receipts/{again['id']}/confirm")
    wait_until(
        lambda: [row["label"] for row in send("GET", "/exports").json()["rows"]] == ["Synced", "Synced"],
        "the receipt after the queue's death is posted",
        seconds=READY_SECONDS,
    )
