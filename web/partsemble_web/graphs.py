"""The trace of a lot as a drawing: suppliers' lots left, the lot in the middle, what was made of it right.

Columns are steps. A lot stands as many columns from the middle as its longest way there is, so that every line runs
from left to right; within a column, lots stand near what they are joined to. All measures are in pixels of the drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from partsemble_core.services.tracing import Place, Step, TracedLot, TraceReport

WIDTH, HEIGHT = 172, 46
COLUMN, ROW = 220, 62
MARGIN = 12
MOST = 160
"""A drawing of more lots is a thicket: the lists below it say the same."""
LETTERS = 21
Key = tuple[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box: a lot, or a build that gave none. ``look`` says how it is drawn."""

    x: int
    y: int
    look: str
    lot: TracedLot | None
    reference: str

    @property
    def title(self) -> str:
        return _short(self.lot.number if self.lot else self.reference)

    @property
    def sku(self) -> str:
        return _short(self.lot.sku) if self.lot else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """``lines`` are what SVG paths take."""

    nodes: tuple[Node, ...]
    lines: tuple[str, ...]
    width: int
    height: int

    @property
    def box(self) -> str:
        return f"0 0 {self.width} {self.height}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A lot in the nested list. What comes after it is told once: ``is_told`` where that was further up."""

    lot: TracedLot | None
    reference: str
    branches: tuple[Branch, ...]
    is_told: bool


def draw(report: TraceReport) -> Graph | None:
    """The drawing. None where there is nothing but the lot itself, or more than a drawing can show."""
    lots, ends = _lots(report), _ends(report)
    columns = _columns(report, ends)
    if not 1 < len(columns) <= MOST:
        return None
    joined = _joined(report.steps)
    rows = _rows(columns, joined)
    first = min(columns.values())
    tallest = max(len(keys) for keys in rows.values())
    nodes: dict[Key, Node] = {}
    for column, keys in rows.items():
        top = MARGIN + (tallest - len(keys)) * ROW // 2
        for at, key in enumerate(keys):
            lot = lots.get(key)
            nodes[key] = Node(
                x=MARGIN + (column - first) * COLUMN,
                y=top + at * ROW,
                look=_look(column, lot, ends.get(key)),
                lot=lot,
                reference=lot.origin if lot else str(key[1]),
            )
    lines = tuple(_line(nodes[start], nodes[end]) for start, end in joined if start in nodes and end in nodes)
    width = 2 * MARGIN + (len(rows) - 1) * COLUMN + WIDTH
    return Graph(
        nodes=tuple(nodes.values()), lines=lines, width=width, height=2 * MARGIN + tallest * ROW - ROW + HEIGHT
    )


def branches(report: TraceReport, *, back: bool) -> tuple[Branch, ...]:
    """The same as a nested list: what went into the lot, or what was made of it."""
    after: dict[Key, list[Key]] = {}
    for start, end in _joined(report.steps):
        before, then = (end, start) if back else (start, end)
        after.setdefault(before, []).append(then)
    told: set[Key] = set()
    return _branches(("lot", report.lot.lot_id), after, _lots(report), told)


def _branches(
    key: Key, after: Mapping[Key, Sequence[Key]], lots: Mapping[Key, TracedLot], told: set[Key]
) -> tuple[Branch, ...]:
    found = []
    for then in after.get(key, ()):
        lot, is_told = lots.get(then), then in told and bool(after.get(then))
        told.add(then)
        below = () if is_told else _branches(then, after, lots, told)
        found.append(Branch(lot=lot, reference=lot.origin if lot else str(then[1]), branches=below, is_told=is_told))
    return tuple(found)


def _lots(report: TraceReport) -> dict[Key, TracedLot]:
    found = (report.lot, *(source.lot for source in report.sources), *(product.lot for product in report.products))
    return {("lot", lot.lot_id): lot for lot in found}


def _ends(report: TraceReport) -> dict[Key, Place]:
    """Builds that took of the lot and gave none."""
    return {("build", place.reference): place for place in report.places if place.lot is None}


def _joined(steps: Iterable[Step]) -> list[tuple[Key, Key]]:
    return [
        (("lot", step.from_id), ("lot", step.into_id) if step.into_id is not None else ("build", step.reference))
        for step in steps
    ]


def _columns(report: TraceReport, ends: Mapping[Key, Place]) -> dict[Key, int]:
    """How many steps each stands from the middle, by its longest way: before it below zero. A lot is newer than all
    that went into it, so one pass in the order of ids sees each after those that it depends on."""
    middle: Key = ("lot", report.lot.lot_id)
    columns = {middle: 0}
    steps = [step for step in report.steps if step.into_id is not None]
    for step in sorted(steps, key=lambda each: (each.into_id or 0, each.from_id), reverse=True):
        into, start = ("lot", step.into_id), ("lot", step.from_id)
        if into in columns and columns[into] <= 0:
            columns[start] = min(columns.get(start, 0), columns[into] - 1)
    for step in sorted(steps, key=lambda each: (each.from_id, each.into_id or 0)):
        start, into = ("lot", step.from_id), ("lot", step.into_id)
        if columns.get(start, -1) >= 0:
            columns[into] = max(columns.get(into, 0), columns[start] + 1)
    for taken, end in _joined(report.steps):
        if end in ends and taken in columns:
            columns[end] = max(columns.get(end, 0), columns[taken] + 1)
    return columns


def _rows(columns: Mapping[Key, int], joined: Sequence[tuple[Key, Key]]) -> dict[int, list[Key]]:
    """The keys of each column from top to bottom, from the middle outwards: near the middle of what they join."""
    beside: dict[Key, list[Key]] = {}
    for start, end in joined:
        beside.setdefault(start, []).append(end)
        beside.setdefault(end, []).append(start)
    rows: dict[int, list[Key]] = {}
    heights: dict[Key, float] = {}
    for column in sorted(set(columns.values()), key=abs):
        keys = [key for key, found in columns.items() if found == column]

        near = {key: [heights[other] for other in beside.get(key, ()) if other in heights] for key in keys}
        wanted = {key: fmean(found) if found else 0.0 for key, found in near.items()}
        rows[column] = sorted(keys, key=lambda key: (wanted[key], str(key[1])))
        heights |= {key: at - (len(keys) - 1) / 2 for at, key in enumerate(rows[column])}
    return dict(sorted(rows.items()))


def _look(column: int, lot: TracedLot | None, place: Place | None) -> str:
    if lot is None:
        return "waste" if place is not None and place.kind == "waste" else "review"
    if column == 0:
        return "middle"
    if lot.state == "held":
        return "held"
    return "there" if lot.quantity_left else "gone"


def _line(start: Node, end: Node) -> str:
    """From the right side of one box to the left side of the other, level at both ends."""
    x, y = start.x + WIDTH, start.y + HEIGHT // 2
    to_x, to_y = end.x, end.y + HEIGHT // 2
    bend = (COLUMN - WIDTH) // 2
    return f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
