"""One search for everything: what it finds, in which order, and whose."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.services.searching import EACH, Hit, only_exact, search
from tests.services.makers import Shop, a_shop


def found(shop: Shop, text: str) -> list[tuple[str, str, str, bool]]:
    with shop.reading() as session:
        return [(hit.kind, hit.title, hit.subtitle, hit.is_exact) for hit in search(session, text)]


def exact(shop: Shop, text: str) -> Hit | None:
    with shop.reading() as session:
        return only_exact(search(session, text))


def test_a_number_finds_its_lot_document_or_product(shop: Shop) -> None:
    shop.products("BOLT", "RACK")
    shop.bom("RACK", {"BOLT": "2"})
    shop.stock("BOLT", "10", on="2026-04-04")
    shop.build("RACK", "1")
    assert found(shop, "ACM-20260404") == [("lot", "ACM-20260404", "BOLT", True)]
    assert {kind for kind, *_ in found(shop, "psb-000001")} == {"build", "lot"}
    build = exact(shop, "psb-000001")
    assert build is not None
    assert (build.kind, build.title, build.subtitle) == ("build", "PSB-000001", "RACK")
    assert found(shop, "psb-rcv-0001") == [("receipt", "PSB-RCV-0001", "ACM Supplies", True)]
    assert found(shop, " bolt ") == [("product", "BOLT", "The BOLT", True)]
    assert found(shop, "supplies acm") == [("supplier", "ACM", "ACM Supplies", False)]


def test_exact_comes_first_then_what_begins_so_then_the_rest(shop: Shop) -> None:
    shop.products("M3-LONG", "M3", "SCREW-M3")
    assert [title for _, title, _, _ in found(shop, "m3")] == ["M3", "M3-LONG", "SCREW-M3"]
    only = exact(shop, "m3")
    assert only is not None
    assert (only.kind, only.id) == ("product", shop.find("M3").id)


def test_a_name_that_two_things_bear_leads_to_neither(shop: Shop) -> None:
    shop.product("ACM")
    assert {(kind, is_exact) for kind, _, _, is_exact in found(shop, "acm")} == {("product", True), ("supplier", True)}
    assert exact(shop, "acm") is None
    assert exact(shop, "nothing of the kind") is None


def test_signs_of_patterns_are_letters_like_any_other(shop: Shop) -> None:
    shop.products("A_1", "AX1", "50%", "500")
    assert [title for _, title, _, _ in found(shop, "a_1")] == ["A_1"]
    assert [title for _, title, _, _ in found(shop, "50%")] == ["50%"]
    assert found(shop, "   ") == []


def test_a_kind_shows_its_first_few(shop: Shop) -> None:
    shop.products(*(f"PIN-{number:02}" for number in range(EACH + 3)))
    assert [title for _, title, _, _ in found(shop, "pin")] == [f"PIN-{number:02}" for number in range(EACH)]


def test_nobody_finds_what_another_company_has(shop: Shop, engine: sa.Engine) -> None:
    shop.products("OURS")
    stranger = a_shop(engine)
    assert found(stranger, "OURS") == []
    assert [title for _, title, _, _ in found(shop, "OURS")] == ["OURS"]


@pytest.mark.parametrize("text", ["x" * 201, "a\x00b"])
def test_a_text_that_cannot_be_searched_for_is_refused(shop: Shop, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        found(shop, text)
    assert refused.value.field == "search"
