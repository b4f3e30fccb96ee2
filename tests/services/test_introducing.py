"""Suppliers become contacts in Xero, once, whatever is lost on the way: the sandbox's own list is the judge."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import NotFound, WrongState
from partsemble_core.plugin_api import ContactOutcome, OutcomeUnknown, RetryLater
from partsemble_core.services import introducing
from partsemble_core.services.cataloguing import create_supplier
from partsemble_core.services.introducing import OVERWRITTEN, UNDER_WAY, BooksWithoutContacts, introduce
from partsemble_core.services.listing import ListQuery, list_contacts, list_suppliers
from partsemble_core.services.relating import Relation, link_supplier, relation_of, unlink_supplier
from partsemble_core.services.supplying import update_supplier
from partsemble_core.services.syncing import NotConnected, run_sync
from partsemble_core.store.connections import ConnectionState
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.supplier_contacts import SupplierContact
from partsemble_core.store.syncs import SyncCause, SyncRun
from tests.faults.xero_stage import ORGANISATION, XeroStage, a_xero_stage
from tests.services.shelf import a_shelf

PUT = "PUT /api.xro/2.0/Contacts"


@pytest.fixture
def stage(engine: sa.Engine, tmp_path: Path) -> Iterator[XeroStage]:
    with a_xero_stage(engine, tmp_path) as stage:
        stage.connect()
        yield stage


def supplier(stage: XeroStage, name: str, *, code: str = "NEW", email: str = "") -> int:
    made: Supplier = stage.shop.write(
        lambda session: create_supplier(session, stage.act, code=code, name=name, email=email)
    )
    return made.id


def push(stage: XeroStage, supplier_id: int) -> Relation:
    return introduce(stage.house, stage.act, stage.company_id, supplier_id)


def relation(stage: XeroStage, supplier_id: int) -> Relation:
    with stage.shop.reading() as session:
        return relation_of(session, supplier_id)


def sync(stage: XeroStage) -> SyncRun:
    connection_id = stage.connection().id
    return run_sync(
        stage.house, stage.company_id, connection_id, "contacts", cause=SyncCause.COMMAND, by="ann@example.com"
    )


def named(stage: XeroStage, name: str) -> list[dict[str, object]]:
    return [each for each in stage.sandbox.contacts(ORGANISATION) if each["name"] == name]


def puts(stage: XeroStage) -> int:
    return sum(1 for each in stage.sandbox.requests() if (each["method"], each["path"][-9:]) == ("PUT", "/Contacts"))


@pytest.mark.parametrize("name", ["Mill & Sons", 'The "Ø" — Müller \\ 部品'])
def test_a_supplier_becomes_a_contact_and_is_linked(stage: XeroStage, name: str) -> None:
    found = push(stage, supplier_id := supplier(stage, name, email="orders@mill.example"))
    (contact,) = named(stage, name)
    assert (found.state, found.external_id, found.contact_name, found.message) == (
        "linked",
        contact["contact_id"],
        name,
        "",
    )
    key = stage.shop.rows(sa.select(SupplierContact.key))[0]
    assert contact["contact_number"] == f"PSB-S-{supplier_id}-{key}"
    assert (contact["email"], found.link and found.link.changed_by) == ("orders@mill.example", "ann@example.com")
    assert sync(stage).changed == 0, "what was kept by hand is as it is read"
    again = push(stage, supplier_id)
    assert (again.state, again.external_id) == ("linked", contact["contact_id"]), "done again it changes nothing"
    assert puts(stage) == 1


@pytest.mark.parametrize("kind", ["close-after", "cut", "html"])
def test_a_lost_answer_is_found_again_and_makes_no_second_contact(stage: XeroStage, kind: str) -> None:
    supplier_id = supplier(stage, "Lost Parts")
    stage.sandbox.add_fault(PUT, kind=kind)
    with pytest.raises(OutcomeUnknown):
        push(stage, supplier_id)
    waiting = relation(stage, supplier_id)
    assert waiting.state == "pending"
    assert waiting.message != UNDER_WAY
    stage.sandbox.advance(600)
    assert push(stage, supplier_id).external_id == named(stage, "Lost Parts")[0]["contact_id"]
    assert (len(named(stage, "Lost Parts")), puts(stage)) == (1, 1)


def test_a_process_that_dies_after_sending_leaves_what_the_next_one_needs(
    stage: XeroStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier_id = supplier(stage, "Died Parts")
    with monkeypatch.context() as patch:
        patch.setattr(introducing, "_settle", _die)
        with pytest.raises(KeyboardInterrupt):
            push(stage, supplier_id)
    assert (relation(stage, supplier_id).state, relation(stage, supplier_id).message) == ("pending", UNDER_WAY)
    assert push(stage, supplier_id).state == "linked"
    assert (len(named(stage, "Died Parts")), puts(stage)) == (1, 1)


def _die(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_name_that_is_taken_is_a_conflict_and_a_person_links_it(stage: XeroStage) -> None:
    before = stage.sandbox.contacts(ORGANISATION)
    found = push(stage, supplier_id := supplier(stage, "ACME components"))
    (acme,) = named(stage, "Acme Components")
    assert (found.state, found.external_id) == ("conflict", acme["contact_id"])
    assert found.message == (
        "A contact named Acme Components is in Xero already, and it isn't ours. Link to it, or rename the supplier."
    )
    assert stage.sandbox.contacts(ORGANISATION) == before
    linked = stage.shop.write(
        lambda session: link_supplier(session, stage.act, supplier_id, external_id=str(acme["contact_id"]))
    )
    assert (linked.state, linked.message) == ("linked", ""), "its contact was never read, and need not be"
    sync(stage)
    assert relation(stage, supplier_id).contact_name == "Acme Components"


def test_a_supplier_that_is_renamed_after_a_conflict_is_created(stage: XeroStage) -> None:
    push(stage, supplier_id := supplier(stage, "Old Foundry Ltd"))
    assert "is archived in Xero" in relation(stage, supplier_id).message
    stage.shop.write(lambda session: update_supplier(session, stage.act, supplier_id, name="New Foundry Ltd"))
    assert push(stage, supplier_id).state == "linked"
    assert len(named(stage, "New Foundry Ltd")) == 1


def test_what_xero_refuses_is_told_in_its_words(stage: XeroStage) -> None:
    found = push(stage, supplier_id := supplier(stage, "A <b>"))
    assert (found.state, found.external_id) == ("refused", "")
    assert found.message.startswith("Xero refused it: The contact name cannot hold angle brackets")
    stage.shop.write(lambda session: update_supplier(session, stage.act, supplier_id, name="A and B"))
    assert push(stage, supplier_id).state == "linked"


def test_an_answer_with_a_contact_that_was_there_before_is_no_success(
    stage: XeroStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(stage)
    theirs = str(named(stage, "Acme Components")[0]["contact_id"])

    def answer(house: object, intent: introducing._Introduction) -> ContactOutcome:
        return ContactOutcome(local_id=intent.contact.local_id or "", outcome="created", external_id=theirs)

    monkeypatch.setattr(introducing, "_ask", answer)
    found = push(stage, supplier(stage, "Something else"))
    assert (found.state, found.external_id, found.message) == ("conflict", theirs, OVERWRITTEN)


def test_unlinked_and_created_again_is_the_same_contact(stage: XeroStage) -> None:
    first = push(stage, supplier_id := supplier(stage, "Mill & Sons"))
    gone = stage.shop.write(lambda session: unlink_supplier(session, stage.act, supplier_id))
    assert (gone.state, gone.external_id) == ("not linked", "")
    assert push(stage, supplier_id).external_id == first.external_id
    assert puts(stage) == 1


def test_a_limit_pauses_the_books_and_nothing_is_sent_meanwhile(stage: XeroStage) -> None:
    supplier_id = supplier(stage, "Patient Parts")
    stage.sandbox.add_fault("GET /api.xro/2.0/Contacts*", kind="status", status=429)
    with pytest.raises(RetryLater):
        push(stage, supplier_id)
    with pytest.raises(WrongState, match="is left alone until"):
        push(stage, supplier_id)
    assert puts(stage) == 0


def test_a_token_that_is_refused_is_renewed_once(stage: XeroStage) -> None:
    supplier_id = supplier(stage, "Fresh Parts")
    stage.sandbox.advance(1900)
    stage.age()
    assert push(stage, supplier_id).state == "linked"


def test_books_that_are_not_there_or_can_not_are_said_so(engine: sa.Engine, tmp_path: Path, stage: XeroStage) -> None:
    supplier_id = supplier(stage, "Nobody")
    stage.shop.write(lambda session: session.execute(sa.update(type(stage.connection())).values(state="disconnected")))
    with pytest.raises(NotConnected):
        push(stage, supplier_id)
    shelf = a_shelf(engine, tmp_path)
    made = shelf.shop.write(lambda session: create_supplier(session, shelf.shop.act, code="NEW", name="New"))
    with pytest.raises(BooksWithoutContacts, match="QuickBooks Online"):
        introduce(shelf.house, shelf.shop.act, shelf.company_id, made.id)
    with pytest.raises(NotFound):
        introduce(shelf.house, shelf.shop.act, shelf.company_id, supplier_id)


def test_a_sign_in_that_has_ended_is_said_so(stage: XeroStage) -> None:
    supplier_id = supplier(stage, "Nobody")
    ended = sa.update(type(stage.connection())).values(state=ConnectionState.RECONNECT_NEEDED.value)
    stage.shop.write(lambda session: session.execute(ended))
    with pytest.raises(WrongState, match="Reconnect it"):
        push(stage, supplier_id)


def test_a_hundred_and_twenty_contacts_are_read_and_lists_tell_the_links(stage: XeroStage) -> None:
    for number in range(120):
        stage.sandbox.add_contact(ORGANISATION, f"Contact {number:03}", is_supplier=number % 2 == 0)
    push(stage, supplier_id := supplier(stage, "Mill & Sons"))
    run = sync(stage)
    assert (run.state, run.message, run.records, run.added, run.gone) == ("done", "", 127, 125, 0)
    with stage.shop.reading() as session:
        linked = list_contacts(session, ListQuery(filters={"linked": "linked"}))
        others = list_contacts(session, ListQuery(filters={"linked": "not linked", "role": "supplier"}))
        suppliers = list_suppliers(session, ListQuery(filters={"link": "linked"}))
        left = list_suppliers(session, ListQuery(filters={"link": "not linked"}))
    assert [(row["name"], row["supplier_code"], row["supplier_id"]) for row in linked.rows] == [
        ("Mill & Sons", "NEW", supplier_id)
    ]
    assert others.total == 63
    assert [(row["code"], row["link"], row["link_name"]) for row in suppliers.rows] == [
        ("NEW", "linked", "Mill & Sons")
    ]
    assert [row["code"] for row in left.rows] == ["ACM"]


def test_archived_and_merged_contacts_are_followed(stage: XeroStage) -> None:
    first, second = supplier(stage, "First", code="ONE"), supplier(stage, "Second", code="TWO")
    one, two = push(stage, first).external_id, push(stage, second).external_id
    target = stage.sandbox.add_contact(ORGANISATION, "Target")
    last = stage.sandbox.add_contact(ORGANISATION, "Last")
    stage.sandbox.change_contact(ORGANISATION, two, status="ARCHIVED")
    stage.sandbox.change_contact(ORGANISATION, one, merged_into=target)
    stage.sandbox.change_contact(ORGANISATION, target, merged_into=last)
    assert sync(stage).gone == 2
    assert (relation(stage, first).state, relation(stage, first).contact_name) == ("linked", "Last")
    assert (relation(stage, second).state, relation(stage, second).contact_name) == ("gone", "Second")
    with stage.shop.reading() as session:
        rows = list_suppliers(session, ListQuery(filters={"link": "gone"})).rows
    assert [(row["code"], row["link"]) for row in rows] == [("TWO", "gone")]
    stage.sandbox.change_contact(ORGANISATION, two, status="ACTIVE")
    sync(stage)
    assert relation(stage, second).state == "linked"


def test_two_suppliers_of_one_merged_contact_are_shown_once_in_its_list(stage: XeroStage) -> None:
    first, second = supplier(stage, "First", code="ONE"), supplier(stage, "Second", code="TWO")
    one, two = push(stage, first).external_id, push(stage, second).external_id
    stage.sandbox.change_contact(ORGANISATION, one, merged_into=two)
    sync(stage)
    with stage.shop.reading() as session:
        rows = list_contacts(session, ListQuery(filters={"linked": "linked"})).rows
    assert [(row["name"], row["supplier_code"]) for row in rows] == [("Second", "ONE")]
    assert relation(stage, first).external_id == relation(stage, second).external_id == two


def test_the_scope_that_is_missing_stops_no_export(stage: XeroStage, tmp_path: Path) -> None:
    supplier_id = supplier(stage, "Nobody")
    stage.sandbox.add_fault("GET /api.xro/2.0/Contacts*", kind="status", status=403)
    with pytest.raises(Exception, match="doesn't let us"):
        push(stage, supplier_id)
    assert stage.connection().state == ConnectionState.ACTIVE
    assert relation(stage, supplier_id).state == "pending"


def test_nothing_is_open_in_the_database_while_xero_is_asked(stage: XeroStage, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    ask = introducing._ask

    def watched(house: object, intent: object) -> ContactOutcome:
        stage.shop.write(lambda session: session.execute(sa.update(Supplier).values(phone="5550100")))
        seen.append(relation(stage, supplier_id).state)
        return ask(house, intent)  # type: ignore[arg-type]

    supplier_id = supplier(stage, "Watched")
    monkeypatch.setattr(introducing, "_ask", watched)
    assert push(stage, supplier_id).state == "linked"
    assert seen == ["pending"], "the row is there before anything is sent"


def test_a_link_by_hand_meanwhile_stays(stage: XeroStage, monkeypatch: pytest.MonkeyPatch) -> None:
    sync(stage)
    acme = str(named(stage, "Acme Components")[0]["contact_id"])
    ask = introducing._ask
    supplier_id = supplier(stage, "Hand Made")

    def slow(house: object, intent: object) -> ContactOutcome:
        outcome = ask(house, intent)  # type: ignore[arg-type]
        stage.shop.write(lambda session: link_supplier(session, stage.act, supplier_id, external_id=acme))
        return dataclasses.replace(outcome)

    monkeypatch.setattr(introducing, "_ask", slow)
    assert push(stage, supplier_id).external_id == acme
