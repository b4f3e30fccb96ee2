"""Queueing: the order in which planned builds are served, what each of them lacks, and what is done to many at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.domain.fifo import Need, Shortage
from partsemble_core.domain.planning import short_in_order
from partsemble_core.errors import Conflict, Invalid, say
from partsemble_core.services.acting import Act
from partsemble_core.services.lacking import held_from, held_of
from partsemble_core.services.picking import newer_versions
from partsemble_core.services.planning import cancel_planned, edit_planned, refresh_to_active_bom, reorder
from partsemble_core.store.availability import takeable
from partsemble_core.store.builds import (
    Build,
    BuildLine,
    get_build,
    hold_planning,
    is_planned,
    need_of,
    planned_builds,
    planned_builds_for_update,
)
from partsemble_core.store.companies import options_of
from partsemble_core.store.products import Product, products_by_id
from partsemble_core.store.session import CompanySession

AT_ONCE = 500
STEPS = ("top", "up", "down", "bottom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A planned build in its place. ``shortages`` are what it would lack today: with reservation, of what the builds
    before it leave over; without, of all that is there. ``newer`` is the active BOM version it doesn't go by.
    """

    place: int
    build: Build
    product: Product
    shortages: tuple[tuple[Product, Shortage], ...]
    newer: int | None


def list_queue(session: CompanySession, *, today: dt.date) -> list[Queued]:
    """All planned builds in order, in the same few statements however many there are."""
    planned = planned_builds(session)
    needs = _needs(session)
    options = options_of(session)
    ids = {need.product_id for each in needs.values() for need in each}
    there = takeable(session, ids, not_expired_on=today if options.block_expired else None)
    wanted = [needs.get(build.id, []) for build in planned]
    short = short_in_order(wanted, there, is_reserving=options.reserve_stock)
    held = held_of(session, {each.product_id for lacking in short for each in lacking})
    products = products_by_id(session, {*ids, *(build.product_id for build in planned)})
    newer = newer_versions(session, planned)
    return [
        Queued(
            place=place,
            build=build,
            product=products[build.product_id],
            shortages=tuple((products[each.product_id], each) for each in held_from(held, lacking)),
            newer=newer.get(build.id),
        )
        for place, (build, lacking) in enumerate(zip(planned, short, strict=True), start=1)
    ]


def move_planned(
    session: CompanySession, act: Act, build_id: int, *, to: object = None, after: object = None
) -> tuple[int, int]:
    """Moves one planned build: ``to`` the top, up, down or the bottom, or right ``after`` another one (0: first).

    It is the order of now that is changed, so two people who move at once both get what they asked for. Returns its new
    place, from 1, and how many there are. Raises Invalid, Conflict where one of both isn't planned any more, NotFound.
    """
    get_build(session, build_id)
    hold_planning(session)
    ids = [build.id for build in planned_builds_for_update(session)]
    _must_wait(session, build_id, ids)
    place = ids.index(build_id)
    ids.remove(build_id)
    ids.insert(_wanted(session, ids, place, to=to, after=after), build_id)
    reorder(session, act, ids)
    return ids.index(build_id) + 1, len(ids)


def change_planned(
    session: CompanySession,
    act: Act,
    build_ids: Collection[int],
    *,
    action: object,
    target_on: object = None,
    assignee: object = None,
) -> list[Build]:
    """Does the same to several planned builds, to all or none: ``cancel``, ``refresh`` to the active BOM version, or
    ``set`` what is given of target day and assignee. Raises Invalid, WrongState, NotFound.
    """
    if not build_ids:
        raise Invalid("build_ids", "No build is named. Tick one or more, then repeat it.")
    if len(build_ids) > AT_ONCE:
        raise Invalid("build_ids", say("That is more than {most} builds. Take fewer at a time.", most=AT_ONCE))
    if action == "set" and target_on is None and assignee is None:
        raise Invalid("target_on", "Nothing is to be set. Give a target day, a person, or both.")
    deeds: dict[object, Callable[[int], Build]] = {
        "cancel": lambda build_id: cancel_planned(session, act, build_id),
        "refresh": lambda build_id: refresh_to_active_bom(session, act, build_id),
        "set": lambda build_id: edit_planned(session, act, build_id, target_on=target_on, assignee=assignee),
    }
    if action not in deeds:
        raise Invalid("action", "It is cancel, refresh or set. Choose one.")
    return [deeds[action](build_id) for build_id in sorted(set(build_ids))]


def _wanted(session: CompanySession, others: Sequence[int], place: int, *, to: object, after: object) -> int:
    """Where it goes among the others."""
    if after is not None and to is None:
        if after == 0:
            return 0
        if not isinstance(after, int):
            raise Invalid("after", "Name the build that comes before it by its id, or 0.")
        _must_wait(session, after, others)
        return others.index(after) + 1
    places = {"top": 0, "up": max(place - 1, 0), "down": min(place + 1, len(others)), "bottom": len(others)}
    if not isinstance(to, str) or to not in places:
        raise Invalid("to", "It goes to the top, up, down or to the bottom. Say which.")
    return places[to]


def _must_wait(session: CompanySession, build_id: int, planned: Collection[int]) -> None:
    if build_id not in planned:
        reference = get_build(session, build_id).reference
        raise Conflict(say("{reference} isn't planned any more. Nothing was moved.", reference=reference))


def _needs(session: CompanySession) -> dict[int, list[Need]]:
    """By planned build, what it needs."""
    lines = session.scalars(
        sa.select(BuildLine)
        .where(BuildLine.build_id.in_(is_planned()))
        .order_by(BuildLine.build_id, BuildLine.position)
    )
    needs: dict[int, list[Need]] = {}
    for line in lines:
        needs.setdefault(line.build_id, []).append(need_of(line))
    return needs
