"""Suppliers are changed, linked to contacts that were read, and made of them: on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound, WrongState
from partsemble_core.plugin_api import Contact
from partsemble_core.services.cataloguing import create_supplier
from partsemble_core.services.enlisting import Choice, contacts_by_id, enlist, propose
from partsemble_core.services.relating import Relation, link_supplier, relation_of, unlink_supplier
from partsemble_core.services.supplying import update_supplier
from partsemble_core.services.syncing import NotConnected
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.supplier_contacts import SupplierContact
from tests.services.makers import Shop, a_shop
from tests.services.shelf import Shelf, a_shelf


def contact(external_id: str, name: str, **more: object) -> Contact:
    return Contact(local_id=None, external_id=external_id, name=name, **more)  # type: ignore[arg-type]


@pytest.fixture
def shelf(engine: sa.Engine, tmp_path: Path) -> Shelf:
    """Four contacts: two fit for suppliers, a customer, an archived one."""
    made = a_shelf(engine, tmp_path)
    made.backend.contacts = [
        contact("c1", "Acme Components", email="a@acme.test", is_supplier=True),
        contact("c2", "Bolt & Nut Co"),
        contact("c3", "部品商社", is_customer=True),
        contact("c4", "Old Foundry"),
    ]
    made.sync("contacts")
    made.backend.contacts[3] = contact("c4", "Old Foundry", active=False)
    made.sync("contacts")
    return made


def supplier_id(shop: Shop, code: str = "ACM") -> int:
    return shop.rows(sa.select(Supplier.id).where(Supplier.code == code))[0]


def link(shelf: Shelf, external_id: str, *, code: str = "ACM") -> Relation:
    key = supplier_id(shelf.shop, code)
    return shelf.shop.write(lambda session: link_supplier(session, shelf.shop.act, key, external_id=external_id))


def unlink(shelf: Shelf, *, code: str = "ACM") -> Relation:
    key = supplier_id(shelf.shop, code)
    return shelf.shop.write(lambda session: unlink_supplier(session, shelf.shop.act, key))


def make(shelf: Shelf, *choices: Choice) -> list[str]:
    made = shelf.shop.write(lambda session: enlist(session, shelf.shop.act, choices))
    return [supplier.code for supplier in made]


def test_a_supplier_is_linked_unlinked_and_linked_to_another(shelf: Shelf) -> None:
    assert link(shelf, "c1").contact_name == "Acme Components"
    assert (link(shelf, "c2").state, link(shelf, "c2").external_id) == ("linked", "c2")
    gone = unlink(shelf)
    assert (gone.state, gone.external_id, gone.contact) == ("not linked", "", None)
    with pytest.raises(WrongState, match="isn't linked"):
        unlink(shelf)
    assert len(shelf.shop.rows(sa.select(SupplierContact))) == 1, "one row for ever, with one key"


def test_a_contact_is_one_supplier_at_most(shelf: Shelf) -> None:
    link(shelf, "c1")
    shelf.shop.supplier("TWO")
    with pytest.raises(Conflict, match="is supplier ACM already"):
        link(shelf, "c1", code="TWO")
    unlink(shelf)
    assert link(shelf, "c1", code="TWO").state == "linked"


def test_what_is_archived_or_unknown_can_not_be_linked(shelf: Shelf) -> None:
    with pytest.raises(WrongState, match="Old Foundry is archived"):
        link(shelf, "c4")
    for unknown in ("c9", "", "\x00", "\ud800"):
        with pytest.raises(NotFound):
            link(shelf, unknown)
    with shelf.shop.reading() as session:
        assert relation_of(session, supplier_id(shelf.shop)).state == "not linked"


def test_without_books_there_is_nothing_to_link(engine: sa.Engine) -> None:
    shop = a_shop(engine)
    with pytest.raises(NotConnected):
        shop.write(lambda session: link_supplier(session, shop.act, supplier_id(shop), external_id="c1"))
    with shop.reading() as session:
        relation = relation_of(session, supplier_id(shop))
    assert (relation.connection, relation.state) == (None, "not linked")


def test_another_companys_suppliers_and_contacts_do_not_exist(shelf: Shelf, engine: sa.Engine) -> None:
    stranger = a_shop(engine)
    mine = supplier_id(shelf.shop)
    with stranger.reading() as session, pytest.raises(NotFound):
        relation_of(session, mine)
    with pytest.raises(NotFound):
        stranger.write(lambda session: link_supplier(session, stranger.act, mine, external_id="c1"))
    with pytest.raises(NotFound):
        stranger.write(lambda session: update_supplier(session, stranger.act, mine, name="Mine now"))


def test_a_contact_that_is_archived_later_shows_as_gone(shelf: Shelf) -> None:
    link(shelf, "c1")
    assert shelf.backend.contacts is not None
    del shelf.backend.contacts[0]
    shelf.sync("contacts")
    with shelf.shop.reading() as session:
        assert relation_of(session, supplier_id(shelf.shop)).state == "gone"


def test_suppliers_are_made_of_contacts_with_codes_that_are_free(shelf: Shelf) -> None:
    assert make(shelf, Choice(external_id="c1"), Choice(external_id="c2", code="bnc"), Choice(external_id="c3")) == [
        "ACC",
        "BNC",
        "SUP",
    ]
    rows = shelf.shop.rows(sa.select(Supplier).order_by(Supplier.id))[1:]
    assert [(row.name, row.email) for row in rows] == [
        ("Acme Components", "a@acme.test"),
        ("Bolt & Nut Co", ""),
        ("部品商社", ""),
    ]
    with shelf.shop.reading() as session:
        assert [relation_of(session, row.id).external_id for row in rows] == ["c1", "c2", "c3"]


def test_a_code_that_is_given_is_not_proposed_to_another(shelf: Shelf) -> None:
    assert make(shelf, Choice(external_id="c1"), Choice(external_id="c2", code="ACC")) == ["ACME", "ACC"]


@pytest.mark.parametrize(
    ("choices", "error", "field"),
    [
        ([], Invalid, "contacts"),
        ([Choice(external_id="c1"), Choice(external_id="c1")], Invalid, "contacts"),
        ([Choice(external_id="c1"), Choice(external_id="c2", code="TOOLONG")], Invalid, "contacts[1].code"),
        ([Choice(external_id="c1"), Choice(external_id="c2", code="ACM")], Conflict, "contacts[1].code"),
        ([Choice(external_id="c1", code="ONE"), Choice(external_id="c2", code="ONE")], Conflict, "contacts[1].code"),
        ([Choice(external_id="c1"), Choice(external_id="nobody")], NotFound, None),
        ([Choice(external_id="c1"), Choice(external_id="c4")], WrongState, None),
    ],
)
def test_all_are_made_or_none(shelf: Shelf, choices: list[Choice], error: type[Exception], field: str | None) -> None:
    with pytest.raises(error) as caught:
        make(shelf, *choices)
    assert getattr(caught.value, "field", None) == field
    assert shelf.shop.rows(sa.select(Supplier.code)) == ["ACM"]


def test_a_contact_that_is_a_supplier_already_is_not_made_one_again(shelf: Shelf) -> None:
    link(shelf, "c1")
    with pytest.raises(Conflict, match="is supplier ACM already"):
        make(shelf, Choice(external_id="c1"))
    assert shelf.shop.rows(sa.select(Supplier.code)) == ["ACM"]


def test_proposals_name_whoever_has_the_name_or_the_contact(shelf: Shelf) -> None:
    shelf.shop.write(lambda session: create_supplier(session, shelf.shop.act, code="BNC", name="bolt & nut CO"))
    link(shelf, "c1")
    with shelf.shop.reading() as session:
        ids = contacts_by_id(session, [row.id for row in shelf.contacts()])
        found = propose(session, ids)
    rows = {
        each.contact.external_id: (
            each.code,
            each.namesake.code if each.namesake else "",
            each.supplier.code if each.supplier else "",
        )
        for each in found
    }
    assert rows == {"c1": ("ACC", "", "ACM"), "c2": ("BON", "BNC", ""), "c3": ("SUP", "", ""), "c4": ("OLF", "", "")}
    assert ids == ["c1", "c2", "c4", "c3"]


def test_what_is_named_of_a_supplier_is_changed_and_the_rest_stays(shelf: Shelf) -> None:
    shop, key = shelf.shop, supplier_id(shelf.shop)
    shop.write(lambda session: update_supplier(session, shop.act, key, email="new@acm.test", code="NEW"))
    shop.write(lambda session: update_supplier(session, shop.act, key, is_active=False))
    row = shop.rows(sa.select(Supplier).where(Supplier.id == key))[0]
    assert (row.code, row.name, row.email, row.is_active) == ("NEW", "ACM Supplies", "new@acm.test", False)


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"code": "toolong"}, Invalid, "code"),
        ({"code": 7}, Invalid, "code"),
        ({"code": "TWO"}, Conflict, "code"),
        ({"name": " "}, Invalid, "name"),
        ({"name": "x" * 201}, Invalid, "name"),
        ({"email": "x\x00"}, Invalid, "email"),
        ({"is_active": "no"}, Invalid, "is_active"),
        ({"colour": "red"}, Invalid, "colour"),
        ({"name": "Fine", "phone": "5" * 51}, Invalid, "phone"),
    ],
)
def test_a_change_that_can_not_be_leaves_everything(
    shelf: Shelf, changes: dict[str, object], error: type[Exception], field: str
) -> None:
    shop, key = shelf.shop, supplier_id(shelf.shop)
    shop.supplier("TWO")
    with pytest.raises(error) as caught:
        shop.write(lambda session: update_supplier(session, shop.act, key, **changes))
    assert getattr(caught.value, "field", None) == field
    assert [(row.code, row.name) for row in shop.rows(sa.select(Supplier).where(Supplier.id == key))] == [
        ("ACM", "ACM Supplies")
    ]


def test_a_code_that_lots_are_called_by_stays(shelf: Shelf) -> None:
    shop, key = shelf.shop, supplier_id(shelf.shop)
    shop.products("BOLT")
    shop.stock("BOLT", "5")
    with pytest.raises(Conflict, match="Lots are called ACM already") as caught:
        shop.write(lambda session: update_supplier(session, shop.act, key, code="NEW"))
    assert caught.value.field == "code"
    same = shop.write(lambda session: update_supplier(session, shop.act, key, code="ACM", name="Acme"))
    assert same.name == "Acme"
