from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core import config
from partsemble_core.cli import build_parser
from partsemble_core.cli.running import invite_founder
from partsemble_core.services.admitting import find_token_holder, sign_in
from partsemble_core.store.companies import Role
from partsemble_core.store.database import open_engine, reading_anywhere
from tests.cli.typing_in import PASSWORD, Shell

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_company_is_founded_and_its_owner_can_sign_in(shell: Shell) -> None:
    engine = open_engine(shell.database_url.replace("postgresql://", "postgresql+psycopg://"))
    with reading_anywhere(engine) as session:
        person = sign_in(session, email="ann@acme.test", password=PASSWORD)
    engine.dispose()
    assert (person.role, person.company_id) == (Role.OWNER, 1)


@SQLITE
@pytest.mark.parametrize(
    ("words", "answer", "field"),
    [
        (["Acme", "--currency", "dollars", "--email", "a@b.c"], PASSWORD, "currency"),
        (["Acme", "--currency", "USD", "--email", "nobody"], PASSWORD, "email"),
        (["Acme", "--currency", "USD", "--email", "a@b.c"], "short", "password"),
        (["Acme", "--currency", "USD", "--email", "a@b.c"], "", "password"),
        (["Acme", "--currency", "USD", "--email", "a@b.c", "--timezone", "Mars"], PASSWORD, "timezone"),
        (["", "--currency", "USD", "--email", "a@b.c"], PASSWORD, "name"),
    ],
)
def test_what_can_not_be_founded_is_refused_by_field(
    new_shell: Shell, words: list[str], answer: str, field: str
) -> None:
    typed = new_shell.type("init", *words, "--password-stdin", answer=answer)
    assert typed.code == 1
    assert re.fullmatch(rf"error\[invalid\]: .+\. \({field}\)\n", typed.err)


