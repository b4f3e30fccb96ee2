"""The pages where a person decides about exports."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from partsemble_core.services.opting import set_options
from partsemble_core.services.rehearsing import dry_run
from partsemble_core.store.connections import AccountMapping
from partsemble_core.store.exports import Export
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, connect, post, stock_up

Visit = Callable[[Shop, str], Visitor]

GERMAN = {"Accept-Language": "de"}


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
    owner.post("/settings/options", {"draw_order": "fifo", "qa_review": "yes"}, page="/settings")
    owner.post("/settings/exports", {"export_builds": "manual"}, page="/settings/exports")
    page = owner.get("/settings/exports").text
    assert 'name="export_builds" value="manual" checked' in page
    assert 'name="export_receipts" value="automatic" checked' in page
    assert 'name="qa_review" value="yes" checked' in owner.get("/settings").text, "another page's switch stays"
    refused = owner.post("/settings/exports", {"export_builds": "sometimes"}, page="/settings/exports")
    assert refused.status_code == 422


def test_what_cant_be_ticked_has_no_cell_on_a_phone(shop: Shop, visit: Visit, held: list[int]) -> None:
    values = {"state": "pending", "attempts": 1}
    shop.write(lambda s, act: s.execute(sa.update(Export).where(Export.id == held[0]).values(values)))
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
    assert 'href="/integrations#export-accounts"' in owner.get(path).text
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
    assert "decide again" not in refused.text, "its message says what to do"
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
    late = owner.post(f"{fourth}/retry", {}, page=fourth)
    assert (late.status_code, "decide again" in late.text) == (409, True), "somebody was faster"
    assert states(shop)[:4] == ["skipped", "cancelled", "cancelled", "pending"]
    assert "Left out" in text_of(owner.get("/exports?label=Left+out"))
    assert "Left out by owner@lumen.example: By hand" in text_of(owner.get(first))
    for path, words in ((first, "Left out by"), (second, "Cancelled by"), (third, "Replaced by")):
        assert (words in owner.get(path).text, words in owner.get(path, headers=GERMAN).text) == (True, False)
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


def test_the_ticked_ones_are_asked_about_before_anything_is_done(shop: Shop, visit: Visit, held: list[int]) -> None:
    fail(shop, held[0])
    accountant = visit(shop, "accountant")
    ids = "&".join(f"ids={each}" for each in held)
    for decision, meant, others in (("post", 3, 1), ("retry", 1, 3), ("skip", 4, 0), ("hold", 0, 4)):
        page = accountant.get(f"/exports/decide?decision={decision}&{ids}")
        assert page.status_code == 200
        assert page.text.count('type="hidden" name="ids"') == meant, decision
        assert ("Left as they are" in page.text) == bool(others), decision
    assert "Nothing is ticked that this fits" in accountant.get("/exports/decide?decision=retry").text
    assert accountant.get("/exports/decide?decision=post&ids=x").status_code == 422
    assert accountant.get(f"/exports/decide?decision=post&ids={10**12}").status_code == 404
    assert states(shop) == ["review", "held", "held", "held"]
    shown = text_of(accountant.get(f"/exports/decide?decision=post&{ids}"))
    assert "Total 6,323.20" in shown, shown[:900]


def test_many_are_decided_about_in_one_go(shop: Shop, visit: Visit, held: list[int]) -> None:
    accountant = visit(shop, "accountant")
    for export_id in held[:2]:
        fail(shop, export_id)
    both = [str(each) for each in held[:2]]
    assert accountant.post("/exports/retry", {"ids": both}, page="/exports").location == "/exports"
    assert states(shop) == ["pending", "pending", "held", "held"]
    again = accountant.post("/exports/retry", {"ids": both}, page="/exports")
    assert (again.status_code, "Only failed exports can be tried again" in again.text) == (409, True)
    accountant.post("/exports/hold", {"ids": both}, page="/exports")
    assert states(shop) == ["held"] * 4
    refused = accountant.post("/exports/skip", {"ids": both, "reason": ""}, page="/exports")
    assert (refused.status_code, 'aria-invalid="true"' in refused.text) == (422, True)
    accountant.post("/exports/skip", {"ids": [*both, str(held[2])], "reason": "By hand"}, page="/exports")
    assert states(shop) == ["skipped", "skipped", "skipped", "held"]
    assert "3 exports are left out." in text_of(accountant.get("/exports"))
    assert visit(shop, "builder").post("/exports/hold", {"ids": both}, page="/exports").status_code == 403


def test_what_cant_be_left_out_is_said_and_the_others_are(shop: Shop, visit: Visit, held: list[int]) -> None:
    accountant = visit(shop, "accountant")
    shop.write(
        lambda s, act: s.execute(sa.update(Export).where(Export.id == held[0]).values(state="pending", attempts=1))
    )
    accountant.post("/exports/skip", {"ids": [str(each) for each in held[:2]], "reason": "By hand"}, page="/exports")
    assert states(shop)[:2] == ["pending", "skipped"]
    shown = text_of(accountant.get("/exports"))
    assert "PSB-RCV-0001 wasn’t left out" in shown
    assert "1 export is left out." in shown


def test_the_queue_is_shown_above_the_list_and_followed(shop: Shop, visit: Visit, held: list[int]) -> None:
    accountant = visit(shop, "accountant")
    assert "Nothing waits to go out" in text_of(accountant.get("/exports"))
    accountant.post("/exports/post", {"all": "yes"}, page="/exports")
    page = accountant.get("/exports")
    assert "4 exports wait to go out Less than a minute: 4 calls." in text_of(page)
    assert 'hx-get="/exports/queue?began=4&amp;posted=0"' in page.text
    post(shop, held[:3])
    part = accountant.get("/exports/queue?began=4&posted=0")
    assert "1 export waits to go out" in text_of(part)
    assert "Posted since you opened this page 3" in text_of(part)
    assert 'max="4" value="3"' in part.text
    assert part.status_code == 200
    post(shop, held[3:])
    done = accountant.get("/exports/queue?began=4&posted=0", headers={"HX-Request": "true"})
    assert (done.status_code, "hx-get" in done.text) == (286, False), "htmx asks no more"


def test_a_page_of_an_export_on_its_way_is_loaded_again_when_it_moves(
    shop: Shop, visit: Visit, held: list[int]
) -> None:
    accountant, path = visit(shop, "accountant"), f"/exports/{held[0]}"
    assert "/progress" not in accountant.get(path).text
    accountant.post("/exports/post", {"ids": [str(held[0])]}, page="/exports")
    assert f'hx-get="{path}/progress?seen=pending-0"' in accountant.get(path).text
    assert "HX-Refresh" not in accountant.get(f"{path}/progress?seen=pending-0").headers
    post(shop, held[:1])
    assert accountant.get(f"{path}/progress?seen=pending-0").headers["HX-Refresh"] == "true"
    assert "/progress" not in accountant.get(path).text


def test_the_payload_is_shown_to_the_byte(shop: Shop, visit: Visit, held: list[int]) -> None:
    page = visit(shop, "viewer").get(f"/exports/{held[0]}")
    assert "Dry run" in text_of(page)
    [body] = rows(shop, sa.select(Export.body).where(Export.id == held[0]))  # type: ignore[arg-type]
    raw = re.search(r'id="payload-raw" tabindex="0">(.*?)</pre>', page.text, flags=re.DOTALL)
    assert raw is not None
    assert html.unescape(raw[1]).encode() == bytes(body)  # type: ignore[arg-type]
