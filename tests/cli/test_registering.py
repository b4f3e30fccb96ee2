"""The journal register can be taken out: as CSV, with every line that was posted."""

from __future__ import annotations

import csv
import io

import pytest

from partsemble_core.cli import main


@pytest.fixture
def books(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:  # type: ignore[no-untyped-def]
    """The options of a company whose books are the register, with one receipt posted."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    at = ["--data-dir", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert main([*at, "init", "Shop", "--currency", "USD", "--email", "a@example.com", "--password-stdin"]) == 0
    assert main([*at, "product", "add", "BOLT", "Bolt"]) == 0
    assert main([*at, "supplier", "add", "ACM", "Acme"]) == 0
    assert main([*at, "exports", "register"]) == 1
    assert "error[no-register]" in capsys.readouterr().err
    assert main([*at, "connect", "csv_import"]) == 0
    for role, code in zip(
        ("receiving_debit", "receiving_credit", "build_debit", "build_credit"), (1300, 2100, 1310, 1300), strict=True
    ):
        assert main([*at, "accounts", "set", role, str(code)]) == 0
    assert main([*at, "receive", "--supplier", "ACM", "--on", "2026-01-05", "BOLT=10@1.25"]) == 0
    assert main([*at, "exports", "run"]) == 0
    capsys.readouterr()
    return at


def test_the_register_is_written_line_by_line(books: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*books, "exports", "register"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out.lstrip("\ufeff"))))
    assert [(row["Reference"], row["Account"].split()[0], row["Debit"], row["Credit"]) for row in rows] == [
        ("PSB-RCV-0001", "1300", "12.50", ""),
        ("PSB-RCV-0001", "2100", "", "12.50"),
    ]


def test_a_file_that_cannot_be_written_is_named(books: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*books, "exports", "register", "--out", "/nowhere/at/all.csv"]) == 1
    assert "/nowhere/at/all.csv can't be written" in capsys.readouterr().err


def test_a_person_is_let_in_with_a_role_and_only_with_a_known_one(
    books: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for role, status in (("builder", 0), ("owner", 1), ("king", 1)):
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
        typed = ["member", "add", f"{role}@example.com", "--role", role, "--name", "Bob", "--password-stdin"]
        assert main([*books, *typed]) == status
    said = capsys.readouterr()
    assert "builder@example.com may sign in as builder." in said.out
    assert said.err.count("error[invalid]") == 2
