"""Which connections a sign-in serves, of all companies, and telling each of them what became of it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from partsemble_core.services.house import House
from partsemble_core.store.connections import Connection, ConnectionState
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.session import CompanySession


def tell_served(
    house: House,
    grant_id: int,
    *,
    among: Collection[ConnectionState],
    problem: str,
    state: ConnectionState | None = None,
) -> int:
    """Writes ``problem``, and the new ``state``, to connections that a sign-in serves; how many weren't told yet.

    Each in a transaction of its own company. Who dies between two is followed by whoever uses the sign-in next.
    """
    with reading_anywhere(house.engine) as session:
        served = session.execute(
            sa.select(Connection.company_id, Connection.id).where(
                Connection.grant_id == grant_id, Connection.state.in_(among), Connection.problem != problem
            )
        ).all()
    return sum(
        house.write(company_id, lambda session, each=connection_id: _tell(session, each, among, problem, state))  # type: ignore[misc]
        for company_id, connection_id in served
    )


def _tell(
    session: CompanySession,
    connection_id: int,
    among: Collection[ConnectionState],
    problem: str,
    state: ConnectionState | None,
) -> bool:
    connection = session.scalars(sa.select(Connection).where(Connection.id == connection_id).with_for_update()).one()
    if connection.state not in among:
        return False
    connection.problem = problem
    connection.state = state or connection.state
    return True
