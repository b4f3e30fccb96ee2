"""The demo's console is named by the address that a sign-in at Xero comes back to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from partsemble_core import demo
from partsemble_core.embedded_valkey import free_port


def test_the_console_is_named_as_the_redirect_address_is(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    house = SimpleNamespace(settings=None)
    stage: Any = SimpleNamespace(house=house, sandbox_url="http://127.0.0.1:9")
    sign_ins = (("maker@example.com", "one"), ("prover@example.com", "two"))
    demo._serve(stage, lambda settings, house: Flask("demo"), port=port, sign_ins=sign_ins, wait=lambda: None)
    said = capsys.readouterr().out
    assert f"Console   http://localhost:{port}   sign in as maker@example.com" in said
    assert f"127.0.0.1:{port}" not in said
