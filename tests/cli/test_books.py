from __future__ import annotations

import json

import pytest

from partsemble_core.plugin_api import Rejected, hookimpl
from partsemble_csv_import import CsvImport as CsvImport
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
    assert "PSB-RCV-0001  Synced (posted)\n1 export tried: 1 posted." in connected.done("exports", "run")
    assert connected.done("exports", "run") == "Nothing was due.\n"
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


def test_what_is_held_is_rehearsed_and_then_posted(connected: Shell) -> None:
    connected.done("options", "set", "export_receipts", "manual")
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    assert connected.done("exports", "run") == "Nothing was due.\n"
    shown = connected.type("exports", "dry-run", "psb-rcv-0001", "--json").json
    assert (shown["label"], shown["total"], [line["debit"] for line in shown["lines"]]) == (
        "Held", "690", ["690.00", None],
    )  # fmt: skip
    text = connected.done("exports", "dry-run", "PSB-RCV-0001")
    assert shown["digest"] in text
    assert shown["token"] in text
    wrong = connected.type("exports", "post", "PSB-RCV-0001", "--digest", "0" * 64)
    assert wrong.err.startswith("error[digest-differs]:")
    assert "1 export will be posted" in connected.done("exports", "post", "PSB-RCV-0001", "--digest", shown["digest"])
    assert "1 export tried: 1 posted." in connected.done("exports", "run")
    assert connected.type("exports", "post", "PSB-RCV-0001").err.startswith("error[wrong-state]:")


def test_all_that_is_held_is_posted_by_kind(connected: Shell) -> None:
    connected.done("options", "set", "export_receipts", "manual")
    for _ in range(2):
        connected.done("receive", "--supplier", "ACM", "PANEL=1@1")
    assert connected.done("exports", "post", "--all", "--kind", "build") == "Nothing is held.\n"
    assert "2 exports will be posted" in connected.done("exports", "post", "--all", "--kind", "receipt")
    for words in ([], ["--all", "PSB-RCV-0001"], ["PSB-RCV-0001", "--kind", "build"], ["--all", "--kind", "tree"]):
        assert connected.type("exports", "post", *words).err.startswith("error[invalid]:")


def test_a_posting_is_left_out_with_a_reason(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=1@1")
    assert connected.done("exports", "skip", "PSB-RCV-0001", "--reason", "by hand") == (
        "PSB-RCV-0001 is left out of the books.\n"
    )
    assert "Left out by" in connected.done("exports", "show", "PSB-RCV-0001")
    for words in (["adopt", "PSB-RCV-0001", "1"], ["remap", "PSB-RCV-0001"]):
        assert connected.type("exports", *words).err.startswith("error[wrong-state]:")
    cancel = ("exports", "cancel", "PSB-RCV-0001", "--reason", "no")
    assert connected.type(*cancel, "--yes").err.startswith("error[wrong-state]:")
    assert "Nothing was changed." in connected.type(*cancel).out


def test_only_a_role_that_isn_t_needed_is_unset(connected: Shell) -> None:
    code = connected.type("accounts", "list", "--json").json[0]["code"]
    connected.done("accounts", "set", "waste", code)
    assert "waste has no account." in connected.done("accounts", "unset", "waste")
    assert connected.type("accounts", "unset", "build_debit").err.startswith("error[invalid]:")
    assert connected.type("accounts", "unset", "tips").err.startswith("error[invalid]:")


def test_a_run_of_exports_tells_programs_what_became_of_each(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    ran = connected.type("export", "run", "--json")
    assert (ran.code, ran.json) == (0, [{"reference": "PSB-RCV-0001", "state": "posted", "problem": ""}])
    assert connected.type("exports", "run", "--json").json == []


def test_a_run_ends_with_two_when_something_needs_a_person(connected: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    monkeypatch.setattr(CsvImport, "post_journal", refuse)
    ran = connected.type("exports", "run", "--json")
    assert (ran.code, [row["state"] for row in json.loads(ran.out)]) == (2, ["review"])


@hookimpl
def refuse(self: object, entry: object) -> None:
    raise Rejected("The period is closed.", problems=("The period is closed.",))
