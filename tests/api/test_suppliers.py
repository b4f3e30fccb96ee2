from __future__ import annotations

import pytest

from partsemble_core.plugin_api import Contact
from partsemble_core.services import connecting
from partsemble_core.services.keeping import contact_fields, keep
from partsemble_core.store.companies import Role
from partsemble_core.store.session import CompanySession
from partsemble_core.store.syncs import RemoteContact
from tests.api.callers import Firm, Served, found_firm

CONTACTS = (("c1", "Acme Components", "a@acme.test"), ("c2", "Bolt & Nut Co", ""), ("c3", "Éclair", ""))


@pytest.fixture
def firm(served: Served) -> Firm:
    """A company in US dollars with books connected, of which three contacts were read."""
    firm = found_firm(served, currency="USD")
    house = firm.served.house
    act = house.act(firm.company_id, by="ann")
    connection = connecting.choose(house, act, firm.company_id, backend="qbo_stub", organisation_id="9130-0001")

    def read(session: CompanySession) -> None:
        found = {
            external_id: contact_fields(Contact(local_id=None, external_id=external_id, name=name, email=email))
            for external_id, name, email in CONTACTS
        }
        keep(session, RemoteContact, connection.id, found, house.clock())

    firm.shop.write(read)
    return firm


def in_the_books(firm: Firm, code: str = "ACM") -> tuple[str, str, str]:
    found = firm.owner.get(f"/suppliers/{code}")["in_the_books"]
    return found["state"], found["external_id"], found["contact_name"]


def test_a_supplier_is_changed_by_what_is_given(firm: Firm) -> None:
    changed = firm.callers[Role.BUILDER].send("PATCH", "/suppliers/ACM", {"email": "new@acm.test", "code": "NEW"})
    assert (changed["code"], changed["name"], changed["email"], changed["is_active"]) == (
        "NEW",
        "ACM Supplies",
        "new@acm.test",
        True,
    )
    assert firm.owner.send("PATCH", "/suppliers/NEW", {"is_active": False})["is_active"] is False
    assert firm.owner.get("/suppliers?state=inactive")["total"] == 1
    line = {"sku": "PANEL", "quantity": "1", "total_cost": "5"}
    refused = firm.owner.refused("POST", "/receipts", {"supplier": "NEW", "lines": [line]})
    assert refused == (422, "invalid", "supplier")
    assert firm.owner.refused("GET", "/suppliers/ACM") == (404, "not-found", None)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"code": "x"}, (422, "invalid", "code")),
        ({"name": ""}, (422, "invalid", "name")),
        ({"is_active": "yes"}, (422, "invalid", "is_active")),
        ({"colour": "red"}, (422, "invalid", "colour")),
        ({"phone": "5" * 51}, (422, "invalid", "phone")),
    ],
)
def test_a_bad_change_is_refused_by_field(firm: Firm, body: dict[str, object], wanted: tuple[int, str, str]) -> None:
    assert firm.owner.refused("PATCH", "/suppliers/ACM", body) == wanted


def test_a_supplier_is_linked_and_unlinked_and_lists_tell_it(firm: Firm) -> None:
    assert in_the_books(firm) == ("not linked", "", "")
    firm.callers[Role.ACCOUNTANT].send("PUT", "/suppliers/ACM/contact", {"external_id": "c1"})
    assert in_the_books(firm) == ("linked", "c1", "Acme Components")
    (row,) = firm.owner.get("/contacts?linked=linked")["rows"]
    assert (row["name"], row["supplier_code"], row["external_id"]) == ("Acme Components", "ACM", "c1")
    (row,) = firm.owner.get("/suppliers?link=linked")["rows"]
    assert (row["link"], row["link_name"]) == ("linked", "Acme Components")
    assert firm.owner.send("DELETE", "/suppliers/ACM/contact")["in_the_books"]["state"] == "not linked"
    assert firm.owner.refused("DELETE", "/suppliers/ACM/contact") == (409, "wrong-state", None)
    assert firm.owner.refused("PUT", "/suppliers/ACM/contact", {"external_id": "c9"}) == (404, "not-found", None)
    assert firm.owner.refused("PUT", "/suppliers/ACM/contact", {}) == (422, "invalid", "external_id")


