"""Events from the command line: added, tested, sent for real, sent again, removed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.typing_in import Shell
from tests.servers.receiver import Receiver, a_receiver, answering


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("PARTSEMBLE_EVENTS_ALLOW_PRIVATE", "1")
    with a_receiver() as opened:
        yield opened


def test_an_address_is_added_tested_and_removed(shell: Shell, receiver: Receiver) -> None:
    made = shell.type("events", "add", receiver.url, "--kind", "stock.low", "--json").json
    shell.done("events", "test", str(made["id"]))
    assert "1 event delivered." in shell.done("events", "send")
    assert receiver.came[0].is_signed_with(made["secret"])
    listed = shell.type("events", "list", "--json")
    assert listed.json == [{"id": made["id"], "url": receiver.url, "kinds": "stock.low", "state": "active"}]
    assert made["secret"] not in listed.out
    (delivery,) = shell.type("events", "deliveries", "--json").json
    assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == ("delivered", 1, 204)
    shell.done("events", "redeliver", str(delivery["id"]))
    shell.done("events", "send")
    assert len({came.headers["webhook-id"] for came in receiver.came}) == 1
    assert len(receiver.came) == 2
    assert shell.type("events", "remove", str(made["id"]), answer="n\n").code == 1
    shell.done("events", "remove", str(made["id"]), answer="y\n")
    assert shell.type("events", "list", "--json").json == []


def test_a_secret_is_shown_when_it_is_made(shell: Shell, receiver: Receiver) -> None:
    first = shell.done("events", "add", receiver.url).split("Secret, shown this once: ")[1].strip()
    second = shell.done("events", "rotate", "1", "--yes").split("Secret, shown this once: ")[1].strip()
    assert first != second
    shell.done("events", "test", "1")
    shell.done("events", "send")
    assert receiver.came[0].is_signed_with(second)
    assert not receiver.came[0].is_signed_with(first)


def test_what_waits_is_listed_with_why(shell: Shell, receiver: Receiver) -> None:
    receiver.answer = answering(500)
    shell.done("events", "add", receiver.url)
    shell.done("events", "test", "1")
    assert "0 events delivered." in shell.done("events", "send")
    assert "The address answered 500." in shell.done("events", "deliveries", "--state", "waiting")
    assert shell.done("events", "deliveries", "--state", "delivered") == "Nothing found.\n"


def test_a_wrong_address_is_refused(shell: Shell) -> None:
    assert "error[private-address]" in shell.type("events", "add", "http://127.0.0.1/").err
    assert "error[invalid]" in shell.type("events", "add", "https://example.com", "--kind", "odd").err
    assert "error[not-found]" in shell.type("events", "test", "7").err
