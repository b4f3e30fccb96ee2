from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from partsemble_core.services.house import House
from partsemble_core.services.incorporating import SetUpOver, make_code
from partsemble_core.store.audits import AuditEntry
from partsemble_core.store.companies import Company, SetUpCode
from partsemble_core.store.database import reading_anywhere
from partsemble_web import create_app
from tests.servers.databases import copy_of
from tests.web.people import Visitor, text_of
from tests.web.shop import PASSWORD, Shop, found, make_lamps, open_house, plan_lamps, stock_up

FIELDS = {
    "name": "Kiwi Lamps",
    "currency": "NZD",
    "timezone": "Pacific/Auckland",
    "owner": "Kiri",
    "email": "Kiri@Lamps.example",
    "password": PASSWORD,
    "password_again": PASSWORD,
}


def empty_shop(database_url: str, folder: Path) -> Shop:
    """An installation without a company."""
    house = open_house(database_url, folder)
    return Shop(app=create_app(house.settings, house), house=house, company_id=0, ids={})


@pytest.fixture
def empty(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Shop]:
    shop = empty_shop(copy_of(migrated_sqlite, tmp_path / "empty.sqlite3"), tmp_path)
    yield shop
    shop.house.engine.dispose()


def send(shop: Shop, **changes: str) -> TestResponse:
    return Visitor(shop).post("/set-up", {**FIELDS, **changes}, page="/set-up")


def companies(house: House) -> list[Company]:
    with reading_anywhere(house.engine) as session:
        return list(session.scalars(sa.select(Company)))


def test_every_page_of_an_empty_installation_leads_to_the_set_up(empty: Shop) -> None:
    visitor = Visitor(empty)
    assert visitor.get("/").location == "/sign-in?next=/"
    assert visitor.get("/sign-in?next=/").location == "/set-up"
    page = visitor.get("/set-up")
    assert "Found it here" in text_of(page)
    assert '<option value="NZD">NZD · New Zealand Dollar</option>' in page.text
    assert '<option value="Pacific/Auckland">Pacific/Auckland</option>' in page.text


def test_whoever_has_the_code_founds_the_company_and_is_signed_in(empty: Shop) -> None:
    code = make_code(empty.house)
    visitor = Visitor(empty)
    answer = visitor.post("/set-up", {**FIELDS, "code": code.lower().replace("-", " ")}, page="/set-up")
    assert (answer.status_code, answer.location) == (303, "/first-steps/books")
    assert "Connect your books" in text_of(visitor.get("/first-steps/books"))
    company = companies(empty.house)[0]
    assert (company.name, company.currency, company.timezone) == ("Kiwi Lamps", "NZD", "Pacific/Auckland")
    with reading_anywhere(empty.house.engine) as session:
        told = session.scalars(sa.select(AuditEntry).where(AuditEntry.kind == "company")).one()
        assert (told.by, told.door, told.address) == ("kiri@lamps.example", "console", "127.0.0.1")
        assert code not in session.scalars(sa.select(SetUpCode.code_sha256)).one()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"code": "AAAA-AAAA-AAAA-AAAA"}, 403, "wrong or an old one"),
        ({"code": ""}, 403, "wrong or an old one"),
        ({"code": "\x00é"}, 403, "wrong or an old one"),
        ({"currency": "ZZZ"}, 422, "Choose the currency"),
        ({"currency": ""}, 422, "Choose the currency"),
        ({"timezone": "Mars/Olympus"}, 422, "no time zone"),
        ({"password_again": "another one entirely"}, 422, "The two passwords differ"),
        ({"password": "short", "password_again": "short"}, 422, "12 to 128 characters"),
        ({"email": "nobody"}, 422, "isn't an e-mail address"),
        ({"name": " "}, 422, "missing"),
    ],
)
def test_what_is_refused_founds_nothing_and_keeps_the_code_and_what_was_typed(
    empty: Shop, changes: dict[str, str], status: int, words: str
) -> None:
    code = make_code(empty.house)
    answer = send(empty, **{"code": code, **changes})
    assert answer.status_code == status
    assert words in text_of(answer)
    assert 'value="Kiri"' in answer.text
    assert PASSWORD not in answer.text
    assert companies(empty.house) == []
    assert send(empty, code=code).status_code == 303


def test_a_newer_code_makes_the_older_one_void(empty: Shop) -> None:
    old, new = make_code(empty.house), make_code(empty.house)
    assert send(empty, code=old).status_code == 403
    assert send(empty, code=new).status_code == 303


