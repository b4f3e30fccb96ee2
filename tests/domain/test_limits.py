"""What a build makes has to fit where it is kept: below 1,000,000,000, as everything that is typed in."""

from __future__ import annotations

import pytest

from partsemble_core.domain.boms import costs_of, needs_of
from partsemble_core.domain.builds import cost_build
from partsemble_core.errors import Invalid
from tests.domain.makers import a_bom, a_component, a_fixed_cost, a_lot, exact


def test_a_need_beyond_the_limit_is_refused() -> None:
    with pytest.raises(Invalid):
        needs_of(a_bom(a_component(1, quantity=10**6)), exact(10**6))


def test_a_cost_line_multiplied_beyond_the_limit_is_refused() -> None:
    with pytest.raises(Invalid):
        costs_of(a_bom(costs=[a_fixed_cost(10**6)]), exact(10**6))


def test_a_total_beyond_the_limit_is_refused() -> None:
    lots = [a_lot(1, cost=999_999_999, product_id=p, lot_id=p) for p in (1, 2)]
    with pytest.raises(Invalid):
        cost_build(a_bom(a_component(1), a_component(2)), exact(1), lots)
