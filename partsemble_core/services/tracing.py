"""Tracing: from any lot back to suppliers' lots and forward to where it is now, over all levels: the recall report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import sqlalchemy as sa

from partsemble_core.domain.amounts import add
from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.tracing import (
    Content,
    Feed,
    Making,
    Share,
    ended_in,
    part_of,
    sound_feeds,
    went_into,
    whole_of,
)
from partsemble_core.errors import NotFound, say
from partsemble_core.store import lineages
from partsemble_core.store.session import CompanySession

NOTHING = Decimal(0)
BUILD, SPLIT = "build", "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedLot:
    """A lot and where it came from. ``origin`` is the receipt, build, lot or opening that it came from, as people read
    it; ``supplier`` is empty unless it was received."""

    lot_id: int
    number: str
    product_id: int
    sku: str
    name: str
    unit: str
    state: str
    received_on: dt.date
    quantity_left: Decimal
    supplier: str
    receipt_id: int | None
    build_id: int | None
    split_from_id: int | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A lot before the traced one, ``level`` steps back. ``quantity`` of it, in its own unit, went in."""

    lot: TracedLot
    level: int
    quantity: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A lot after the traced one, ``level`` steps on. ``quantity`` of the traced lot, in its unit, is in all that was
    made; ``on_hand`` of it in the ``lot.quantity_left`` that is still there."""

    lot: TracedLot
    level: int
    quantity: Share
    on_hand: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where else some of the traced lot went: ``quantity`` of it, by the document ``reference``.

    ``kind``: in_review (a build that waits for approval), waste (a rejected build), adjustment (taken away above zero,
    found below), reversal. ``moved`` is what the document moved of ``lot``, in that lot's unit; a build has no lot.
    """

    kind: str
    reference: str
    lot: TracedLot | None
    moved: Decimal
    quantity: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the family tree: some of the lot ``from_id`` went into the lot ``into_id``, by the build
    ``reference`` or by a split. A build that gave no lot, waiting or rejected, has no ``into_id``."""

    from_id: int
    into_id: int | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MassBalance:
    """The traced lot's own line: what came in = what went out + what is there. Each figure in the lot's unit."""

    came_in: Decimal
    drawn: Decimal
    """By builds, less what came back."""
    split_off: Decimal
    adjusted: Decimal
    """Taken away less found, after reversals of adjustments."""
    reversed: Decimal
    sold: Decimal
    on_hand: Decimal

    @property
    def difference(self) -> Decimal:
        """Zero, or the ledger and the lot disagree: run the doctor."""
        out = (self.drawn, self.split_off, self.adjusted, self.reversed, self.sold, self.on_hand)
        return add([self.came_in, *(-quantity for quantity in out)])


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReport:
    """The recall report of one lot. Nearest lots come first.

    ``customers`` stays empty until sales are kept: goods leave through builds, adjustments and reversals alone by now.
    ``problems`` says where rows contradict each other, so that a figure may be short.
    """

    lot: TracedLot
    sources: tuple[Source, ...]
    products: tuple[Product, ...]
    places: tuple[Place, ...]
    customers: tuple[Place, ...]
    balance: MassBalance
    problems: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    """How the lots hang together: every step from a source to the lot, and from the lot to what was made."""

    @property
    def suppliers(self) -> tuple[Source, ...]:
        """The lots bought: where a recall starts or a complaint goes."""
        return tuple(source for source in self.sources if source.lot.receipt_id is not None)

    @property
    def accounted(self) -> Share:
        """All of the traced lot that was found again at its ends: on hand anywhere, wasted, in review, adjusted, sold.

        What came in lies between the two figures, else a problem is listed.
        """
        own = Share(least=self.balance.on_hand, most=self.balance.on_hand)
        ends = [own, *(p.on_hand for p in self.products), *(p.quantity for p in (*self.places, *self.customers))]
        return Share(least=add([end.least for end in ends]), most=add([end.most for end in ends]))


def trace_lot(session: CompanySession, lot_id: int) -> TraceReport:
    """Where the lot came from and where it went, over every level: four statements, whatever the size.

    Quantities are exact where a lot was drawn alone, and bounds where lots were pooled; `domain.tracing` says how.
    A lot that was made counts whole, as it was made, also if part of it was split off since. Raises NotFound.
    """
    rows = lineages.lots_around(session, lot_id)
    lots = {row["lot_id"]: _lot(row, rows) for row in rows}
    if lot_id not in lots:
        raise NotFound("lot", lot_id)
    splits = [_split(row) for row in rows if row["split_from_id"] is not None]
    found = {row["lot_id"]: row["found"] for row in rows}
    up_rows, down_rows = lineages.feeds_up(session, lot_id), lineages.feeds_down(session, lot_id)
    up = [*_builds(up_rows, found), *splits]
    down = [*_builds(down_rows, found), *splits]
    moves = lineages.moves_down(session, lot_id)
    balance = _balance(lots[lot_id], [move for move in moves if move["lot_id"] == lot_id])
    contents = ended_in(lot_id, add([balance.came_in, found[lot_id]]), down)
    by_lot = {making.lot_id: contents[making.key] for making in down if making.lot_id and making.key in contents}
    report = TraceReport(
        lot=lots[lot_id],
        sources=_sources(lot_id, lots, up),
        products=_products(lot_id, lots, down, by_lot),
        places=(*_unfinished(down_rows, contents), *_moved(lot_id, lots, moves, by_lot)),
        customers=(),
        balance=balance,
        problems=(),
    )
    references = {row["build_id"]: row["reference"] for row in (*up_rows, *down_rows)}
    return _with_problems(replace(report, steps=_steps(report, up, down, references)), (*up, *down))


def recall_rows(report: TraceReport) -> list[dict[str, object]]:
    """The report flat, a row a line: for a CSV download and a sheet to print. ``least`` and ``most`` are alike where
    exact. ``quantity`` of sources is in their own unit, of everything else in the traced lot's."""
    rows = [_flat("traced", 0, report.lot, Share(least=report.balance.came_in, most=report.balance.came_in))]
    rows += [_flat("source", source.level, source.lot, source.quantity) for source in report.sources]
    for product in report.products:
        rows.append(_flat("made", product.level, product.lot, product.quantity))
        if product.lot.quantity_left:
            rows.append(_flat("on_hand", product.level, product.lot, product.on_hand))
    own = Share(least=report.balance.on_hand, most=report.balance.on_hand)
    rows.append(_flat("on_hand", 0, report.lot, own))
    for place in (*report.places, *report.customers):
        rows.append(_flat(place.kind, 0, place.lot or report.lot, place.quantity) | {"reference": place.reference})
    return rows


