"""Fixtures of the command line, for whole lives that begin there."""

from __future__ import annotations

from tests.cli.conftest import new_shell

__all__ = ["new_shell"]
