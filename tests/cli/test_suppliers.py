from __future__ import annotations

from tests.cli.typing_in import Shell


def test_a_supplier_is_shown_and_changed(shell: Shell) -> None:
    shell.done("supplier", "add", "ACM", "Acme")
    changed = shell.done("supplier", "set", "ACM", "--email", "a@acme.test", "--name", "Acme Ltd")
    assert changed == "Supplier ACM (Acme Ltd) is changed: name, email.\n"
    assert shell.done("supplier", "show", "ACM") == "ACM Acme Ltd · a@acme.test\nNo books are connected.\n"
    shell.done("supplier", "set", "ACM", "--deactivate", "--code", "NEW")
    shown = shell.type("supplier", "show", "NEW", "--json").json
    assert (shown["name"], shown["is_active"], shown["link"]) == ("Acme Ltd", False, "not linked")
    assert shell.type("supplier", "set", "NEW").err.startswith("error[invalid]: Say what to change")
    assert shell.type("supplier", "set", "NEW", "--code", "x").err.rstrip().endswith("(code)")
    assert shell.type("supplier", "show", "ACM").err.startswith("error[not-found]:")


def test_without_books_nothing_is_linked(shell: Shell) -> None:
    shell.done("supplier", "add", "ACM", "Acme")
    for words in (["create-contact", "ACM"], ["link", "ACM", "c1"], ["unlink", "ACM"], ["import", "c1"]):
        typed = shell.type("supplier", *words)
        assert (typed.code, typed.err.split(":")[0]) == (1, "error[not-connected]"), words


def test_books_without_contacts_are_named(shell: Shell) -> None:
    shell.done("connect", "qbo_stub", "--organisation", "9130-0001")
    shell.done("supplier", "add", "ACM", "Acme")
    typed = shell.type("supplier", "create-contact", "ACM")
    assert typed.err.startswith("error[books-without-contacts]: QuickBooks Online (stub) can't be given contacts.")
    assert "Not linked to a contact of Sandbox Kits (US)." in shell.done("supplier", "show", "ACM")
