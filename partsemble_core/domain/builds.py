"""Builds: components in, one lot out, at exactly the cost that went in."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from partsemble_core.domain.amounts import add, check_limit, unit_cost
from partsemble_core.domain.boms import Bom, BuildCost, costs_of, needs_of
from partsemble_core.domain.fifo import Draw, Need, Shortage, draw_what_is_there
from partsemble_core.domain.lots import OpenLot


class BuildState(enum.StrEnum):
    PLANNED = "planned"
    PENDING_QA = "pending_qa"
    COMPLETED = "completed"
    REJECTED = "rejected"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costing:
    """What a build takes and costs. Law 3: ``components_cost`` + ``added_cost`` = ``total``, exactly."""

    quantity: Decimal
    needs: tuple[Need, ...]
    draws: tuple[Draw, ...]
    costs: tuple[BuildCost, ...]
    shortages: tuple[Shortage, ...] = ()

    @property
    def components_cost(self) -> Decimal:
        return add([d.cost for d in self.draws])

    @property
    def added_cost(self) -> Decimal:
        return add([c.cost for c in self.costs])

    @property
    def total(self) -> Decimal:
        return add([self.components_cost, self.added_cost])

    @property
    def unit_cost(self) -> Decimal:
        return unit_cost(self.total, self.quantity)


def cost_build(bom: Bom, quantity: Decimal, lots: Sequence[OpenLot]) -> Costing:
    """The whole costing of making ``quantity`` from ``lots``: the one path of preview and execution.

    Raises Invalid where it comes to more than can be kept.
    """
    needs = needs_of(bom, quantity)
    draws, shortages = draw_what_is_there(needs, lots)
    costs = costs_of(bom, quantity)
    costing = Costing(quantity=quantity, needs=needs, draws=draws, costs=costs, shortages=shortages)
    check_limit(costing.total, field="quantity", what="The cost of the build", cure="Build less.")
    check_limit(costing.unit_cost, field="quantity", what="The cost of one unit", cure="Build more at a time.")
    return costing
