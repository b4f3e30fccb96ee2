from __future__ import annotations

import pytest

from tests.cli.typing_in import Shell

ROLES = ("receiving_debit", "receiving_credit", "build_debit", "build_credit")


@pytest.fixture
def connected(shell: Shell) -> Shell:
    """The register of csv_import, with one account for stock and one for what is owed."""
    assert "Next: choose accounts" in shell.done("connect", "csv_import")
    codes = [row["code"] for row in shell.type("accounts", "list", "--json").json if row["state"] == "usable"]
    for role, code in zip(ROLES, codes, strict=False):
        shell.done("accounts", "set", role, code)
    shell.done("product", "add", "PANEL", "Panel")
    shell.done("supplier", "add", "ACM", "Acme Parts")
    return shell


def test_a_receipt_is_posted_to_the_register_in_this_process(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    (export,) = connected.type("exports", "list", "--json").json
    assert (export["label"], export["amount"]) == ("Pending export", "690")
    assert "PSB-RCV-0001  Synced (posted)\n1 export due." in connected.done("exports", "run")
    assert connected.done("exports", "run") == "0 exports due.\n"
    shown = connected.type("exports", "show", "psb-rcv-0001", "--json").json
    assert [(line["debit"], line["credit"]) for line in shown["lines"]] == [("690.00", None), (None, "690.00")]
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["ok"]
    assert "690.00" in connected.done("exports", "show", str(export["id"]))


def test_an_export_that_did_not_fail_can_not_be_tried_again(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    assert connected.type("exports", "retry", "PSB-RCV-0001").err.startswith("error[wrong-state]:")
    assert connected.type("exports", "retry", "PSB-RCV-0009").err.startswith("error[not-found]:")


def test_an_account_is_refused_by_role(connected: Shell) -> None:
    typed = connected.type("accounts", "set", "waste", "no-such-code")
    assert (typed.code, typed.err.rstrip().endswith("(waste)")) == (1, True)
    assert connected.type("accounts", "set", "tips", "1").err.startswith("error[invalid]:")


def test_accounts_are_read_again(connected: Shell) -> None:
    assert "accounts were read." in connected.done("accounts", "sync")


def test_without_books_the_commands_for_them_say_how_to_connect(shell: Shell) -> None:
    for words in (["accounts", "sync"], ["accounts", "set", "waste", "1"]):
        assert shell.type(*words).err.startswith("error[not-connected]: No books are connected.")
    assert shell.type("connect", "nowhere").err.startswith("error[unknown-backend]:")