def _flat(what: str, level: int, lot: TracedLot, share: Share) -> dict[str, object]:
    return {
        "what": what,
        "level": level,
        "sku": lot.sku,
        "name": lot.name,
        "lot": lot.number,
        "supplier": lot.supplier,
        "reference": lot.origin,
        "received_on": lot.received_on,
        "state": lot.state,
        "unit": lot.unit,
        "quantity_left": lot.quantity_left,
        "least": share.least,
        "most": share.most,
    }


def _lot(row: sa.RowMapping, rows: Sequence[sa.RowMapping]) -> TracedLot:
    parents = {parent["lot_id"]: parent["number"] for parent in rows} if row["split_from_id"] else {}
    origin = row["receipt"] or row["build"] or row["opening"] or parents.get(row["split_from_id"]) or ""
    names = ("lot_id", "number", "product_id", "sku", "name", "unit", "state", "received_on", "quantity_left")
    supplier = f"{row['supplier_code']} {row['supplier_name']}" if row["supplier_code"] else ""
    ids = {name: row[name] for name in ("receipt_id", "build_id", "split_from_id")}
    return TracedLot(**{name: row[name] for name in names}, **ids, supplier=supplier, origin=origin)


def _split(row: sa.RowMapping) -> Making:
    quantity = row["split_quantity"] or NOTHING
    feed = Feed(line=0, lot_id=row["split_from_id"], quantity=quantity)
    feeds = (feed,) if quantity else ()
    return Making(key=(SPLIT, row["lot_id"]), lot_id=row["lot_id"], quantity=quantity, feeds=feeds, found=row["found"])


def _builds(rows: Iterable[sa.RowMapping], found: Mapping[int, Decimal]) -> list[Making]:
    grouped: dict[int, list[sa.RowMapping]] = {}
    for row in rows:
        grouped.setdefault(row["build_id"], []).append(row)
    return [
        Making(
            key=(BUILD, build_id),
            lot_id=lines[0]["made_id"],
            quantity=lines[0]["quantity"],
            feeds=tuple(Feed(line=r["line"], lot_id=r["lot_id"], quantity=r["fed"]) for r in lines if r["fed"]),
            found=found.get(lines[0]["made_id"], NOTHING),
        )
        for build_id, lines in grouped.items()
    ]


def _sources(lot_id: int, lots: Mapping[int, TracedLot], makings: Sequence[Making]) -> tuple[Source, ...]:
    own = next((making for making in makings if making.lot_id == lot_id), None)
    if own is None:
        return ()
    used = went_into(lot_id, own.quantity, makings)
    levels = _levels(lot_id, {m.lot_id: [f.lot_id for f in sound_feeds(m)] for m in makings if m.lot_id is not None})
    sources = [Source(lot=lots[i], level=levels[i], quantity=share) for i, share in used.items()]
    return tuple(sorted(sources, key=lambda source: (source.level, source.lot.sku, source.lot.lot_id)))


