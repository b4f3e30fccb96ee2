"""A place that can't be used is named, with what to do, before anything else happens."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from partsemble_core.cli import main


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "PARTSEMBLE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def said_by(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_an_address_with_a_bad_port_is_refused_without_showing_its_password(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = "postgresql" if name == "DATABASE_URL" else "redis"
    monkeypatch.setenv(name, f"{start}://me:se:cret@host:bad/x")
    said = said_by(["--data-dir", str(tmp_path), "migrate"], capsys)
    assert f"error[bad-setting]: {name}: has a bad port" in said
    assert "cret" not in said


def test_a_folder_that_cannot_be_made_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/dev/null can't be used" in said_by(["--data-dir", "/dev/null", "migrate"], capsys)


def test_a_file_that_is_no_database_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "partsemble.sqlite3").write_bytes(b"not a database, " * 100)
    assert "error[database-unreachable]" in said_by(["--data-dir", str(tmp_path), "migrate"], capsys)


def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert main(["--data-dir", str(tmp_path), "migrate"]) == 0
    assert (tmp_path / "partsemble.sqlite3").stat().st_mode & 0o077 == 0


def test_a_password_in_the_query_of_an_address_is_masked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://host/x?password=hidden")
    monkeypatch.setenv("REDIS_URL", "redis://host/0?password=hidden")
    assert main(["--data-dir", str(tmp_path), "config"]) == 0
    assert "hidden" not in capsys.readouterr().out


def test_a_delivery_with_the_same_heading_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--data-dir", str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert main([*at, "init", "Shop", "--currency", "USD", "--email", "a@example.com", "--password-stdin"]) == 0
    assert main([*at, "supplier", "add", "ACM", "Acme"]) == 0
    delivery = tmp_path / "delivery.csv"
    delivery.write_text("sku,sku,quantity,unit_cost\nA,B,1,1\n")
    assert "the same heading twice" in said_by([*at, "receive", "--supplier", "ACM", "--file", str(delivery)], capsys)
