"""Two people with the same form: whoever saves second is told, and loses nothing that was typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect, listen, plan_lamps, stock_up

Visit = Callable[[Shop, str], Visitor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A form's page, where it is sent, what one and the other type, and which of it stays on the refused page."""

    page: str
    path: str
    one: dict[str, str]
    other: dict[str, str]
    stays: str = ""


PRODUCT = {"sku": "PANEL-24", "name": "Panel", "kind": "component", "unit": "each", "reorder_point": "0"}
SUPPLIER = {"code": "ACM", "name": "Acme", "is_active": "yes"}
DRAFT = {"supplier": "ACM", "received_on": "2026-04-01", "sku": "PANEL-24", "quantity": "1", "total_cost": "9"}
BLANK = dict.fromkeys(
    ("unit_cost", "lot_number", "expires_on", "part_number", "purchase_unit", "per_purchase_unit", "weight"), ""
)
HOOK = {"url": "https://ours.example/one", "kinds": "stock.low", "is_active": "yes"}
PLAN = {
    "quantity": "2",
    "line_sku": "PANEL-24",
    "line_quantity": "1",
    "line_scrap_percent": "0",
    "line_optional": "",
}
CASES = {
    "product": Case(
        page="/products/1/edit",
        path="/products/1/edit",
        one=PRODUCT,
        other=PRODUCT | {"name": "Mine"},
        stays='value="Mine"',
    ),
    "supplier": Case(
        page="/suppliers/1/edit",
        path="/suppliers/1/edit",
        one=SUPPLIER,
        other=SUPPLIER | {"phone": "555"},
        stays='value="555"',
    ),
    "receipt": Case(
        page="/receipts/5/edit",
        path="/receipts/5/edit",
        one=DRAFT | BLANK,
        other=DRAFT | BLANK | {"quantity": "77"},
        stays='value="77"',
    ),
    "settings": Case(
        page="/settings",
        path="/settings/options",
        one={"qa_review": "yes"},
        other={"reserve_stock": "yes"},
        stays='name="reserve_stock" value="yes" checked',
    ),
    "member": Case(
        page="/settings/users/2",
        path="/settings/users/2/role",
        one={"role": "viewer"},
        other={"role": "builder"},
        stays='value="builder" selected',
    ),
    "webhook": Case(
        page="/settings/webhooks/1",
        path="/settings/webhooks/1",
        one=HOOK,
        other=HOOK | {"url": "https://ours.example/two"},
        stays="https://ours.example/two",
    ),
    "planned build": Case(
        page="/planned-builds/1/edit",
        path="/planned-builds/1/edit",
        one=PLAN | {"assignee": "Ada"},
        other=PLAN | {"assignee": "Bob"},
        stays='value="Bob"',
    ),
    "accounts": Case(
        page="/integrations",
        path="/integrations/connections/1/accounts",
        one={"waste": "5200"},
        other={"waste": "1310"},
        stays='data-group="Not saved yet"',
    ),
}


def seen_of(visitor: Visitor, case: Case) -> str:
    """The number of the last change in the form that is sent to the case's address."""
    text = visitor.get(case.page).text
    form = text[text.index(f'action="{case.path}"') :]
    found = re.search(r'name="seen" value="(\d+)"', form[: form.index("</form>")])
    assert found is not None
    return found[1]


def furnished(shop: Shop, visit: Visit) -> None:
    connect(shop)
    stock_up(shop)
    listen(shop)
    plan_lamps(shop, "2")
    visit(shop, "owner").post("/receipts", DRAFT | BLANK, page="/receipts/new")


@pytest.mark.parametrize("name", CASES)
def test_whoever_saves_second_is_told_and_may_save_again(shop: Shop, visit: Visit, name: str) -> None:
    furnished(shop, visit)
    case, first, second = CASES[name], visit(shop, "admin"), visit(shop, "owner")
    saw = {"seen": seen_of(second, case)}
    assert first.post(case.path, case.one | {"seen": seen_of(first, case)}, page=case.page).status_code == 303
    refused = second.post(case.path, case.other | saw, page=case.page)
    assert refused.status_code == 409
    assert "changed by admin@lumen.example on" in text_of(refused)
    assert "changed-meanwhile" in refused.text
    assert case.stays in refused.text
    again = seen_of(second, case)
    assert int(again) > int(saw["seen"])
    if case.stays:
        assert f'name="seen" value="{again}"' in refused.text, "who was told has seen it"
    assert second.post(case.path, case.other | {"seen": again}, page=case.page).status_code == 303


def test_another_refusal_shows_nothing_new_and_so_still_compares(shop: Shop, visit: Visit) -> None:
    case, first, second = CASES["product"], visit(shop, "admin"), visit(shop, "owner")
    saw = seen_of(second, case)
    assert first.post(case.path, case.one | {"seen": saw}, page=case.page).status_code == 303
    wrong = case.other | {"seen": "x"}
    assert second.post(case.path, wrong, page=case.page).status_code == 422
    typed = second.post(case.path, case.other | {"name": "", "seen": saw}, page=case.page)
    assert typed.status_code == 409


def test_the_same_person_in_two_tabs_is_told_too(shop: Shop, visit: Visit) -> None:
    case, person = CASES["product"], visit(shop, "owner")
    saw = {"seen": seen_of(person, case)}
    assert person.post(case.path, case.one | saw, page=case.page).status_code == 303
    refused = person.post(case.path, case.other | saw, page=case.page)
    assert (refused.status_code, case.stays in refused.text) == (409, True)
    assert "changed by owner@lumen.example on" in text_of(refused)
    again = re.search(r'name="seen" value="(\d+)"', refused.text)
    assert again is not None
    assert person.post(case.path, case.other | {"seen": again[1]}, page=case.page).status_code == 303
