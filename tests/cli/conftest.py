"""Fixtures: a terminal on an empty database, and one where a company was founded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typing_in import PASSWORD, Shell


@pytest.fixture
def new_shell(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Nothing but the schema."""
    shell = Shell(capsys, monkeypatch, database_url, tmp_path / "data")
    for name, value in shell.environment().items():
        if name != "PATH":
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("PARTSEMBLE_PLUGINS", "csv_import,qbo_stub")
    monkeypatch.setenv("REDIS_URL", "")
    return shell


@pytest.fixture
def shell(new_shell: Shell) -> Shell:
    """A company in US dollars, so that the register of csv_import can be connected."""
    new_shell.done(
        "init", "Acme Ltd", "--currency", "USD", "--email", "ann@acme.test", "--password-stdin", answer=f"{PASSWORD}\n"
    )
    return new_shell
