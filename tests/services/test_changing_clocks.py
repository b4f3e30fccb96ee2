"""A company's clock isn't put back behind what has happened: what came next would be dated before it."""

from __future__ import annotations

import datetime as dt

import pytest

from partsemble_core.errors import Invalid
from partsemble_core.services.incorporating import change_company
from partsemble_core.store.companies import get_company
from tests.services.makers import NOW, Shop, a_shop, refused

HONOLULU = "Pacific/Honolulu"  # half past eleven in the evening before, by NOW
TODAY, YESTERDAY = "2026-05-04", "2026-05-03"


def set_clock(shop: Shop, timezone: str, *, at: dt.datetime = NOW) -> None:
    shop.write(lambda session: change_company(session, name="Acme Assembly", timezone=timezone, at=at))


def clock_of(shop: Shop) -> str:
    with shop.reading() as session:
        return get_company(session).timezone


def test_a_clock_is_not_put_back_behind_what_has_happened(shop: Shop) -> None:
    shop.products("BOLT")
    shop.stock("BOLT", "10", on=YESTERDAY)
    shop.stock("BOLT", "10", on=TODAY)
    with refused(shop, Invalid, "invalid", field="timezone", says="still 2026-05-03, but something happened on 2026-0"):
        set_clock(shop, HONOLULU)
    assert clock_of(shop) == "UTC"
    set_clock(shop, "Pacific/Auckland")
    set_clock(shop, HONOLULU, at=NOW + dt.timedelta(hours=1))
    assert clock_of(shop) == HONOLULU, "as soon as that day has come there"


def test_what_others_did_does_not_count(shop: Shop) -> None:
    other = a_shop(shop.engine)
    other.products("BOLT")
    other.stock("BOLT", "10", on=TODAY)
    shop.products("BOLT")
    shop.stock("BOLT", "10", on=YESTERDAY)
    set_clock(shop, HONOLULU)
    assert clock_of(shop) == HONOLULU
    with pytest.raises(Invalid):
        set_clock(other, HONOLULU)
