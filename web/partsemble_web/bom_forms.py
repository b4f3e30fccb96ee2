"""A BOM as its form holds it: lines as typed, and beside each what the estimate says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from werkzeug.datastructures import MultiDict

from partsemble_core.domain.boms import Bom
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.estimating import Estimate, LineEstimate
from partsemble_core.store.products import Product
from partsemble_web.forms import Form, rows_of

COMPONENT_FIELDS = ("line", "sku", "quantity", "scrap_percent", "optional", "designators")
COST_FIELDS = ("line", "kind", "label", "amount", "rate", "hours")
ALWAYS_THERE = frozenset({"line", "kind", "optional"})
"""What a line holds though nothing was typed into it."""
LINE = re.compile(r"[a-z0-9-]{1,20}", re.ASCII)
PLACE = re.compile(r"(components|cost_lines)\[([0-9]+)\]\.(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedLine:
    """A line of the form. ``key`` tells it from the others however they are moved; ``problems`` go by field."""

    key: str
    row: dict[str, str]
    told: LineEstimate | None = None
    cost: Decimal | None = None
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedBom:
    """The whole form. ``problem`` is what is wrong with the output quantity."""

    components: tuple[EditedLine, ...]
    cost_lines: tuple[EditedLine, ...]
    estimate: Estimate
    problem: str = ""

    @property
    def left_out(self) -> int:
        """How many lines the estimate goes without."""
        return sum(1 for line in (*self.components, *self.cost_lines) if line.problems)


def typed_form(given: MultiDict[str, str]) -> Form:
    """The form as it was sent. Lines without anything typed fall away; each of the others has a key of its own."""
    return Form(
        values={"output_quantity": given.get("output_quantity", "1"), "based_on": given.get("based_on", "")},
        rows={
            "components": _typed(rows_of(given, COMPONENT_FIELDS, key="sku")),
            "cost_lines": _typed(rows_of(given, COST_FIELDS, key="label", prefix="cost_")),
        },
    )


def stored_form(bom: Bom | None, products: dict[int, Product], *, based_on: int) -> Form:
    """The form that holds a version; ``based_on`` is the number of the one that is active, 0 where none is."""
    values = {"output_quantity": plain(bom.output_quantity) if bom else "1", "based_on": str(based_on)}
    if bom is None:
        return Form(values=values, rows={"components": (), "cost_lines": ()})
    components = [
        {
            "line": str(i),
            "sku": products[line.product_id].sku,
            "quantity": plain(line.quantity),
            "scrap_percent": plain(line.scrap_percent),
            "optional": "1" if line.optional else "",
            "designators": ", ".join(line.designators),
        }
        for i, line in enumerate(bom.components)
    ]
    costs = [
        {
            "line": str(i),
            "kind": line.kind.value,
            "label": line.label,
            "amount": plain(line.amount),
            "rate": plain(line.rate),
            "hours": plain(line.quantity),
        }
        for i, line in enumerate(bom.cost_lines)
    ]
    return Form(values=values, rows={"components": tuple(components), "cost_lines": tuple(costs)})


def edited(form: Form, estimate: Estimate, *, live: bool = False) -> EditedBom:
    """The form beside its estimate. ``live``: somebody is typing, so what is still empty isn't called wrong."""
    problems: dict[tuple[str, int], dict[str, str]] = {}
    of_output = ""
    for problem in estimate.problems:
        named = PLACE.fullmatch(problem.field)
        if named is None:
            of_output = problem.message if problem.field == "output_quantity" else of_output
            continue
        rows, place, name = form.rows[named[1]], int(named[2]), named[3]
        typed = rows[place].get("hours" if (named[1], name) == ("cost_lines", "quantity") else name, "")
        if typed or not live:
            problems.setdefault((named[1], place), {}).setdefault(name, problem.message)
    return EditedBom(
        components=tuple(
            EditedLine(key=row["line"], row=row, told=estimate.lines[i], problems=problems.get(("components", i), {}))
            for i, row in enumerate(form.rows["components"])
        ),
        cost_lines=tuple(
            EditedLine(
                key=row["line"], row=row, cost=estimate.cost_lines[i], problems=problems.get(("cost_lines", i), {})
            )
            for i, row in enumerate(form.rows["cost_lines"])
        ),
        estimate=estimate,
        problem=of_output,
    )


def plain(value: Decimal | None) -> str:
    """As a form's field holds it."""
    return "" if value is None else f"{value:f}"


def components_of(rows: Sequence[dict[str, str]]) -> list[ComponentInput]:
    """Component lines as typed."""
    return [
        ComponentInput(
            sku=row["sku"],
            quantity=row["quantity"],
            scrap_percent=row["scrap_percent"] or "0",
            optional=row["optional"] == "1",
            designators=tuple(part.strip() for part in row["designators"].split(",") if part.strip()),
        )
        for row in rows
    ]


def cost_lines_of(rows: Sequence[dict[str, str]]) -> list[CostInput]:
    """Cost lines as typed."""
    return [
        CostInput(kind=row["kind"], label=row["label"], amount=row["amount"], rate=row["rate"], quantity=row["hours"])
        for row in rows
    ]


def _typed(rows: Sequence[dict[str, str]]) -> tuple[dict[str, str], ...]:
    filled = [row for row in rows if any(text for name, text in row.items() if name not in ALWAYS_THERE)]
    seen: set[str] = set()
    for i, row in enumerate(filled):
        if not LINE.fullmatch(row["line"]) or row["line"] in seen:
            row["line"] = f"at-{i}"
        seen.add(row["line"])
    return tuple(filled)
