from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.cli import supplying
from partsemble_core.services.acting import Act
from partsemble_core.services.house import House
from partsemble_core.services.relating import Relation, relation_of
from partsemble_core.store.connections import Connection
from partsemble_core.store.database import open_engine, write_anywhere
from partsemble_core.store.syncs import RemoteContact
from partsemble_core.wiring import utc_now
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


def _with_contacts(shell: Shell) -> None:
    """Two contacts, as if they had been read from the connected books."""
    shell.done("connect", "qbo_stub", "--organisation", "9130-0001")
    shell.done("supplier", "add", "ACM", "Acme")
    engine = open_engine(shell.database_url)

    def read(session: sa.orm.Session) -> None:
        connection = session.scalars(sa.select(Connection)).one()
        for external_id, name in (("c1", "Acme Components"), ("c2", "Bolt & Nut Co")):
            session.add(
                RemoteContact(
                    company_id=connection.company_id,
                    connection_id=connection.id,
                    external_id=external_id,
                    name=name,
                    email="",
                    is_supplier=True,
                    is_customer=False,
                    is_gone=False,
                    synced_at=utc_now(),
                )
            )

    write_anywhere(engine, read)
    engine.dispose()


def test_a_supplier_is_linked_shown_and_unlinked(shell: Shell) -> None:
    _with_contacts(shell)
    linked = "In Sandbox Kits (US): linked, Acme Components.\n"
    assert shell.done("supplier", "link", "ACM", "c1") == f"Supplier ACM: {linked}"
    assert shell.done("supplier", "show", "ACM") == f"ACM Acme\n{linked}"
    assert "Acme Components" in shell.done("supplier", "list")
    gone = "Supplier ACM: Not linked to a contact of Sandbox Kits (US). The contact in the books stays.\n"
    assert shell.done("supplier", "unlink", "ACM") == gone
    assert shell.type("supplier", "link", "ACM", "c9").err.startswith("error[not-found]:")


def test_suppliers_are_made_of_contacts(shell: Shell) -> None:
    _with_contacts(shell)
    made = shell.done("supplier", "import", "c1", "c2=BNC")
    assert made == "2 suppliers created:\nACC Acme Components\nBNC Bolt & Nut Co\n"
    assert shell.type("supplier", "import", "c1").err.startswith(
        "error[conflict]: That contact is supplier ACC already."
    )
    assert shell.type("supplier", "import").code == 2


def test_a_contact_that_is_created_or_not_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_contacts(shell)
    shell.done("supplier", "link", "ACM", "c1")

    def linked(house: House, act: Act, company_id: int, supplier_id: int) -> Relation:
        with house.reading(company_id) as session:
            return relation_of(session, supplier_id)

    monkeypatch.setattr(supplying, "introduce", linked)
    assert shell.done("supplier", "create-contact", "ACM").endswith("linked, Acme Components.\n")
    shell.done("supplier", "unlink", "ACM")
    assert shell.type("supplier", "create-contact", "ACM").err.startswith("error[contact-not-linked]:")
