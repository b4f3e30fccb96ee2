"""Keys and settings from the command line: a whole rotation, and a secret that is never an argument."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typing_in import PASSWORD, Shell


@pytest.fixture
def xero_shell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("PARTSEMBLE_PLUGINS", "csv_import,qbo_stub,xero")
    shell.done("backend", "set", "xero", "client_secret", "--value-stdin", answer="A-SECRET-OF-IT\n")
    return shell


def test_settings_are_entered_shown_without_secrets_and_removed(xero_shell: Shell) -> None:
    xero_shell.done("backend", "set", "xero", "client_id", "--value-stdin", answer="AN-APP\n")
    shown = xero_shell.done("backend", "show", "xero")
    assert "AN-APP" in shown
    assert "A-SECRET-OF-IT" not in shown
    rows = {row["name"]: row for row in xero_shell.type("backend", "show", "xero", "--json").json}
    assert rows["client_secret"] == {
        "name": "client_secret",
        "source": "console",
        "value": "***",
        "variable": "PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET",
    }
    assert xero_shell.type("backend", "unset", "xero", "client_id", answer="n\n").code == 1
    xero_shell.done("backend", "unset", "xero", "client_id", "--yes")
    assert "AN-APP" not in xero_shell.done("backend", "show", "xero")
    assert (
        "error[invalid]"
        in xero_shell.type("backend", "set", "xero", "token_url", "--value-stdin", answer="https://x.example\n").err
    )


def test_a_number_of_calls_that_cant_be_is_refused_and_stops_the_start(
    xero_shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = xero_shell.type("backend", "set", "xero", "daily_calls", "--value-stdin", answer="-5\n")
    assert refused.code == 1
    assert "Calls a day is a whole number from 10 to 1,000,000" in refused.err
    monkeypatch.setenv("PARTSEMBLE_PLUGIN_XERO_DAILY_CALLS", "abc")
    stopped = xero_shell.type("backend", "show", "xero")
    assert "error[bad-setting]: PARTSEMBLE_PLUGIN_XERO_DAILY_CALLS: must be a whole number" in stopped.err


def test_a_key_is_replaced_step_by_step_and_never_too_early(xero_shell: Shell) -> None:
    assert xero_shell.type("keys", "list", "--json").json == [{"name": "k1", "seals": "yes", "secrets": 1}]
    assert "k2 is the first key now" in xero_shell.done("keys", "add")
    assert "Secrets are sealed with: k1 (1)." in xero_shell.done("doctor")
    refused = xero_shell.type("keys", "remove", "k1", "--yes")
    assert "error[key-needed]" in refused.err
    assert "k1 is needed to open 1 of the secrets" in refused.err
    assert "1 secret sealed anew with k2." in xero_shell.done("keys", "rotate")
    assert "Secrets are sealed with: k2 (1)." in xero_shell.done("doctor")
    assert xero_shell.type("keys", "remove", "k1", answer="n\n").code == 1
    xero_shell.done("keys", "remove", "k1", "--yes")
    assert xero_shell.type("keys", "list", "--json").json == [{"name": "k2", "seals": "yes", "secrets": 1}]
    assert "error[key-needed]" in xero_shell.type("keys", "remove", "k2", "--yes").err
    assert "k3 is the first key now" in xero_shell.done("keys", "add"), "k1 is never another key"
    assert "Every law holds." in xero_shell.done("doctor")
    kept = xero_shell.data_dir / "keys"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_lost_key_is_named_by_the_doctor_the_list_and_the_rotation(
    xero_shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTSEMBLE_KEYS", "k7:" + "A" * 43 + "=")
    doctor = xero_shell.type("doctor")
    assert doctor.code == 1
    assert "seal: backend_settings 1: value_sealed can't be opened" in doctor.out
    listed = xero_shell.type("keys", "list")
    assert (listed.code, "missing" in listed.out) == (1, True)
    assert xero_shell.type("keys", "rotate").code == 1
    assert "error[bad-setting]" in xero_shell.type("keys", "add").err


def test_the_name_of_a_key_that_secrets_need_is_not_given_again(xero_shell: Shell) -> None:
    xero_shell.done("keys", "add")
    xero_shell.done("keys", "rotate")
    kept = xero_shell.data_dir / "keys"
    kept.write_text(kept.read_text().split(",")[1])
    assert "k3 is the first key now" in xero_shell.done("keys", "add"), "k2 is lost, yet a secret is sealed with it"


def test_settings_are_for_all_companies_and_need_none_named(new_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTSEMBLE_PLUGINS", "csv_import,qbo_stub,xero")
    new_shell.done("backend", "set", "xero", "client_id", "--value-stdin", answer="BEFORE-ANY\n")
    for name, email in (("Acme Ltd", "ann@acme.test"), ("Zeta Ltd", "zoe@zeta.test")):
        words = ("init", name, "--currency", "USD", "--email", email, "--password-stdin")
        new_shell.done(*words, answer=f"{PASSWORD}\n")
    assert "BEFORE-ANY" in new_shell.done("backend", "show", "xero")
    new_shell.done("backend", "set", "xero", "client_id", "--value-stdin", answer="AN-APP\n")
    assert "AN-APP" in new_shell.done("backend", "show", "xero")
    new_shell.done("backend", "unset", "xero", "client_id", "--yes")
    assert "AN-APP" not in new_shell.done("backend", "show", "xero")


def test_the_environments_keys_are_its_own(xero_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Path(xero_shell.data_dir / "keys").read_text().strip()
    monkeypatch.setenv("PARTSEMBLE_KEYS", "k2:" + "A" * 43 + f"=,{old}")
    xero_shell.done("keys", "rotate")
    told = xero_shell.type("keys", "remove", "k1", "--yes")
    assert "Take it out of PARTSEMBLE_KEYS" in told.err
    assert (xero_shell.data_dir / "keys").read_text().strip() == old
