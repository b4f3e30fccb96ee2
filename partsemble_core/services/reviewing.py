"""Reviewing: a build that was executed under quality review is approved, and its lot comes in, or it is rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from partsemble_core.domain.boms import BuildCost, CostKind
from partsemble_core.domain.builds import BuildState, Costing
from partsemble_core.domain.fifo import Draw
from partsemble_core.domain.products import clean_text
from partsemble_core.domain.quality import (
    Recovery,
    Return,
    Taken,
    give_back,
    lost_cost,
    parse_reason,
    parse_recovery,
)
from partsemble_core.errors import Forbidden, Invalid, Wording, WrongState, say, word
from partsemble_core.services.acting import Act, person_of
from partsemble_core.services.closing import check_day_is_open
from partsemble_core.services.executing import open_output, signed
from partsemble_core.services.exporting import queue_build, queue_waste
from partsemble_core.services.noticing import clock_of
from partsemble_core.services.pinpointing import of_component
from partsemble_core.services.restoring import restore_lots
from partsemble_core.services.telling import tell_build
from partsemble_core.store.builds import Build, build_for_update, cost_lines_of, lines_of, need_of, taken_of
from partsemble_core.store.companies import options_of
from partsemble_core.store.lots import (
    DocumentKind,
    gates_for_update,
    lots_for_update,
    move_gates,
    record_returns,
)
from partsemble_core.store.products import get_product, products_by_id
from partsemble_core.store.session import CompanySession, LockRank

NOTE = 2_000


def approve(session: CompanySession, act: Act, build_id: int, *, note: object = "") -> Build:
    """The build was good: its lot comes in today, at exactly what it cost, and its journal of today is queued.

    Raises WrongState for a build that doesn't wait for review, Forbidden for the one who executed it where another is
    asked for, PeriodLocked, AccountNotSet, NotFound; then nothing has happened.
    """
    words = clean_text(note, field="note", length=NOTE, required=False)
    build = _pending(session, act, build_id)
    if options_of(session).approver_differs and person_of(build.executed_by) == person_of(act.by):
        raise Forbidden(
            say("{by} executed {reference}. Somebody else has to approve it.", by=act.by, reference=build.reference)
        )
    costing = costing_of(session, build)
    gates = gates_for_update(session, [build.product_id])
    session.locking(LockRank.LOT)
    open_output(session, act, build, costing.total, on=act.today)
    move_gates(session, gates, [(build.product_id, build.quantity, costing.total)])
    _reviewed(build, act, state=BuildState.COMPLETED, note=words)
    products = products_by_id(session, {build.product_id, *(need.product_id for need in costing.needs)})
    session.flush()
    queue_build(
        session,
        act,
        build,
        product=products[build.product_id],
        costing=costing,
        components=products,
        posted_on=act.today,
    )
    tell_build(session, act, build, product=products[build.product_id])
    return build


def reject(
    session: CompanySession,
    act: Act,
    build_id: int,
    *,
    reason: object,
    recovery: object,
    recovered: Mapping[int, object] | None = None,
    note: object = "",
) -> Build:
    """The build was no good. Nothing is made, and what it took comes back today as far as it can be used again.

    ``recovery`` full: every lot gets back exactly what was taken. total_loss: nothing comes back. partial: of each
    line, counted from 0, the quantity ``recovered`` says, to the lots last taken from first. What doesn't come back is
    waste at its cost, posted as ``PSB-000123-W``; labour and other cost lines were never in stock and are no part of
    it. Raises Invalid, WrongState, PeriodLocked, AccountNotSet (a loss, and no waste account), NotFound.
    """
    why, how = parse_reason(reason), parse_recovery(recovery)
    words = clean_text(note, field="note", length=NOTE, required=False)
    build = _pending(session, act, build_id)
    taken = taken_of(session, build.id)
    try:
        returns = _returns(taken, how, recovered)
    except Invalid as error:
        raise _naming(session, taken, error) from error
    _give_back(session, act, build, returns)
    build.waste_cost = lost_cost(taken, returns)
    build.reject_reason, build.recovery = why, how
    _reviewed(build, act, state=BuildState.REJECTED, note=words)
    session.flush()
    if build.waste_cost:
        queue_waste(session, act, build, cost=build.waste_cost, product=get_product(session, build.product_id))
    return build


def _pending(session: CompanySession, act: Act, build_id: int) -> Build:
    build = build_for_update(session, build_id)
    if build.state != BuildState.PENDING_QA:
        raise WrongState(_why_not(session, build))
    check_day_is_open(session, act.today, field="reviewed_on")
    return build


def _why_not(session: CompanySession, build: Build) -> Wording:
    """Why a build doesn't wait for review: mostly because somebody was faster."""
    if build.reviewed_at is None:
        state = word(build.state)
        return say("{reference} is {state}: it doesn't wait for review.", reference=build.reference, state=state)
    by, at = build.reviewed_by, clock_of(session, build.reviewed_at)
    if build.state == BuildState.REJECTED:
        return say(
            "{reference} was rejected by {by} on {at}. There is nothing left to review.",
            reference=build.reference,
            by=by,
            at=at,
        )
    return say(
        "{reference} was approved by {by} on {at}. There is nothing left to review.",
        reference=build.reference,
        by=by,
        at=at,
    )


def _reviewed(build: Build, act: Act, *, state: BuildState, note: str) -> None:
    build.state = state
    build.reviewed_at = act.at
    build.reviewed_by = act.by
    build.review_note = note


def costing_of(session: CompanySession, build: Build) -> Costing:
    """What the build took and cost when it was executed, read from its rows."""
    taken = taken_of(session, build.id)
    return Costing(
        quantity=build.quantity,
        needs=tuple(need_of(line) for line in lines_of(session, build.id)),
        draws=tuple(
            Draw(line=t.line, product_id=t.product_id, lot_id=t.lot_id, quantity=t.quantity, cost=t.cost) for t in taken
        ),
        costs=tuple(
            BuildCost(kind=CostKind(line.kind), label=line.label, cost=line.cost)
            for line in cost_lines_of(session, build.id)
        ),
    )


def _returns(taken: Sequence[Taken], recovery: Recovery, recovered: Mapping[int, object] | None) -> tuple[Return, ...]:
    if recovery == Recovery.PARTIAL:
        if not recovered:
            raise Invalid("recovered", "Say for each component how much comes back, or reject it as a total loss.")
        return give_back(taken, recovered)
    if recovered:
        raise Invalid(
            "recovered",
            say(
                "Recovered quantities go with a partial recovery, not {recovery}. Leave them out.",
                recovery=word(recovery),
            ),
        )
    return give_back(taken) if recovery == Recovery.FULL else ()


def _naming(session: CompanySession, taken: Sequence[Taken], error: Invalid) -> Invalid:
    """The refusal of a line, with the component as people know it."""
    used = {f"recovered[{draw.line}]": draw.product_id for draw in taken}
    if error.field not in used:
        return error
    return of_component(error, get_product(session, used[error.field]).sku)


def _give_back(session: CompanySession, act: Act, build: Build, returns: Sequence[Return]) -> None:
    if not returns:
        return
    gates = gates_for_update(session, {back.product_id for back in returns})
    lots = lots_for_update(session, {back.lot_id for back in returns})
    restore_lots(session, lots, returns)
    record_returns(
        session,
        returns,
        entry=signed(act, build, on=act.today),
        kind=DocumentKind.BUILD,
        document_id=build.id,
    )
    move_gates(session, gates, [(back.product_id, back.quantity, back.cost) for back in returns])