@SQLITE
def test_a_password_is_asked_for_twice_and_never_echoed(new_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["init", "Acme", "--currency", "USD", "--email", "a@b.c"]
    answers = iter([PASSWORD, "another one here", PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    assert new_shell.type(*words).err.startswith("error[invalid]: The two passwords differ.")
    assert PASSWORD not in new_shell.done(*words)


@SQLITE
def test_a_command_needs_a_company_and_says_how_to_get_one(new_shell: Shell) -> None:
    typed = new_shell.type("product", "list")
    assert (typed.code, typed.err[:27]) == (1, "error[company-not-chosen]: ")
    assert "partsemble init" in typed.err


@SQLITE
def test_with_two_companies_the_one_meant_has_to_be_named(shell: Shell) -> None:
    second = ["init", "Bolt Ltd", "--currency", "NZD", "--email", "bob@bolt.test", "--password-stdin"]
    shell.done(*second, answer=PASSWORD)
    assert "1 (Acme Ltd), 2 (Bolt Ltd)" in shell.type("product", "list").err
    shell.done("product", "add", "A-1", "Ours", "--company", "1")
    shell.done("--company", "bolt ltd", "product", "add", "B-1", "Theirs")
    assert [row["sku"] for row in shell.type("product", "list", "--json", "--company", "Bolt Ltd").json] == ["B-1"]
    assert "no company '3'" in shell.type("product", "list", "--company", "3").err


def test_a_token_is_shown_once_and_opens_the_company_of_its_member(shell: Shell) -> None:
    typed = shell.type("token", "add", "cron")
    token = typed.out.strip()
    assert token.startswith("psb_live_")
    assert token not in typed.err
    engine = open_engine(shell.database_url.replace("postgresql://", "postgresql+psycopg://"))
    with reading_anywhere(engine) as session:
        holder = find_token_holder(session, token, now=dt.datetime.now(dt.UTC))
    engine.dispose()
    assert holder is not None
    assert (holder.role, holder.by) == (Role.OWNER, "ann@acme.test (token cron)")
    assert shell.type("token", "add", "x", "--email", "nobody@acme.test").err.startswith("error[not-found]:")


@SQLITE
def test_the_settings_are_shown_without_a_secret(
    new_shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = ("s" * 40, "hidden-client", "hidden-db", "hidden-queue")
    monkeypatch.setenv("PARTSEMBLE_SECRET_KEY", secrets[0])
    monkeypatch.setenv("PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET", secrets[1])
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me:{secrets[2]}@db.test/psb")
    monkeypatch.setenv("REDIS_URL", f"redis://:{secrets[3]}@queue.test/0")
    shown = new_shell.done("config") + new_shell.done("config", "--json")
    assert not [secret for secret in secrets if secret in shown]
    assert "PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET  ***" in shown
    assert "db.test/psb" in shown


@SQLITE
def test_a_bad_setting_is_refused_by_name(new_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTSEMBLE_LEASE_SECONDS", "soon")
    typed = new_shell.type("config")
    assert (typed.code, typed.err[:47]) == (1, "error[bad-setting]: PARTSEMBLE_LEASE_SECONDS: m")


def test_a_database_that_does_not_answer_is_told_from_a_fault(
    new_shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    wrong = (
        "postgresql://nobody@127.0.0.1:1/none" if "postgresql" in new_shell.database_url else f"sqlite:///{tmp_path}"
    )
    monkeypatch.setenv("DATABASE_URL", wrong)
    typed = new_shell.type("product", "list")
    assert (typed.code, typed.err[:28]) == (1, "error[database-unreachable]:")


def test_a_command_brings_an_empty_database_up_to_date(
    empty_database_url: str, new_shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert new_shell.type("product", "list").err.startswith("error[company-not-chosen]")
    assert new_shell.done("migrate") == "The database has the newest schema.\n"
    engine = open_engine(empty_database_url.replace("postgresql://", "postgresql+psycopg://"))
    assert "stock_entries" in sa.inspect(engine).get_table_names()
    engine.dispose()


@SQLITE
@pytest.mark.parametrize("words", [[], ["nonsense"], ["build"], ["product"], ["serve", "--port", "0"]])
def test_wrong_usage_is_told_apart_from_a_refusal(new_shell: Shell, words: list[str]) -> None:
    typed = new_shell.type(*words)
    assert typed.code == 2
    assert typed.err.startswith("usage: partsemble")


@SQLITE
@pytest.mark.parametrize("command", ["worker", "schedule"])
def test_what_needs_a_queue_says_so(new_shell: Shell, command: str) -> None:
    typed = new_shell.type(command)
    assert (typed.code, typed.err[:22]) == (1, "error[service-failed]:")
    assert "REDIS_URL" in typed.err


@SQLITE
def test_it_runs_as_a_program(new_shell: Shell) -> None:
    words = ["init", "Acme", "--currency", "NZD", "--email", "a@b.c", "--password-stdin"]
    founded = new_shell.run(*words, input_text=f"{PASSWORD}\n")
    assert (founded.code, founded.err) == (0, "")
    refused = new_shell.run("bom", "show", "NONE")
    assert (refused.code, refused.out, refused.err[:18]) == (1, "", "error[not-found]: ")


def test_a_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["build", "--help"])
    assert "--preview" in capsys.readouterr().out


def test_a_token_is_narrowed_listed_and_revoked(shell: Shell) -> None:
    token = shell.type("token", "add", "cron", "--role", "viewer", "--days", "30").out.strip()
    assert shell.type("token", "add", "x", "--role", "king").err.startswith("error[invalid]:")
    assert shell.type("token", "add", "x", "--days", "0").err.startswith("error[invalid]:")
    (row,) = shell.type("token", "list", "--json").json
    assert (row["name"], row["role"], row["state"], row["used_at"]) == ("cron", "viewer", "active", None)
    assert token not in shell.done("token", "list")
    assert "revoked" in shell.done("token", "revoke", str(row["id"]), "--yes")
    assert [row["state"] for row in shell.type("token", "list", "--json").json] == ["revoked"]
    assert shell.type("token", "revoke", "99", "--yes").err.startswith("error[not-found]:")


def test_a_set_up_code_is_made_while_there_is_no_company(shell: Shell) -> None:
    assert shell.type("set-up-code").err.startswith("error[set-up-over]:")


def test_a_set_up_code_comes_with_its_address(new_shell: Shell) -> None:
    first, second = new_shell.done("set-up-code"), new_shell.done("set-up-code")
    assert "http://localhost:8000/set-up#" in first
    assert first != second


@SQLITE
def test_whoever_serves_an_empty_installation_reads_how_to_found_it(
    new_shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    new_shell.done("migrate")
    settings = config.load(new_shell.environment())
    invite_founder(settings)
    printed = capsys.readouterr().out
    assert "No company yet. Found it at http://localhost:8000/set-up#" in printed
    code = printed.split("#")[1].split()[0]
    assert f"set-up code {code}" in printed
    new_shell.done(
        "init", "Acme Ltd", "--currency", "NZD", "--email", "a@acme.test", "--password-stdin", answer=PASSWORD
    )
    invite_founder(settings)
    assert capsys.readouterr().out == ""
