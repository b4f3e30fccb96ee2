"""Disconnecting a company from its books: the link there, and with a sign-in's last connection its secrets here."""

from __future__ import annotations

import logging
from contextlib import closing

import sqlalchemy as sa

from partsemble_core.errors import WrongState, say
from partsemble_core.plugin_api.errors import NotPermitted, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import ConnectRequest, ConnectStep
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.house import House
from partsemble_core.services.token_asking import app_of, tell_of_the_end
from partsemble_core.services.token_keeping import SignInBroken, end_grant, is_in_use
from partsemble_core.store.connections import Connection, ConnectionState, Grant, GrantState, get_connection
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.session import CompanySession

log = logging.getLogger(__name__)


def disconnect(house: House, company_id: int, connection_id: int) -> None:
    """Ends the connection there and here. All data of ours stays; exports that wait keep waiting.

    A sign-in that serves other connections, of this or any company, goes on; with its last one it is ended and its
    secrets are erased. Where the books no longer let us in, there is nothing left to end over there. Raises RetryLater
    while they can't be reached, WrongState where it is ended already.
    """
    with house.reading(company_id) as session:
        connection = get_connection(session, connection_id)
    if connection.state == ConnectionState.DISCONNECTED:
        raise WrongState(say("{books} is disconnected already.", books=connection.organisation_name))
    if not _is_shared(house, connection):
        try:
            ctx = context_of(house, connection, token=token_for(house, connection))
            with closing(ctx.http):
                house.host.connect(connection.backend, ctx, ConnectRequest(step=ConnectStep.DISCONNECT))
        except (SignedOut, NotPermitted, SignInBroken) as error:
            log.info("connection %s had been ended from the other side (%s)", connection_id, error.code)

    def end(session: CompanySession) -> tuple[Grant, Secret | None] | None:
        ended = get_connection(session, connection_id)
        ended.state, ended.problem, ended.paused_until = ConnectionState.DISCONNECTED, "", None
        session.flush()
        wanted = sa.select(Grant).where(Grant.id == ended.grant_id, Grant.state != GrantState.ENDED)
        grant = session.scalar(wanted.with_for_update())
        is_last = grant is not None and not _used_by_any(session, grant.id)
        return (grant, end_grant(house, session, grant)) if grant is not None and is_last else None

    last = house.write(company_id, end)
    if last is not None and last[1] is not None:
        _tell_of_the_end(house, last[0], last[1])


def _is_shared(house: House, connection: Connection) -> bool:
    """Whether another company goes to the same organisation by the same sign-in: the link there is one."""
    if connection.grant_id is None:
        return False
    with reading_anywhere(house.engine) as session:
        return bool(
            session.scalar(
                sa.select(sa.func.count()).where(
                    Connection.grant_id == connection.grant_id,
                    Connection.backend == connection.backend,
                    Connection.organisation_id == connection.organisation_id,
                    Connection.state != ConnectionState.DISCONNECTED,
                    Connection.id != connection.id,
                )
            )
        )


def _used_by_any(session: CompanySession, grant_id: int) -> bool:
    """Asked past the session's own company: a sign-in may serve several."""
    return bool(session.connection().execute(sa.select(is_in_use(grant_id))).scalar())


def _tell_of_the_end(house: House, grant: Grant, refresh_token: Secret) -> None:
    """Best effort: the link is gone, and what could use the sign-in is erased."""
    try:
        with reading_anywhere(house.engine) as session:
            app = app_of(session, house, grant.backend, client_id=grant.client_id)
    except SignInBroken as error:
        log.warning("the end of the sign-in %s could not be told (%s)", grant.id, error.code)
        return
    if not tell_of_the_end(app, grant.revoke_url, refresh_token):
        log.warning("the end of the sign-in %s was not heard by its service", grant.id)
