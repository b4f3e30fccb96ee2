"""What a scanned code means: a thing's very name, or the address on a label."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from partsemble_core.errors import Invalid
from partsemble_core.services.reversing import reverse
from partsemble_core.services.scanning import Code, Scan, lot_address, read_code, scan
from partsemble_core.services.supplying import save_supplier_part
from partsemble_core.store.exports import Export
from tests.services.makers import Shop, a_shop, connect


def scanned(shop: Shop, text: str) -> Scan:
    with shop.reading() as session:
        return scan(session, read_code(text))


def named(shop: Shop, text: str) -> list[tuple[str, str, str]]:
    return [(hit.kind, hit.title, hit.subtitle) for hit in scanned(shop, text).hits]


def kind_of(shop: Shop, text: str) -> str | None:
    only = scanned(shop, text).only
    return only.kind if only else None


def test_a_number_opens_the_one_thing_that_bears_it(shop: Shop) -> None:
    shop.products("BOLT", "RACK")
    shop.bom("RACK", {"BOLT": "2"})
    shop.stock("BOLT", "10", on="2026-04-04")
    shop.build("RACK", "1")
    assert named(shop, "acm-20260404") == [("lot", "ACM-20260404", "BOLT")]
    assert named(shop, " bolt ") == [("product", "BOLT", "The BOLT")]
    assert named(shop, "psb-rcv-0001") == [("receipt", "PSB-RCV-0001", "")]
    assert [kind_of(shop, text) for text in ("ACM-20260404", "BOLT", "PSB-RCV-0001")] == ["lot", "product", "receipt"]
    assert kind_of(shop, "PSB-000001") == "build", "its page shows the lot of the same number"
    assert named(shop, "BOL") == [], "a part of a name is no code"
    assert named(shop, "") == []


def test_one_lot_number_of_two_products_is_asked_about_and_a_label_says_whose_it_is(shop: Shop) -> None:
    shop.products("BOLT", "NUT")
    for sku in ("BOLT", "NUT"):
        shop.stock(sku, "10", on="2026-04-04")
    assert named(shop, "ACM-20260404") == [("lot", "ACM-20260404", "BOLT"), ("lot", "ACM-20260404", "NUT")]
    assert kind_of(shop, "ACM-20260404") is None
    label = lot_address("https://stock.example", number="ACM-20260404", sku="nut")
    assert label == "https://stock.example/scan?code=ACM-20260404&sku=nut"
    assert named(shop, label) == [("lot", "ACM-20260404", "NUT")]
    renamed = lot_address("https://old.example/here", number="ACM-20260404", sku="GONE")
    assert len(named(shop, renamed)) == 2, "a product that was renamed since: a person has to choose"


def test_a_label_of_a_lot_that_a_build_made_means_the_lot(shop: Shop) -> None:
    shop.products("BOLT", "RACK")
    shop.bom("RACK", {"BOLT": "2"})
    shop.stock("BOLT", "10")
    shop.build("RACK", "1")
    only = scanned(shop, lot_address("http://localhost", number="PSB-000001", sku="RACK")).only
    assert only is not None
    assert (only.kind, only.title, only.subtitle) == ("lot", "PSB-000001", "RACK")


def test_a_reversed_lot_counts_only_where_no_other_has_its_number(shop: Shop) -> None:
    shop.products("BOLT")
    receipt = shop.stock("BOLT", "10", on="2026-04-04")
    first = shop.lots("BOLT")[0].id
    shop.write(lambda session: reverse(session, shop.act, "receipt", receipt.id, reason="Never came"))
    only = scanned(shop, "ACM-20260404").only
    assert only is not None
    assert only.id == first
    shop.stock("BOLT", "5", on="2026-04-04")
    second = next(lot for lot in shop.lots("BOLT") if lot.id != first)
    again = scanned(shop, second.number).only
    assert again is not None
    assert again.id == second.id


def test_a_supplier_s_number_means_the_product_and_never_hides_a_name_of_ours(shop: Shop) -> None:
    shop.products("BOLT", "NUT")
    shop.write(lambda session: save_supplier_part(session, supplier="ACM", sku="BOLT", part_number="4006381333931"))
    assert named(shop, "4006381333931") == [("product", "BOLT", "ACM Supplies")]
    shop.write(lambda session: save_supplier_part(session, supplier="ACM", sku="BOLT", part_number="NUT"))
    assert named(shop, "nut") == [("product", "NUT", "The NUT")]


def test_an_export_is_found_by_its_token(shop: Shop) -> None:
    connect(shop)
    shop.products("BOLT")
    shop.stock("BOLT", "10")
    (export,) = shop.rows(sa.select(Export))
    assert named(shop, export.token) == [("export", "PSB-RCV-0001", export.token)]
    assert kind_of(shop, "PSB-RCV-0001") == "receipt", "the document itself comes before its export"


def test_what_scanners_add_is_taken_off(shop: Shop) -> None:
    assert read_code("]C0ACM-1 ") == Code(text="ACM-1")
    assert read_code("https://x.example/scan?code=A%2F1+b&sku=%C3%89") == Code(text="A/1 b", sku="É")
    assert read_code("https://x.example/elsewhere?code=A") == Code(text="https://x.example/elsewhere?code=A")
    assert read_code("https://[broken/scan?code=A").text.startswith("https://[")
    for bad in ("A\x00", "x" * 2_001, 5):
        with pytest.raises(Invalid):
            read_code(bad)
    with pytest.raises(Invalid):
        read_code("https://x.example/scan?code=A%00")


def test_another_company_s_things_are_nobody_s_here(shop: Shop) -> None:
    other = a_shop(shop.engine)
    other.products("BOLT")
    other.stock("BOLT", "10", on="2026-04-04")
    assert named(shop, "ACM-20260404") == named(shop, "BOLT") == []
    assert named(shop, lot_address("http://x", number="ACM-20260404", sku="BOLT")) == []


def test_an_address_with_many_fields_is_known_to_nobody() -> None:
    crowded = "https://parts.example/scan?code=BOLT&" + "&".join(f"f{i}=1" for i in range(30))
    assert read_code(crowded, sku="x") == Code(text=crowded, sku="x")