def test_suppliers_are_made_of_contacts(firm: Firm) -> None:
    proposals = firm.callers[Role.VIEWER].get("/contacts/proposals?contacts=c1,c2")["rows"]
    assert [(row["name"], row["code"], row["supplier"], row["namesake"]) for row in proposals] == [
        ("Acme Components", "ACC", "", ""),
        ("Bolt & Nut Co", "BON", "", ""),
    ]
    wanted = {"contacts": [{"external_id": "c1"}, {"external_id": "c2", "code": "BNC"}]}
    made = firm.callers[Role.BUILDER].send("POST", "/contacts/suppliers", wanted, status=201)["rows"]
    assert [(row["code"], row["name"], row["email"], row["in_the_books"]["state"]) for row in made] == [
        ("ACC", "Acme Components", "a@acme.test", "linked"),
        ("BNC", "Bolt & Nut Co", "", "linked"),
    ]
    assert firm.owner.refused("POST", "/contacts/suppliers", wanted)[:2] == (409, "conflict")
    taken = {"contacts": [{"external_id": "c3", "code": "ACM"}]}
    assert firm.owner.refused("POST", "/contacts/suppliers", taken) == (409, "conflict", "contacts[0].code")
    assert firm.owner.refused("POST", "/contacts/suppliers", {"contacts": []}) == (422, "invalid", "contacts")
    assert firm.owner.get("/contacts/proposals?contacts=") == {"rows": []}
    assert firm.owner.refused("GET", "/contacts/proposals?contacts=nobody") == (404, "not-found", None)


def test_books_that_take_no_contacts_say_so(firm: Firm) -> None:
    assert firm.owner.refused("POST", "/suppliers/ACM/contact") == (409, "books-without-contacts", None)
    assert in_the_books(firm)[0] == "not linked"


def test_without_books_it_is_said_how_to_connect(served: Served) -> None:
    firm = found_firm(served)
    for method, path, body in (
        ("POST", "/suppliers/ACM/contact", None),
        ("PUT", "/suppliers/ACM/contact", {"external_id": "c1"}),
        ("POST", "/contacts/suppliers", {"contacts": [{"external_id": "c1"}]}),
    ):
        assert firm.owner.refused(method, path, body) == (409, "not-connected", None)


@pytest.mark.parametrize(
    ("method", "path", "body", "may"),
    [
        ("PATCH", "/suppliers/ACM", {"phone": "1"}, {"owner", "admin", "builder"}),
        ("PUT", "/suppliers/ACM/contact", {"external_id": "c1"}, {"owner", "admin", "builder", "accountant"}),
        ("DELETE", "/suppliers/ACM/contact", None, {"owner", "admin", "builder", "accountant"}),
        ("POST", "/suppliers/ACM/contact", None, {"owner", "admin", "accountant"}),
        ("POST", "/contacts/suppliers", {"contacts": []}, {"owner", "admin", "builder"}),
    ],
)
def test_only_those_may_who_should(firm: Firm, method: str, path: str, body: object, may: set[str]) -> None:
    let_in = {
        role.value for role, caller in firm.callers.items() if caller.call(method, path, json=body).status_code != 403
    }
    assert let_in == may


def test_another_companys_suppliers_do_not_exist(firm: Firm, served: Served) -> None:
    firm.owner.send("PATCH", "/suppliers/ACM", {"code": "MINE"})
    stranger = found_firm(served)
    for method in ("GET", "PATCH", "DELETE", "POST"):
        path = "/suppliers/MINE" if method in ("GET", "PATCH") else "/suppliers/MINE/contact"
        assert stranger.owner.refused(method, path, {} if method == "PATCH" else None)[0] == 404


def test_many_suppliers_at_once_or_none(firm: Firm) -> None:
    owner = firm.owner
    other = owner.send("POST", "/suppliers", {"code": "BNC", "name": "Bolts"}, status=201)["id"]
    acm = owner.get("/suppliers/ACM")["id"]
    assert owner.refused("POST", "/suppliers/deactivate", {"ids": [acm, 10**12]})[:2] == (404, "not-found")
    assert owner.get("/suppliers?state=inactive")["total"] == 0, "none of them"
    changed = firm.callers[Role.BUILDER].send("POST", "/suppliers/deactivate", {"ids": [other, acm, acm]})
    assert changed == {"ids": [acm, other]}
    assert [row["code"] for row in owner.get("/suppliers?state=inactive")["rows"]] == ["ACM", "BNC"]
    assert owner.send("POST", "/suppliers/activate", {"ids": [acm]}) == {"ids": [acm]}
    assert owner.get("/suppliers/ACM")["is_active"] is True
    assert owner.refused("POST", "/suppliers/activate", {"ids": []})[:2] == (422, "invalid")
    assert firm.callers[Role.ACCOUNTANT].refused("POST", "/suppliers/deactivate", {"ids": [acm]})[0] == 403
