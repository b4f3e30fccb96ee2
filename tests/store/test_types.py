from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from partsemble_core.errors import say, word
from partsemble_core.store.base import Millionths, UtcDateTime
from partsemble_core.store.database import write
from partsemble_core.store.products import Product
from partsemble_core.store.session import CompanySession
from tests.domain.strategies import LARGEST, LAW
from tests.store.rows import fill

SQLITE = sa.create_engine("sqlite://").dialect
EAST = dt.timezone(dt.timedelta(hours=12, minutes=45))


@LAW
@given(st.integers(-LARGEST, LARGEST))
def test_an_amount_comes_back_as_it_went_in(units: int) -> None:
    column = Millionths()
    value = column.process_result_value(units, SQLITE)
    assert column.process_bind_param(value, SQLITE) == units


@pytest.mark.parametrize("value", [1.0, 0.1, float("nan"), True, False, "1.00", b"1", [1]])
def test_only_exact_numbers_are_kept_as_amounts(value: object) -> None:
    with pytest.raises(TypeError, match="an amount must be a Decimal"):
        Millionths().process_bind_param(value, SQLITE)


@pytest.mark.parametrize("value", ["0.0000001", "1.0000005", "NaN", "Infinity", "-Infinity"])
def test_an_amount_is_never_rounded_on_its_way_to_the_database(value: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Millionths().process_bind_param(Decimal(value), SQLITE)


def test_an_amount_goes_through_the_database_and_back(engine: sa.Engine) -> None:
    fill(engine, 1)
    for value in ("0", "12.5", "999999999.999999", "0.000001"):
        kept = reread(engine, reorder_point=Decimal(value)).reorder_point
        assert (kept, str(kept), type(kept)) == (Decimal(value), value, Decimal)


def test_the_session_refuses_a_float(engine: sa.Engine) -> None:
    fill(engine, 1)
    for value in (1.5, True):
        with pytest.raises(sa.exc.StatementError, match="an amount must be a Decimal"):
            reread(engine, reorder_point=value)


def test_a_time_comes_back_in_utc_with_its_zone(engine: sa.Engine) -> None:
    fill(engine, 1)
    local = dt.datetime(2026, 5, 4, 22, 15, 0, 123456, tzinfo=EAST)
    kept = reread(engine, created_at=local).created_at
    assert kept == local
    assert kept.utcoffset() == dt.timedelta(0)
    assert kept.isoformat() == "2026-05-04T09:30:00.123456+00:00"


def test_a_time_is_compared_as_a_point_in_time(engine: sa.Engine) -> None:
    fill(engine, 1)
    local = dt.datetime(2026, 5, 4, 22, 45, tzinfo=EAST)
    reread(engine, created_at=local)

    def count(session: CompanySession) -> int | None:
        same = Product.created_at == local.astimezone(dt.UTC)
        return session.scalar(sa.select(sa.func.count()).select_from(Product).where(same))

    assert write(engine, 1, count) == 1


def test_a_time_without_a_zone_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        UtcDateTime().process_bind_param(dt.datetime(2026, 5, 4), SQLITE)  # noqa: DTZ001 - the point of it


def test_a_text_of_ours_is_kept_as_its_english(engine: sa.Engine) -> None:
    fill(engine, 1)
    kept = reread(engine, name=say("{what}: 5 % of {key}", what=word("Lot"), key="{x}")).name
    assert (kept, type(kept)) == ("Lot: 5 % of {x}", str)


def reread(engine: sa.Engine, **values: object) -> Product:
    """The company's product, changed and read again by another session."""

    def change(session: CompanySession) -> None:
        product = session.get_one(Product, 1)
        for name, value in values.items():
            setattr(product, name, value)

    write(engine, 1, change)
    return write(engine, 1, lambda session: session.get_one(Product, 1))
