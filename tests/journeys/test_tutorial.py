"""The tutorial is a program: every command in it runs, and prints what the page says."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from partsemble_core.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
REFUSED = "error["


@dataclass(frozen=True)
class Command:
    line: str
    says: tuple[str, ...]

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.line.rpartition("| partsemble ")[2] if "| " in self.line else self.line[11:])

    @property
    def typed(self) -> str:
        return shlex.split(self.line.partition(" | ")[0])[1] + "\n" if "| " in self.line else ""


def commands() -> list[Command]:
    found: list[Command] = []
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], ()))
            else:
                found[-1] = Command(found[-1].line, (*found[-1].says, line))
    return found


def words(text: str) -> str:
    """Table columns move with their widest cell; the words don't."""
    return " ".join(text.split())


def test_every_command_of_the_tutorial_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARTSEMBLE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.chdir(ROOT)
    run = commands()
    assert len(run) > 12
    for command in run:
        monkeypatch.setattr("sys.stdin", io.StringIO(command.typed))
        status = main(command.arguments)
        printed = capsys.readouterr()
        is_refused = any(said.startswith(REFUSED) for said in command.says)
        assert status == (1 if is_refused else 0), f"{command.line}: {printed.err}"
        for said in command.says:
            assert words(said) in words(printed.out + printed.err), command.line
