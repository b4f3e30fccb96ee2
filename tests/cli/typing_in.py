"""Typing commands in: in this process, and as a program of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from partsemble_core.cli import main

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command left: exit code and both outputs."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Shell:
    """A person at a terminal, on one database."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    database_url: str
    data_dir: Path

    def type(self, *words: str, answer: str = "") -> Typed:
        """Runs a command in this process; ``answer`` is what the person types when asked."""
        self.capsys.readouterr()
        self.monkeypatch.setattr("sys.stdin", _lines(answer))
        try:
            code = main([*words])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        read = self.capsys.readouterr()
        return Typed(code, read.out, read.err)

    def done(self, *words: str, answer: str = "") -> str:
        """The output of a command that succeeds."""
        typed = self.type(*words, answer=answer)
        assert typed.code == 0, typed.err
        return typed.out

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "PARTSEMBLE_DATA_DIR": str(self.data_dir), "PATH": "/usr/bin:/bin"}

    def run(self, *words: str, input_text: str = "") -> Typed:
        """Runs a command as a program."""
        done = subprocess.run(
            [sys.executable, "-m", "partsemble_core", *words],
            env=self.environment(),
            input=input_text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Typed(done.returncode, done.stdout, done.stderr)


def _lines(text: str) -> Any:
    class Lines:
        def readline(self) -> str:
            return text

    return Lines()
