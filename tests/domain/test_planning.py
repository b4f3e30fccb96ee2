"""What to build and buy next, and what planned builds leave over."""

from __future__ import annotations

from decimal import Decimal

import pytest

from partsemble_core.domain.planning import (
    BuildAlert,
    buildable_with_reservation,
    check_targets,
    reserved,
    short_over_all,
    suggest,
)
from partsemble_core.errors import Invalid
from tests.domain.makers import Amount, a_bom, a_component, a_need, exact


def alert_at(
    stock: Amount, *, planned: Amount = 0, point: Amount = 20, target: Amount = 50
) -> tuple[Decimal, BuildAlert]:
    found = suggest(stock=exact(stock), planned=exact(planned), point=exact(point), target=exact(target))
    return found.quantity, found.alert


def test_n10_stock_2_at_point_3_and_target_10_suggests_8() -> None:
    assert alert_at(2, point=3, target=10) == (8, BuildAlert.BELOW)


@pytest.mark.parametrize(
    ("stock", "expected"),
    [
        ("19.999999", BuildAlert.BELOW),
        ("20", BuildAlert.BELOW),
        ("20.000001", BuildAlert.APPROACHING),
        ("30", BuildAlert.APPROACHING),
        ("30.000001", BuildAlert.NONE),
    ],
)
def test_n11_from_point_20_to_30_stock_is_approaching(stock: str, expected: BuildAlert) -> None:
    assert alert_at(stock)[1] is expected


def test_what_is_planned_is_not_suggested_again() -> None:
    assert alert_at(2, planned=1, point=3, target=10) == (7, BuildAlert.BELOW)
    assert alert_at(2, planned=8, point=3, target=10) == (0, BuildAlert.NONE)


def test_optional_needs_reserve_nothing() -> None:
    needs = [a_need(2), a_need(3), a_need(4, product_id=2, optional=True)]
    assert reserved(needs) == {1: 5}


def test_shortages_are_over_all_builds_together() -> None:
    needs = [a_need(6), a_need(5), a_need(1, product_id=2), a_need(1, product_id=3)]
    short = short_over_all(needs, {1: exact(10), 2: exact(1)})
    assert [(s.product_id, s.needed, s.available) for s in short] == [(1, 11, 10), (3, 1, 0)]


def test_n4_with_reservation_leaves_what_planned_builds_do_not_need() -> None:
    bom = a_bom(a_component(1), a_component(2, quantity=2))
    stock = {1: exact(50), 2: exact(40)}
    assert buildable_with_reservation(bom, stock, []) == 20
    assert buildable_with_reservation(bom, stock, [a_need(31, product_id=2)]) == 4
    assert buildable_with_reservation(bom, stock, [a_need(99, product_id=2)]) == 0


@pytest.mark.parametrize(
    ("point", "target", "field"), [("3", None, "build_target"), (None, "3", "build_point"), ("3", "3", "build_target")]
)
def test_a_build_point_needs_a_target_above_it(point: str | None, target: str | None, field: str) -> None:
    check_targets(exact(3), exact("3.000001"))
    check_targets(None, None)
    with pytest.raises(Invalid) as caught:
        check_targets(exact(point) if point else None, exact(target) if target else None)
    assert caught.value.field == field