def _products(
    lot_id: int, lots: Mapping[int, TracedLot], makings: Sequence[Making], contents: Mapping[int, Content]
) -> tuple[Product, ...]:
    steps: dict[int, list[int]] = {}
    for making in makings:
        for feed in sound_feeds(making):
            if making.lot_id is not None:
                steps.setdefault(feed.lot_id, []).append(making.lot_id)
    levels = _levels(lot_id, steps)
    products = [
        Product(
            lot=lots[i],
            level=levels[i],
            quantity=content.share,
            on_hand=part_of(content, lots[i].quantity_left),
        )
        for i, content in contents.items()
        if i in levels and i != lot_id
    ]
    return tuple(sorted(products, key=lambda product: (product.level, product.lot.sku, product.lot.lot_id)))


def _steps(
    report: TraceReport, up: Iterable[Making], down: Iterable[Making], references: Mapping[int, str]
) -> tuple[Step, ...]:
    """Between lots of the report alone: what else a later build took has no place in it."""
    own = report.lot.lot_id
    before = {own, *(source.lot.lot_id for source in report.sources)}
    after = {own, *(product.lot.lot_id for product in report.products)}
    steps: dict[tuple[int, object], Step] = {}
    for makings, inside in ((up, before), (down, after)):
        for making in makings:
            if making.lot_id is not None and making.lot_id not in inside:
                continue
            reference = references.get(making.key[1], "") if making.key[0] == BUILD else ""
            for feed in sound_feeds(making):
                if feed.lot_id in inside:
                    into = making.lot_id if making.lot_id is not None else making.key
                    steps[feed.lot_id, into] = Step(from_id=feed.lot_id, into_id=making.lot_id, reference=reference)
    return tuple(steps.values())


def _levels(start: int, steps: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The least number of steps from ``start`` to each lot."""
    levels = {start: 0}
    row = [start]
    while row:
        reached = dict.fromkeys(after for lot in row for after in steps.get(lot, ()) if after not in levels)
        levels |= dict.fromkeys(reached, levels[row[0]] + 1)
        row = list(reached)
    return levels


def _unfinished(rows: Iterable[sa.RowMapping], contents: Mapping[tuple[str, int], Content]) -> list[Place]:
    """Builds that took of the lot and gave no lot: they wait for approval, or were rejected: what is lost."""
    kinds = {BuildState.PENDING_QA.value: "in_review", BuildState.REJECTED.value: "waste"}
    builds = {row["build_id"]: row for row in rows if row["made_id"] is None}
    return [
        Place(
            kind=kinds.get(row["state"], row["state"]),
            reference=row["reference"],
            lot=None,
            moved=row["quantity"],
            quantity=contents[BUILD, build_id].share,
        )
        for build_id, row in builds.items()
        if (BUILD, build_id) in contents
    ]


def _moved(
    lot_id: int, lots: Mapping[int, TracedLot], moves: Iterable[sa.RowMapping], contents: Mapping[int, Content]
) -> list[Place]:
    """Adjustments and reversals of the lot and of what was made of it."""
    places = []
    for move in moves:
        away, lot = -move["quantity"], lots[move["lot_id"]]
        content = whole_of(abs(away)) if lot.lot_id == lot_id else contents.get(lot.lot_id)
        if move["way"] not in ("adjustment", "reversal") or not away or content is None:
            continue
        share = part_of(content, abs(away))
        if away < 0:  # found: of the traced lot less is missing, of another lot nobody knows what was found
            share = Share(least=away, most=away) if lot.lot_id == lot_id else Share(least=NOTHING, most=NOTHING)
        places.append(Place(kind=move["way"], reference=move["reference"], lot=lot, moved=away, quantity=share))
    return places


def _balance(lot: TracedLot, moves: Sequence[sa.RowMapping]) -> MassBalance:
    def total(way: str, *, came: bool | None = None) -> Decimal:
        return add([m["quantity"] for m in moves if m["way"] == way and came in (None, m["quantity"] > 0)])

    ways = ("receipt", "build", "opening")
    return MassBalance(
        came_in=add([*(total(way) for way in ways), total("split", came=True)]),
        drawn=-total("drawn"),
        split_off=-total("split", came=False),
        adjusted=-total("adjustment"),
        reversed=-total("reversal"),
        sold=-total("sale"),
        on_hand=lot.quantity_left,
    )


def _with_problems(report: TraceReport, makings: Iterable[Making]) -> TraceReport:
    problems: list[str] = []
    if report.balance.difference:
        problems.append(
            say(
                "Lot {number}: {difference} of what came in isn't accounted for. Run the doctor.",
                number=report.lot.number,
                difference=report.balance.difference,
            )
        )
    came, ends = report.balance.came_in, report.accounted
    if not ends.least <= came <= ends.most:
        problems.append(
            say(
                "{came} came in, but between {least} and {most} was found again. Run the doctor.",
                came=came,
                least=ends.least,
                most=ends.most,
            )
        )
    for making in makings:
        if len(sound_feeds(making)) < len(making.feeds):
            problems.append(
                say(
                    "{kind} {number} took of a lot newer than what it made. Run the doctor.",
                    kind=making.key[0],
                    number=making.key[1],
                )
            )
    return replace(report, problems=tuple(dict.fromkeys(problems)))
