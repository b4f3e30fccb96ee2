"""Labelling: the tracking options of the books, and the ones that every line of later postings carries."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa

from partsemble_core.errors import Invalid, NotFound, say
from partsemble_core.plugin_api.errors import SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.tracking import TrackingCategory
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.house import House
from partsemble_core.services.keeping import Fields, keep, mark_gone, plain
from partsemble_core.store.base import can_be_stored
from partsemble_core.store.connections import Connection, get_connection
from partsemble_core.store.database import database_now
from partsemble_core.store.session import CompanySession
from partsemble_core.store.tracking import RemoteTracking, TrackingChoice, chosen_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A tracking category as a form shows it. ``options`` can be chosen; ``chosen`` may not be among them any more."""

    category_id: str
    name: str
    options: Sequence[RemoteTracking]
    chosen: RemoteTracking | None


def read_tracking(house: House, connection: Connection) -> int:
    """Reads all tracking options; those no longer there are marked gone. Returns how many; 0 where there is no such
    thing. Raises what the books raise."""
    if not house.host.has_hook(connection.backend, "list_tracking"):
        return 0
    token = token_for(house, connection)
    try:
        categories = _ask(house, connection, token)
    except SignedOut:
        categories = _ask(house, connection, token_for(house, connection, refused=token))
    found = {plain(o.external_id): _fields(c, o.name, is_active=o.active) for c in categories for o in c.options}

    def work(session: CompanySession) -> None:
        keep(session, RemoteTracking, connection.id, found, database_now(session))
        mark_gone(session, RemoteTracking, connection.id, found)

    house.write(connection.company_id, work)
    return len(found)


def categories_of(session: CompanySession, connection_id: int) -> list[Category]:
    """What can be chosen, and what was chosen though it can't be any more. Raises NotFound."""
    get_connection(session, connection_id)
    chosen = {option.category_id: option for option in chosen_options(session, connection_id)}
    rows = session.scalars(
        sa.select(RemoteTracking)
        .where(RemoteTracking.connection_id == connection_id)
        .order_by(RemoteTracking.category, RemoteTracking.category_id, RemoteTracking.name, RemoteTracking.id)
    )
    found = []
    for category_id, group in itertools.groupby(rows, key=lambda row: row.category_id):
        options = list(group)
        usable = [option for option in options if option.is_usable]
        if usable or category_id in chosen:
            found.append(
                Category(
                    category_id=category_id,
                    name=options[0].category,
                    options=usable,
                    chosen=chosen.get(category_id),
                )
            )
    return found


def choose_tracking(session: CompanySession, *, connection_id: int, category_id: str, option_id: str) -> None:
    """Has every line of later postings carry an option; an empty id: none of that category.

    Raises NotFound, and Invalid for an option that a journal may not carry.
    """
    connection = get_connection(session, connection_id)
    of_category = sa.and_(RemoteTracking.connection_id == connection_id, RemoteTracking.category_id == category_id)
    is_known = can_be_stored(category_id) and session.scalar(sa.select(RemoteTracking.id).where(of_category).limit(1))
    if not is_known:
        raise NotFound("tracking category", category_id[:40])
    before = sa.select(TrackingChoice).where(
        TrackingChoice.connection_id == connection_id, TrackingChoice.category_id == category_id
    )
    for choice in session.scalars(before):
        session.delete(choice)
    session.flush()
    if not option_id:
        return
    wanted = sa.select(RemoteTracking).where(of_category, RemoteTracking.external_id == option_id)
    option = session.scalar(wanted) if can_be_stored(option_id) else None
    if option is None:
        message = say(
            "{organisation_name} has no such tracking option. Choose one from the list, or sync accounts.",
            organisation_name=connection.organisation_name,
        )
        raise Invalid("option", message)
    if not option.is_usable:
        raise Invalid(
            "option",
            say(
                "{category} {name} is archived in your books, and a journal with it would be refused. Choose "
                "another one, or restore it there and sync accounts.",
                category=option.category,
                name=option.name,
            ),
        )
    session.add(TrackingChoice(connection_id=connection_id, category_id=category_id, remote_tracking_id=option.id))
    session.flush()


def _ask(house: House, connection: Connection, token: Secret | None) -> Sequence[TrackingCategory]:
    ctx = context_of(house, connection, token=token)
    with closing(ctx.http):
        return house.host.list_tracking(connection.backend, ctx)


def _fields(category: TrackingCategory, name: str, *, is_active: bool) -> Fields:
    return {
        "name": plain(name),
        "category_id": plain(category.external_id),
        "category": plain(category.name),
        "is_active": is_active and category.active,
    }
