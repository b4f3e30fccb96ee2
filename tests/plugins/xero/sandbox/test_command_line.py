"""The sandbox as a program of its own: what it prints, how it ends, what survives."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest
import requests

from partsemble_xero.sandbox.testing import SandboxHandle, consent, start_sandbox
from tests.plugins.xero.sandbox.client import KITS, TIMEOUT, App, journal
from tests.servers.waiting import wait_until

PROGRAM = (sys.executable, "-m", "partsemble_xero.sandbox")
# A kill may fall before the answer, or between its head and its body.
KILLED_MEANWHILE = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
FACTS = ["address", "client_id", "client_secret", "webhook_key", "page"]


@contextmanager
def running(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The program over ``data`` and the facts that it printed."""
    command = [*PROGRAM, "--data", str(data), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().rstrip("\n") for _ in FACTS]
            yield process, dict(each.split(": ", 1) for each in lines)
        finally:
            process.kill()


def refused(*options: str) -> str:
    done = subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done
    return done.stderr.splitlines()[-1]


def test_it_prints_what_an_app_needs(tmp_path: Path) -> None:
    with running(tmp_path / "x.sqlite") as (_, facts):
        assert list(facts) == FACTS
        assert requests.get(facts["page"], timeout=TIMEOUT).status_code == 200
        assert SandboxHandle(facts).sign_in(organisation=KITS)["access_token"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(tmp_path: Path, number: int) -> None:
    with running(tmp_path / "x.sqlite") as (process, facts):
        requests.get(facts["page"], timeout=TIMEOUT)
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_restart_keeps_credentials_tokens_and_books(tmp_path: Path) -> None:
    with running(tmp_path / "x.sqlite") as (process, before):
        app = App(SandboxHandle(before))
        app.create(Status="POSTED")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    with running(tmp_path / "x.sqlite") as (_, after):
        assert {name: after[name] for name in FACTS[1:4]} == {name: before[name] for name in FACTS[1:4]}
        app.sandbox = SandboxHandle(after)
        assert app.call("GET", "/Organisation").status_code == 200
        assert app.sandbox.token({"grant_type": "refresh_token", "refresh_token": app.tokens["refresh_token"]})
        assert app.sandbox.balance(KITS, code="310") == "100.00"


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    answered: list[str] = []
    with running(tmp_path / "x.sqlite") as (process, facts):
        app = App(SandboxHandle(facts))

        def post_until_killed() -> None:
            for number in range(10_000):
                body = journal(Narration=f"J{number}", Status="POSTED")
                try:
                    created = app.call("PUT", "/ManualJournals", body)
                except KILLED_MEANWHILE:
                    return
                answered.append(created.json()["ManualJournals"][0]["ManualJournalID"])

        sender = Thread(target=post_until_killed)
        sender.start()
        wait_until(lambda: len(answered) > 20, "some journals are posted")
        process.kill()
        sender.join()
    with start_sandbox(tmp_path / "x.sqlite") as sandbox:
        books = sandbox.books(KITS)
    kept = [each["journal_id"] for each in books["journals"]]
    assert kept[: len(answered)] == answered
    assert len(kept) - len(answered) in {0, 1}
    assert books["trial_balance"] == {"debit": f"{len(kept) * 100}.00", "credit": f"{len(kept) * 100}.00"}


def test_options_reach_the_server(tmp_path: Path) -> None:
    options = ["--organisation", "Mill: North:GBP", "--clock", "fixed", "--redirect-uri", "https://a.example/cb"]
    with running(tmp_path / "x.sqlite", *options) as (_, facts):
        sandbox = SandboxHandle(facts)
        assert [each["name"] for each in sandbox.admin("GET", "organisations")] == ["Mill: North"]
        assert sandbox.admin("GET", "clock")["mode"] == "fixed"
        url = sandbox.authorize_url(redirect_uri="https://a.example/cb")
        assert consent(url, organisation="Mill: North").startswith("https://a.example/cb?code=")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--organisation", "Mill"], "organisation-not-valid"),
        (["--organisation", "Mill:pounds"], "organisation-not-valid"),
        (["--redirect-uri", "http://127.0.0.1/cb"], "redirect-uri-not-valid"),
        (["--port", "70000"], "--port"),
    ],
)
def test_an_option_that_cannot_work_is_named(tmp_path: Path, options: list[str], code: str) -> None:
    assert code in refused("--data", str(tmp_path / "x.sqlite"), *options)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "port-not-free" in refused("--data", str(tmp_path / "x.sqlite"), "--port", port)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE precious (x)")
    before = path.read_bytes()
    assert "data-file-not-a-sandbox" in refused("--data", str(path))
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)
    assert "data-file-not-a-sandbox" in refused("--data", str(path))
    assert path.read_text() == "not a database\n" * 100


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "data-file-not-a-sandbox" in refused("--data", str(tmp_path / "missing" / "x.sqlite"))


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite") as sandbox:
        sandbox.sign_in(organisation=KITS)
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {"0o600"}


def test_no_token_is_kept_in_the_file_as_it_is(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite") as sandbox:
        tokens = sandbox.sign_in(organisation=KITS)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert tokens["refresh_token"].encode() not in kept
    assert tokens["access_token"].encode() not in kept


def test_a_stopped_sandbox_can_be_started_again_on_its_port(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite") as sandbox:
        app = App(sandbox)
        port = int(sandbox.address.rsplit(":", 1)[1])
    with pytest.raises(requests.ConnectionError):
        app.call("GET", "/Organisation")
    with start_sandbox(tmp_path / "x.sqlite", port=port) as app.sandbox:
        assert app.call("GET", "/Organisation").status_code == 200
