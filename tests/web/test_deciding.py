"""The pages where a person decides about exports."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from partsemble_core.services.opting import set_options
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.store.connections import AccountMapping
from partsemble_core.store.exports import Export
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect, stock_up

Visit = Callable[[Shop, str], Visitor]


@pytest.fixture
def held(shop: Shop) -> list[int]:
    """Exports of four receipts that wait for a person."""
    connect(shop)
    shop.write(lambda session, act: set_options(session, {"export_receipts": "manual"}))
    stock_up(shop)
    return rows(shop, sa.select(Export.id).order_by(Export.id))


def rows(shop: Shop, statement: sa.Select[tuple[int]] | sa.Select[tuple[str]]) -> list[int]:
    with shop.house.reading(shop.company_id) as session:
        return list(session.scalars(statement))  # type: ignore[arg-type]


def states(shop: Shop) -> list[object]:
    return list(rows(shop, sa.select(Export.state).order_by(Export.id)))


def fail(shop: Shop, export_id: int) -> None:
    values = {"state": "review", "problem": "The account is archived."}
    shop.write(lambda session, act: session.execute(sa.update(Export).where(Export.id == export_id).values(values)))


def test_the_mode_is_chosen_in_the_settings(shop: Shop, visit: Visit) -> None:
    owner = visit(shop, "owner")
    owner.post("/settings/options", {"draw_order": "fifo", "export_builds": "manual"}, page="/settings")
    page = owner.get("/settings").text
    assert 'name="export_builds" value="manual" checked' in page
    assert 'name="export_receipts" value="automatic" checked' in page
    refused = owner.post("/settings/options", {"export_builds": "sometimes"}, page="/settings")
    assert refused.status_code == 422


def test_what_cant_be_ticked_has_no_cell_on_a_phone(shop: Shop, visit: Visit, held: list[int]) -> None:
    fail(shop, held[0])
    page = visit(shop, "owner").get("/exports").text
    assert page.count('<td data-label="Tick" class="cell-tick cell-none"></td>') == 1
    assert page.count('<td data-label="Tick" class="cell-tick"><input') == len(held) - 1


def test_ticked_exports_are_posted_together(shop: Shop, visit: Visit, held: list[int]) -> None:
    accountant = visit(shop, "accountant")
    page = accountant.get("/exports").text
    assert page.count('name="ids"') == 4
    assert 'name="ids"' not in visit(shop, "viewer").get("/exports").text
    answer = accountant.post("/exports/post", {"ids": [str(held[0]), str(held[2])]}, page="/exports")
    assert answer.status_code == 303
    assert states(shop) == ["pending", "held", "pending", "held"]
    assert accountant.post("/exports/post", {"ids": [str(held[0])]}, page="/exports").status_code == 409
    assert accountant.post("/exports/post", {"ids": ["x"]}, page="/exports").status_code == 422
    assert accountant.post("/exports/post", {}, page="/exports").status_code == 422
    accountant.post("/exports/post", {"all": "yes"}, page="/exports")
    assert states(shop) == ["pending"] * 4


def test_a_page_posts_only_what_it_shows(shop: Shop, visit: Visit, held: list[int]) -> None:
    accountant, path = visit(shop, "accountant"), f"/exports/{held[0]}"
    page = accountant.get(path)
    with shop.house.reading(shop.company_id) as session:
        digest = dry_run(session, held[0]).digest
    assert f'name="digest" value="{digest}"' in page.text
    assert "Waits for you to post it." in text_of(page)
    assert "exactly as it will be sent" in text_of(page)
    wrong = accountant.post("/exports/post", {"ids": str(held[0]), "digest": "0" * 64}, page=path)
    assert wrong.status_code == 409
    assert accountant.post("/exports/post", {"ids": str(held[0]), "digest": digest}, page=path).location == path


def test_a_failed_export_says_so_and_offers_every_way_on(shop: Shop, visit: Visit, held: list[int]) -> None:
    fail(shop, held[0])
    owner, path = visit(shop, "owner"), f"/exports/{held[0]}"
    text = text_of(owner.get(path))
    assert "Failed" in text
    assert "what was tried" in text
    assert "as it is sent" not in text
    assert "Posted" not in text
    for words in ("Try again", "It is in the books", "Post with other accounts", "Leave out", "Cancel and reverse"):
        assert words in text
    assert "Cancel and reverse" not in text_of(visit(shop, "accountant").get(path))
    assert "Leave out" not in text_of(visit(shop, "viewer").get(path))
    assert "Failed" in text_of(owner.get("/exports?label=Failed"))
    assert "Failed" in text_of(owner.get("/"))


def test_a_refused_decision_comes_back_as_it_was_typed(shop: Shop, visit: Visit, held: list[int]) -> None:
    fail(shop, held[0])
    owner, path = visit(shop, "owner"), f"/exports/{held[0]}"
    refused = owner.post(f"{path}/adopt", {"external_id": "no-such-id"}, page=path)
    assert refused.status_code == 409
    assert 'value="no-such-id"' in refused.text
    assert "data-open-now" in refused.text
    assert owner.post(f"{path}/skip", {"reason": ""}, page=path).status_code == 422
    assert owner.post(f"{path}/cancel", {"reason": ""}, page=path).status_code == 422
    assert states(shop)[0] == "review"


def test_each_decision_leads_to_what_became_of_it(shop: Shop, visit: Visit, held: list[int]) -> None:
    owner = visit(shop, "owner")
    for export_id in held[1:]:
        fail(shop, export_id)
    first, second, third, fourth = (f"/exports/{export_id}" for export_id in held)
    assert owner.post(f"{first}/skip", {"reason": "By hand"}, page=first).location == first
    assert owner.post(f"{second}/cancel", {"reason": "Wrong"}, page=second).location == second
    remapped = owner.post(f"{third}/remap", {}, page=third)
    assert remapped.location not in (third, fourth)
    assert owner.post(f"{fourth}/retry", {}, page=fourth).location == fourth
    assert states(shop)[:4] == ["skipped", "cancelled", "cancelled", "pending"]
    assert "Left out" in text_of(owner.get("/exports?label=Left+out"))
    assert "Left out by owner@lumen.example: By hand" in text_of(owner.get(first))
    assert owner.get(remapped.location).status_code == 200


def test_an_optional_account_is_unset_on_the_page(shop: Shop, visit: Visit) -> None:
    connection_id = connect(shop)
    owner, path = visit(shop, "owner"), f"/integrations/connections/{connection_id}/accounts"
    owner.post(path, {"waste": "5100"}, page="/integrations")
    before = chosen(shop)
    owner.post(path, {"waste": "", "build_debit": ""}, page="/integrations")
    assert before - chosen(shop) == {"waste"}


def chosen(shop: Shop) -> set[str]:
    with shop.house.reading(shop.company_id) as session:
        return set(session.scalars(sa.select(AccountMapping.role)))
