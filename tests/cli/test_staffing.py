from __future__ import annotations

from tests.cli.typing_in import PASSWORD, Shell


def test_people_are_added_changed_and_shut_out(shell: Shell) -> None:
    shell.done(
        "member", "add", "bob@acme.test", "--role", "viewer", "--name", "Bob", "--password-stdin", answer=PASSWORD
    )
    assert "accountant now" in shell.done("member", "role", "bob@acme.test", "accountant")
    assert shell.type("member", "deactivate", "bob@acme.test", answer="n\n").code == 1
    shell.done("member", "deactivate", "bob@acme.test", "--yes")
    rows = {row["email"]: (row["role"], row["state"]) for row in shell.type("member", "list", "--json").json}
    assert rows == {"ann@acme.test": ("owner", "active"), "bob@acme.test": ("accountant", "inactive")}
    shell.done("member", "reactivate", "bob@acme.test")
    assert "0 sign-ins ended." in shell.done("member", "sign-out", "bob@acme.test")
    shell.done("member", "password", "bob@acme.test", "--password-stdin", answer="another horse battery\n")
    shell.done("member", "own", "bob@acme.test", "--yes")
    rows = {row["email"]: row["role"] for row in shell.type("member", "list", "--json").json}
    assert rows == {"ann@acme.test": "admin", "bob@acme.test": "owner"}
    assert shell.type("member", "deactivate", "bob@acme.test", "--yes").err.startswith("error[conflict]")
    assert shell.type("member", "role", "nobody@acme.test", "viewer").err.startswith("error[not-found]")
    assert shell.type("member", "sign-ins", "--json").json == []


def test_a_link_is_shown_where_no_mail_is_sent(shell: Shell) -> None:
    typed = shell.done("member", "invite", "nora@acme.test", "--role", "builder")
    assert "http://localhost:8000/join#" in typed
    code = typed.split("#")[1].strip()
    assert code not in shell.done("audit")


def test_who_was_deactivated_is_given_no_token(shell: Shell) -> None:
    shell.done(
        "member", "add", "bob@acme.test", "--role", "viewer", "--name", "Bob", "--password-stdin", answer=PASSWORD
    )
    shell.done("member", "deactivate", "bob@acme.test", "--yes")
    refused = shell.type("token", "add", "scripts", "--email", "bob@acme.test")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error[wrong-state]: bob@acme.test was deactivated")
    assert "Reactivate" in refused.err
    shell.done("member", "reactivate", "bob@acme.test")
    assert shell.done("token", "add", "scripts", "--email", "bob@acme.test").strip()
