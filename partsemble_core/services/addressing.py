"""Addressing: what a hook is given when one backend is asked, and the token that goes with it."""

from __future__ import annotations

from partsemble_core.plugin_api.http import Http
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.types import BackendContext, InventoryMode
from partsemble_core.services.configuring import settings_of
from partsemble_core.services.house import House
from partsemble_core.services.metering import CallGate, meter_of
from partsemble_core.services.recording import ConnectionRecords
from partsemble_core.services.refreshing import access_token
from partsemble_core.store.connections import Connection


def context_of(
    house: House, connection: Connection, *, token: Secret | None = None, is_urgent: bool = True
) -> BackendContext:
    """What a hook is given for one connection. ``token`` is a fresh access token where the backend needs one.

    Not ``is_urgent``: what is only read for completeness' sake, and waits when the day's calls run out.
    """
    return backend_context(
        house,
        connection.backend,
        company_id=connection.company_id,
        connection_id=connection.id,
        organisation_id=connection.organisation_id,
        token=token,
        mode=InventoryMode(connection.inventory_mode),
        is_urgent=is_urgent,
    )


def token_for(house: House, connection: Connection, *, refused: Secret | None = None) -> Secret | None:
    """A usable access token, or None for a backend without sign-in. Raises SignedOut, RetryLater."""
    if connection.grant_id is None:
        return None
    return access_token(house, connection.grant_id, refused=refused)


def backend_context(
    house: House,
    backend: str,
    *,
    company_id: int,
    token: Secret | None = None,
    connection_id: int = 0,
    organisation_id: str | None = None,
    mode: InventoryMode = InventoryMode.JOURNAL_ONLY,
    is_urgent: bool = True,
) -> BackendContext:
    """The same before there is a connection: during sign-in and the choice of the organisation."""
    declared = {field.name: field for field in house.host.info(backend).settings}
    given = settings_of(house, backend)
    settings: dict[str, str | Secret] = {name: field.default for name, field in declared.items() if not field.secret}
    settings |= {k: v.reveal() for k, v in given.items() if k in declared and not declared[k].secret}
    meter = meter_of(house, backend, organisation_id, given)
    gate = CallGate(house, meter, is_urgent=is_urgent) if meter is not None else None
    return BackendContext(
        connection_id=str(connection_id),
        settings=settings,
        http=Http(secrets=list(given.values()), gate=gate),
        now=house.clock,
        storage=ConnectionRecords(
            engine=house.engine, company_id=company_id, connection_id=connection_id, now=house.clock
        ),
        organisation_id=organisation_id,
        access_token=token,
        inventory_mode=mode,
    )
