"""What a form offers of very many products: the first, how many there are, and whatever is searched for."""

from __future__ import annotations

import pytest

from partsemble_core.errors import Invalid
from partsemble_core.services.picking import FOUND, IN_A_FORM, Offer, find_products, offer_products
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession
from tests.services.makers import Shop, a_shop
from tests.web.many import add_many

MANY = 2_100


@pytest.fixture
def big(shop: Shop) -> Shop:
    """2,100 screws, and a shelf of bolts that stands last; another company has as many screws."""
    for each in (shop, a_shop(shop.engine)):
        each.write(lambda session: add_many(session, each.act.at, MANY))  # noqa: B023
    shop.products("Z-BOLT", "Z-SHELF")
    shop.bom("Z-SHELF", {"Z-BOLT": "1"})
    return shop


def offered(shop: Shop, **how: object) -> Offer:
    with shop.reading() as session:
        return offer_products(session, **how)  # type: ignore[arg-type]


def found(shop: Shop, text: str, **how: object) -> list[str]:
    with shop.reading() as session:
        return [product.sku for product in find_products(session, text, **how)]  # type: ignore[arg-type]


def test_a_few_products_are_all_offered(shop: Shop) -> None:
    shop.products("BOLT", "KIT")
    offer = offered(shop)
    assert ([product.sku for product in offer.products], offer.total, offer.is_cut) == (["BOLT", "KIT"], 2, False)
    assert offered(shop, buildable=True) == Offer(products=[], total=0)


def test_of_very_many_the_first_are_offered_and_all_are_counted(big: Shop) -> None:
    offer = offered(big)
    assert (len(offer.products), offer.shown, offer.total, offer.is_cut) == (IN_A_FORM, IN_A_FORM, MANY + 2, True)
    assert [product.sku for product in offer.products[:2]] == ["SCREW-0000", "SCREW-0001"]
    shelf = big.find("Z-SHELF").id
    assert offered(big, but=shelf).total == MANY + 1
    assert [product.sku for product in offered(big, chosen=shelf).products[IN_A_FORM:]] == ["Z-SHELF"]
    first = offer.products[0].id
    assert len(offered(big, chosen=first).products) == IN_A_FORM, "it is there already"
    assert len(offered(big, chosen=0).products) == IN_A_FORM
    assert [product.sku for product in offered(big, buildable=True).products] == ["Z-SHELF"]


def test_any_of_very_many_is_found_by_words_of_its_sku_and_name(big: Shop) -> None:
    assert found(big, "bolt") == ["Z-BOLT"]
    assert found(big, "2099 SCREW") == ["SCREW-2099"]
    assert found(big, "length 1999") == ["SCREW-1999"], "by its name"
    assert found(big, "screw-20")[:2] == ["SCREW-2000", "SCREW-2001"]
    assert found(big, "20")[0] == "SCREW-0020", "no SKU begins with it, so they come by SKU"
    assert (len(found(big, "screw")), len(found(big, ""))) == (FOUND, FOUND)
    assert found(big, "100%") == []
    assert found(big, "z") == ["Z-BOLT", "Z-SHELF"]
    assert found(big, "z", buildable=True) == ["Z-SHELF"]
    assert found(big, "z", but=big.find("Z-BOLT").id) == ["Z-SHELF"]
    with pytest.raises(Invalid):
        found(big, "x" * 201)


def test_what_begins_with_it_comes_first(shop: Shop) -> None:
    shop.products("A-NUT", "NUT-2", "NUT-1", "M-NUT")
    assert found(shop, "nut") == ["NUT-1", "NUT-2", "A-NUT", "M-NUT"]


def test_what_is_inactive_is_neither_offered_nor_found(shop: Shop) -> None:
    shop.products("BOLT", "NUT")

    def switch_off(session: CompanySession) -> None:
        session.get_one(Product, shop.find("NUT").id).is_active = False

    shop.write(switch_off)
    assert offered(shop).total == 1
    assert found(shop, "nut") == []
