"""The console's pages of suppliers: edit, link, create in Xero (the sandbox, over HTTP), and make of contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from partsemble_core.services import connecting
from partsemble_core.services.syncing import run_sync
from partsemble_core.store.receipts import Supplier
from partsemble_core.store.syncs import RemoteContact, SyncCause
from partsemble_xero.sandbox.testing import RunningSandbox, consent, start_sandbox
from tests.faults.xero_stage import params_of
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, open_shop

Visit = Callable[[Shop, str], Visitor]
BOOKS = "Second Books Ltd"
REDIRECT = "http://localhost/integrations/xero/callback"
SESSION = "the session of olga's browser"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with start_sandbox(tmp_path / "xero.sqlite", redirect_uris=(REDIRECT,)) as running:
        yield running


@pytest.fixture
def xero_shop(migrated_sqlite: Path, tmp_path: Path, sandbox: RunningSandbox) -> Iterator[Shop]:
    """A shop in US dollars connected to an organisation of the sandbox, whose contacts were read."""
    settings = sandbox.plugin_settings
    shop = open_shop(copy_of(migrated_sqlite, tmp_path / "shop.sqlite3"), tmp_path, plugin_settings=settings)
    act, company_id = shop.house.act(shop.company_id, by="owner@lumen.example"), shop.company_id
    url = connecting.begin(shop.house, act, company_id, backend="xero", session_key=SESSION, redirect_uri=REDIRECT)
    params = params_of(consent(str(url), organisation=BOOKS))
    grant_id, found = connecting.complete(
        shop.house, act, company_id, backend="xero", session_key=SESSION, params=params
    )
    chosen = next(each.external_id for each in found if each.name == BOOKS)
    connecting.choose(shop.house, act, company_id, backend="xero", organisation_id=chosen, grant_id=grant_id)
    read(shop)
    yield shop
    shop.house.engine.dispose()


def read(shop: Shop) -> None:
    run = run_sync(shop.house, shop.company_id, 1, "contacts", cause=SyncCause.PERSON, by="olga")
    assert run.message == ""


def ids_of(shop: Shop, *names: str) -> list[str]:
    with shop.house.reading(shop.company_id) as session:
        found = {row.name: str(row.id) for row in session.scalars(sa.select(RemoteContact))}
    return [found[name] for name in names]


def codes(shop: Shop) -> list[str]:
    with shop.house.reading(shop.company_id) as session:
        return list(session.scalars(sa.select(Supplier.code).order_by(Supplier.code)))


def test_a_supplier_is_edited(shop: Shop, visit: Visit) -> None:
    visitor = visit(shop, "builder")
    assert 'value="Acme Components"' in visitor.get("/suppliers/1/edit").text
    fields = {"code": "acx", "name": "Acme", "contact": "Ann", "email": "a@acme.test", "phone": "", "is_active": "no"}
    answer = visitor.post("/suppliers/1/edit", fields)
    assert (answer.status_code, answer.location) == (303, "/suppliers/1")
    shown = text_of(visitor.get("/suppliers/1"))
    for words in ("ACX is changed.", "Its lots begin with ACX.", "a@acme.test", "Inactive", "No books are connected."):
        assert words in shown
    answer = visitor.post("/suppliers/1/edit", {**fields, "code": "NTL", "name": "Typed"})
    assert (answer.status_code, 'value="Typed"' in answer.text) == (409, True)
    assert "Supplier code NTL is taken" in text_of(answer)


def test_a_supplier_is_created_in_xero_and_unlinked(xero_shop: Shop, sandbox: RunningSandbox, visit: Visit) -> None:
    visitor = visit(xero_shop, "accountant")
    page = text_of(visitor.get("/suppliers/2"))
    assert "NTL isn’t linked to a contact of Second Books Ltd. Choose one that is there, or create it." in page
    assert visitor.post("/suppliers/2/create-contact").status_code == 303
    page = text_of(visitor.get("/suppliers/2"))
    assert "NTL is in the books now, and linked." in page
    assert "NTL is the contact Northern Lights Ltd , says " in page
    assert [each["name"] for each in sandbox.contacts(BOOKS)].count("Northern Lights Ltd") == 1
    assert "NTL Northern Lights Ltd" in text_of(visitor.get("/suppliers?link=linked"))
    again = visitor.post("/suppliers/2/create-contact")
    assert again.status_code == 303
    assert [each["name"] for each in sandbox.contacts(BOOKS)].count("Northern Lights Ltd") == 1
    assert visitor.post("/suppliers/2/unlink").status_code == 303
    assert "NTL is linked no more." in text_of(visitor.get("/suppliers/2"))


def test_a_name_that_is_taken_is_a_conflict_to_be_linked(
    xero_shop: Shop, sandbox: RunningSandbox, visit: Visit
) -> None:
    visitor, before = visit(xero_shop, "owner"), sandbox.contacts(BOOKS)
    assert visitor.post("/suppliers/1/create-contact").status_code == 303
    answer = visitor.get("/suppliers/1")
    assert "Conflict A contact named Acme Components is in Xero already, and it isn't ours." in text_of(answer)
    theirs = next(str(each["contact_id"]) for each in before if each["name"] == "Acme Components")
    assert f'name="external_id" value="{theirs}"' in answer.text
    assert visitor.post("/suppliers/1/link", {"external_id": theirs}).status_code == 303
    assert "ACM is linked to Acme Components." in text_of(visitor.get("/suppliers/1"))
    assert sandbox.contacts(BOOKS) == before


def test_a_lost_answer_says_to_do_it_again(xero_shop: Shop, sandbox: RunningSandbox, visit: Visit) -> None:
    visitor = visit(xero_shop, "owner")
    sandbox.add_fault("PUT /api.xro/2.0/Contacts", kind="close-after")
    answer = visitor.post("/suppliers/2/create-contact")
    assert answer.status_code == 502
    assert "Pending" in text_of(answer)
    assert "nothing is created twice" in text_of(answer)
    visitor.post("/suppliers/2/create-contact")
    assert [each["name"] for each in sandbox.contacts(BOOKS)].count("Northern Lights Ltd") == 1
    assert "NTL is the contact Northern Lights Ltd" in text_of(visitor.get("/suppliers/2"))


def test_a_contact_is_chosen_from_a_list_that_asks_first(xero_shop: Shop, visit: Visit) -> None:
    visitor = visit(xero_shop, "builder")
    page = visitor.get("/suppliers/2/contacts?search=kiwi")
    assert "Which of them is NTL Northern Lights Ltd?" in text_of(page)
    assert "Acme Components" not in text_of(page)
    address = page.text.split('href="/suppliers/2?contact=')[1].split('"')[0]
    asking = visitor.get(f"/suppliers/2?contact={address}").text
    assert "Is NTL this contact?" in asking
    assert "data-open-now" in asking
    assert visitor.post("/suppliers/2/link", {"external_id": address}).status_code == 303
    assert "NTL is the contact Kiwi Instruments" in text_of(visitor.get("/suppliers/2"))
    assert f'href="/suppliers/1?contact={address}"' not in visitor.get("/suppliers/1/contacts").text
    refused = visitor.post("/suppliers/1/link", {"external_id": address})
    assert (refused.status_code, "is supplier NTL already" in text_of(refused)) == (409, True)
    assert visitor.post("/suppliers/1/link", {"external_id": "nonsense"}).status_code == 404
    csv = visitor.get("/suppliers/2/contacts.csv?search=kiwi")
    assert csv.text.count("Kiwi Instruments") == 1


def test_suppliers_are_made_of_ticked_contacts(xero_shop: Shop, visit: Visit) -> None:
    visitor = visit(xero_shop, "builder")
    contacts = visitor.get("/integrations/contacts")
    assert contacts.text.count('form="picked"') == 5, "archived ones were never read"
    ids = ids_of(xero_shop, "Bolt & Nut Co", "Éclair Électronique", "Acme Components")
    form = visitor.get("/suppliers/import/new?" + "&".join(f"ids={each}" for each in ids))
    assert "There is a supplier ACM of this name. Link that one instead?" in text_of(form)
    external = [part.split('"')[0] for part in form.text.split('name="external_id" value="')[1:]]
    assert [part.split('"')[0] for part in form.text.split('name="code" value="')[1:]] == ["ACC", "BON", "ECE"]
    fields = {"external_id": external[1:], "code": ["ntl", "ECE"]}
    refused = visitor.post("/suppliers/import", fields)
    assert (refused.status_code, 'value="ntl"' in refused.text) == (409, True)
    assert 'aria-invalid="true"' in refused.text
    assert codes(xero_shop) == ["ACM", "NTL"]
    done = visitor.post("/suppliers/import", {**fields, "code": ["bnc", "ECE"]})
    assert (done.status_code, done.location) == (303, "/suppliers?link=linked")
    assert codes(xero_shop) == ["ACM", "BNC", "ECE", "NTL"]
    shown = text_of(visitor.get(done.location))
    assert "2 suppliers were added, linked to the books." in shown
    assert visitor.get("/integrations/contacts").text.count('form="picked"') == 3


@pytest.mark.parametrize("query", ["ids=x", "ids=" + "9" * 30])
def test_what_is_no_contact_is_refused(xero_shop: Shop, visit: Visit, query: str) -> None:
    assert visit(xero_shop, "owner").get(f"/suppliers/import/new?{query}").status_code == 422


def test_nothing_ticked_says_what_to_do(xero_shop: Shop, visit: Visit) -> None:
    visitor = visit(xero_shop, "owner")
    for query in ("", "?ids=999999"):
        assert "No contact is ticked" in text_of(visitor.get(f"/suppliers/import/new{query}"))
    assert visitor.post("/suppliers/import").status_code == 422


def test_an_archived_contact_is_shown_as_gone(xero_shop: Shop, sandbox: RunningSandbox, visit: Visit) -> None:
    visitor = visit(xero_shop, "owner")
    visitor.post("/suppliers/2/create-contact")
    contact = next(each for each in sandbox.contacts(BOOKS) if each["name"] == "Northern Lights Ltd")
    sandbox.change_contact(BOOKS, contact["contact_id"], status="ARCHIVED")
    read(xero_shop)
    assert "which is archived in Second Books Ltd" in text_of(visitor.get("/suppliers/2"))


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("/suppliers/1/edit", {"owner", "admin", "builder"}),
        ("/suppliers/import", {"owner", "admin", "builder"}),
        ("/suppliers/1/link", {"owner", "admin", "builder", "accountant"}),
        ("/suppliers/1/unlink", {"owner", "admin", "builder", "accountant"}),
        ("/suppliers/1/create-contact", {"owner", "admin", "accountant"}),
    ],
)
def test_only_those_may_who_should(full_shop: Shop, visit: Visit, path: str, may: set[str]) -> None:
    roles = ("owner", "admin", "accountant", "builder", "viewer")
    let_in = {role for role in roles if visit(full_shop, role).post(path).status_code != 403}
    assert let_in == may


def test_a_viewer_sees_no_button(xero_shop: Shop, visit: Visit) -> None:
    visitor = visit(xero_shop, "viewer")
    page = visitor.get("/suppliers/1").text
    for words in ("Choose a contact", "Create in", "Unlink", "/edit"):
        assert words not in page
    assert 'form="picked"' not in visitor.get("/integrations/contacts").text
    assert "?contact=" not in visitor.get("/suppliers/1/contacts").text
