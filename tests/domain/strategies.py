"""What Hypothesis draws from: amounts from one millionth up to the limit, lots, and the settings of a law."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from partsemble_core.domain.amounts import from_millionths
from partsemble_core.domain.lots import OpenLot
from tests.domain.makers import a_lot

LAW = settings(max_examples=200, deadline=None)
"""A decorator. No deadline: a busy machine isn't a fault."""

LARGEST = 10**15 - 1
"""Millionths: 999,999,999.999999 is the largest value there is."""


def millionths(*, least: int = 0, most: int = LARGEST) -> st.SearchStrategy[int]:
    """Whole millionths; tiny, everyday and huge ones alike often, since uniform draws are all huge."""
    sizes = [size for size in (10, 10**7, 10**10, LARGEST) if least <= size < most]
    return st.one_of([*(st.integers(least, size) for size in sizes), st.integers(least, most)])


def quantities(*, most: int = LARGEST) -> st.SearchStrategy[Decimal]:
    """Above zero."""
    return millionths(least=1, most=most).map(from_millionths)


def costs(*, most: int = LARGEST) -> st.SearchStrategy[Decimal]:
    """Zero or more: goods may be free."""
    return millionths(most=most).map(from_millionths)


@st.composite
def open_lots(draw: st.DrawFn, *, product_id: int = 1, most: int = 6) -> list[OpenLot]:
    """Lots of one product in any order, received on few days so that days tie often."""
    ids = draw(st.lists(st.integers(1, 50), unique=True, max_size=most))
    return [
        a_lot(
            draw(quantities()),
            cost=draw(costs()),
            lot_id=i,
            product_id=product_id,
            day=draw(st.integers(1, 3)),
        )
        for i in ids
    ]