def test_with_a_company_nobody_founds_the_first_one(empty: Shop) -> None:
    code = make_code(empty.house)
    late = Visitor(empty)
    token = late.token("/set-up")
    found(empty.house, name="By the command line", email="cli@lamps.example")
    answer = late.client.post("/set-up", data={**FIELDS, "code": code, "csrf_token": token})
    assert answer.location == "/sign-in"
    assert "has its company already" in text_of(late.get("/sign-in"))
    assert late.get("/set-up").status_code == 302
    assert len(companies(empty.house)) == 1
    with pytest.raises(SetUpOver):
        make_code(empty.house)


def test_guessing_codes_is_stopped(empty: Shop) -> None:
    make_code(empty.house)
    visitor = Visitor(empty)
    form = {**FIELDS, "code": "AAAA", "csrf_token": visitor.token("/set-up")}
    answers = [visitor.client.post("/set-up", data=form).status_code for _ in range(22)]
    assert answers == [403] * 20 + [429] * 2


def test_of_two_who_found_at_once_one_wins(database_url: str, tmp_path: Path) -> None:
    shop = empty_shop(database_url, tmp_path)
    code = make_code(shop.house)
    visitors = [Visitor(shop) for _ in range(2)]
    tokens = [visitor.token("/set-up") for visitor in visitors]
    start, answers = threading.Barrier(2), list[str]()

    def race(index: int) -> None:
        form = {**FIELDS, "email": f"founder{index}@lamps.example", "code": code, "csrf_token": tokens[index]}
        start.wait()
        answers.append(str(visitors[index].client.post("/set-up", data=form).location))

    threads = [threading.Thread(target=race, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["/first-steps/books", "/sign-in"]
    assert len(companies(shop.house)) == 1
    shop.house.engine.dispose()


Visit = Callable[[Shop, str], Visitor]


def test_the_steps_know_what_is_done_and_lead_on(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    page = text_of(owner.get("/first-steps/products"))
    assert "This step is done" in page
    assert "Next: Say what they are made of" in page
    assert "Skip for now" in text_of(owner.get("/first-steps/receipt"))
    assert "Setting up: 2 of 6 steps done. Next: Connect your books." in text_of(owner.get("/lots"))
    summary = text_of(owner.get("/first-steps"))
    assert "2 of 6 done" in summary
    assert "Setting up" not in text_of(owner.get("/lots")), "whoever saw the summary isn't led back"


def test_a_draft_and_a_plan_are_no_steps_yet(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    draft = {"supplier": "ACM", "received_on": "2026-04-01", "sku": "PANEL-24", "quantity": "1", "total_cost": "9"}
    assert owner.post("/receipts", draft, page="/receipts/new").status_code == 303
    plan_lamps(shop, "2")
    for page in ("/first-steps", "/"):
        assert "2 of 6 done" in text_of(owner.get(page))
    stock_up(shop)
    make_lamps(shop, "1")
    for page in ("/first-steps", "/"):
        assert "4 of 6 done" in text_of(owner.get(page))


@pytest.mark.parametrize("step", ["books", "accounts", "products", "boms", "receipt", "build"])
def test_a_viewer_meets_no_dead_end(shop: Shop, visit: Visit, step: str) -> None:
    page = visit(shop, "viewer").get(f"/first-steps/{step}")
    assert "Somebody else does this" in page.text
    assert "Finish later" in page.text
    assert "<form" not in page.text.split("<main")[1].split("</main>")[0]


def test_products_are_added_all_or_none(empty: Shop) -> None:
    owner = Visitor(empty)
    owner.post("/set-up", {**FIELDS, "code": make_code(empty.house)}, page="/set-up")
    fields = {"sku": ["BOLT", "bolt"], "name": ["Bolt", "Twice"], "kind": ["component"] * 2, "unit": ["", ""]}
    answer = owner.post("/first-steps/products", fields, page="/first-steps/products")
    assert answer.status_code == 409
    assert "is taken" in text_of(answer)
    assert 'value="Twice"' in answer.text
    assert "Your products so far" not in answer.text
    blank = {name: [""] for name in fields}
    assert owner.post("/first-steps/products", blank, page="/first-steps/products").status_code == 422
    good = {"sku": ["BOLT", ""], "name": ["Bolt", ""], "kind": ["component"] * 2, "unit": ["m", ""]}
    assert owner.post("/first-steps/products", good, page="/first-steps/products").status_code == 303
    page = text_of(owner.get("/first-steps/products"))
    assert "1 product was added." in page
    assert "Your products so far" in page
    kinds = re.findall(r'<option value="(\w+)"', owner.get("/first-steps/products").text)
    assert kinds[:4] == ["component", "raw_material", "sub_assembly", "finished_good"]


def test_the_example_is_for_a_company_without_products(shop: Shop, visit: Visit, empty: Shop) -> None:
    answer = visit(shop, "builder").post("/first-steps/example", page="/first-steps")
    assert answer.status_code == 409
    assert "There are products already" in text_of(answer)
