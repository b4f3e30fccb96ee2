from __future__ import annotations

import pytest

from partsemble_core.errors import Invalid
from partsemble_core.services.opting import set_options
from partsemble_core.store.companies import options_of
from tests.services.makers import Shop, refused


def options(shop: Shop) -> dict[str, object]:
    names = ("qa_review", "approver_differs", "reserve_stock", "block_expired", "draw_order", "locked_through")
    with shop.reading() as session:
        found = options_of(session)
        return {name: getattr(found, name) for name in names}


def test_options_that_are_not_named_stay_as_they_are(shop: Shop) -> None:
    before = options(shop)
    shop.write(lambda session: set_options(session, {"qa_review": True, "draw_order": "fefo"}))
    shop.write(lambda session: set_options(session, {"reserve_stock": True}))
    shop.write(lambda session: set_options(session, {}))
    assert options(shop) == before | {"qa_review": True, "draw_order": "fefo", "reserve_stock": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("qa_review", "on"),
        ("qa_review", 1),
        ("qa_review", None),
        ("draw_order", "lifo"),
        ("draw_order", True),
        ("locked_through", None),
        ("company_id", 2),
        ("colour", True),
    ],
)
def test_an_option_that_can_t_be_is_refused_and_none_is_changed(shop: Shop, name: str, value: object) -> None:
    with refused(shop, Invalid, "invalid", field=name):
        shop.write(lambda session: set_options(session, {"block_expired": True, name: value}))
