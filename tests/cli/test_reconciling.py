"""``partsemble reconcile`` and ``partsemble true-ups``: the exit code tells, and the lines say why."""

from __future__ import annotations

import json

import pytest

from tests.cli.typing_in import Shell

ROLES = {
    "receiving_debit": "1300",
    "receiving_credit": "2100",
    "build_debit": "1310",
    "build_credit": "1300",
    "rounding": "5900",
}


@pytest.fixture
def connected(shell: Shell) -> Shell:
    shell.done("connect", "csv_import")
    for role, code in ROLES.items():
        shell.done("accounts", "set", role, code)
    shell.done("product", "add", "PANEL", "Panel")
    shell.done("supplier", "add", "ACM", "Acme Parts")
    return shell


def test_the_exit_code_says_whether_the_books_agree(connected: Shell) -> None:
    connected.done("receive", "--supplier", "ACM", "PANEL=20@34.50")
    differs = connected.type("reconcile")
    assert (differs.code, "Not posted yet" in differs.out) == (1, True)
    assert "Journal register differs from stock by -690.00, of which 0.00 isn't explained." in differs.out
    connected.done("exports", "run")
    agrees = connected.type("reconcile", "--json")
    assert agrees.code == 0
    said = json.loads(agrees.out)
    assert (said["verdict"], said["stock"], said["books"], said["remainder"]) == ("agrees", "690", "690", "0")
    offline = connected.type("reconcile", "--offline")
    assert (offline.code, "The books weren't asked." in offline.out) == (2, True)
    refused = connected.type("reconcile", "--on", "2999-01-01")
    assert (refused.code, refused.err.startswith("error[invalid]:")) == (3, True)
    assert connected.type("--company", "nobody", "reconcile").code == 3


def test_without_books_it_can_not_tell(shell: Shell) -> None:
    typed = shell.type("reconcile")
    assert (typed.code, "No books are connected" in typed.out) == (2, True)


def test_rounding_is_trued_up_and_taken_back(connected: Shell) -> None:
    for _ in range(3):
        connected.done("receive", "--supplier", "ACM", "PANEL=1@1.004")
    assert connected.type("true-ups", "make", "--yes").err.startswith("error[nothing-to-true-up]:")
    connected.done("exports", "run")
    assert connected.done("true-ups", "make", answer="y\n").endswith("PSB-TRU-0001 goes out: 0.01 to stock.\n")
    connected.done("exports", "run")
    [row] = connected.type("true-ups", "list", "--json").json
    assert (row["reference"], row["amount"], row["state"]) == ("PSB-TRU-0001", "0.01", "posted")
    assert connected.type("reconcile").code == 0
    assert connected.type("true-ups", "reverse", "PSB-TRU-0009", "--reason", "x", "--yes").err.startswith(
        "error[not-found]:"
    )
    assert "PSB-TRU-0002 goes out" in connected.done("true-ups", "reverse", "psb-tru-0001", "--reason", "x", "--yes")
    connected.done("exports", "run")
    assert connected.type("doctor").code == 0
