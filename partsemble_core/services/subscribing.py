"""Subscribing: the addresses that are told of events, each with a secret of its own. Owner and admin, at the doors."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from partsemble_core.errors import Conflict, Invalid, NotFound, say
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.acting import Act
from partsemble_core.services.dialling import SECRET_PREFIX, check_url
from partsemble_core.services.house import House
from partsemble_core.services.telling import tell
from partsemble_core.store.events import EventDelivery, EventEndpoint, EventKind
from partsemble_core.store.session import CompanySession
from partsemble_core.vault import Place

MOST = 20
"""Addresses that a company may have."""
KINDS = tuple(kind for kind in EventKind if kind != EventKind.TEST)
"""What can be asked for, in order."""


def add_endpoint(
    house: House, session: CompanySession, act: Act, *, url: object, kinds: Collection[object] | None = None
) -> tuple[EventEndpoint, Secret]:
    """A new active address, told of ``kinds`` (None: all). Its secret is handed out this once.

    Raises Invalid, PrivateAddress, and Conflict for an address that is there or one too many.
    """
    checked = _checked_url(house, session, url)
    if len(endpoints(session)) >= MOST:
        raise Conflict(
            say("A company has at most {most} addresses for events. Remove one that isn't needed.", most=MOST),
            field="url",
        )
    secret, row_key = _new_secret(), secrets.token_hex(16)
    endpoint = EventEndpoint(
        url=checked,
        row_key=row_key,
        secret_sealed=house.vault.seal(secret, _place(session.company_id, row_key)),
        kinds=_checked_kinds(KINDS if kinds is None else kinds),
        is_active=True,
        created_by=act.by,
        created_at=act.at,
    )
    session.add(endpoint)
    try:
        session.flush()
    except sa.exc.IntegrityError as error:  # somebody else was a moment faster
        raise _taken() from error
    return endpoint, secret


def change_endpoint(
    house: House,
    session: CompanySession,
    endpoint_id: int,
    *,
    url: object = None,
    kinds: Collection[object] | None = None,
    is_active: bool | None = None,
) -> EventEndpoint:
    """Changes what is given. What waits for an address that is switched off is sent when it is switched on again.

    Raises NotFound, Invalid, PrivateAddress, Conflict.
    """
    endpoint = _for_update(session, endpoint_id)
    if url is not None and url != endpoint.url:
        endpoint.url = _checked_url(house, session, url)
    if kinds is not None:
        endpoint.kinds = _checked_kinds(kinds)
    if is_active is not None:
        endpoint.is_active = is_active
    session.flush()
    return endpoint


def remove_endpoint(session: CompanySession, endpoint_id: int) -> str:
    """Takes the address away with the log of its deliveries. Returns what it was. Raises NotFound."""
    endpoint = _for_update(session, endpoint_id)
    url = endpoint.url
    session.execute(sa.delete(EventDelivery).where(EventDelivery.endpoint_id == endpoint.id))
    session.delete(endpoint)
    session.flush()
    return url


def rotate_secret(house: House, session: CompanySession, endpoint_id: int) -> tuple[EventEndpoint, Secret]:
    """A new secret, which signs whatever is sent from now on. It is handed out this once. Raises NotFound."""
    endpoint, secret = _for_update(session, endpoint_id), _new_secret()
    endpoint.secret_sealed = house.vault.seal(secret, _place(session.company_id, endpoint.row_key))
    session.flush()
    return endpoint, secret


def send_test(session: CompanySession, act: Act, endpoint_id: int) -> EventDelivery:
    """Queues a ``test`` event for one address. Raises NotFound, and Invalid for one that is switched off."""
    endpoint = get_endpoint(session, endpoint_id)
    if not endpoint.is_active:
        raise Invalid("is_active", "This address is switched off. Switch it on first.")
    link = f"{act.console}/settings/webhooks"
    told = tell(session, EventKind.TEST, {"by": act.by}, at=act.at, link=link, only=endpoint.id)
    return session.get_one(EventDelivery, told[0])


def secret_of(house: House, endpoint: EventEndpoint) -> Secret:
    """For signing. Raises SealBroken."""
    return house.vault.unseal(endpoint.secret_sealed, _place(endpoint.company_id, endpoint.row_key))


def endpoints(session: CompanySession) -> Sequence[EventEndpoint]:
    """All of the company's, oldest first."""
    return session.scalars(sa.select(EventEndpoint).order_by(EventEndpoint.id)).all()


def get_endpoint(session: CompanySession, endpoint_id: int) -> EventEndpoint:
    """Raises NotFound."""
    found = session.scalar(sa.select(EventEndpoint).where(EventEndpoint.id == endpoint_id))
    if found is None:
        raise NotFound("webhook", endpoint_id)
    return found


def _for_update(session: CompanySession, endpoint_id: int) -> EventEndpoint:
    wanted = sa.select(EventEndpoint).where(EventEndpoint.id == endpoint_id).with_for_update()
    found = session.scalar(wanted.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("webhook", endpoint_id)
    return found


def _checked_url(house: House, session: CompanySession, url: object) -> str:
    text = url if isinstance(url, str) else ""
    checked = check_url(text, allow_private=house.settings.events_allow_private)
    if session.scalar(sa.select(EventEndpoint.id).where(EventEndpoint.url == checked)) is not None:
        raise _taken()
    return checked


def _checked_kinds(kinds: Collection[object]) -> str:
    known = ", ".join(KINDS)
    for kind in kinds:
        if kind not in KINDS:
            raise Invalid(
                "kinds",
                say("There is no event {kind!r} to ask for. Choose of {known}.", kind=str(kind)[:40], known=known),
            )
    if not kinds:
        raise Invalid("kinds", say("Choose at least one event of {known}.", known=known))
    return " ".join(kind for kind in KINDS if kind in kinds)


def _taken() -> Conflict:
    return Conflict("This address is told of events already. Change that entry, or use another address.", field="url")


def _new_secret() -> Secret:
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode())


def _place(company_id: int, row_key: str) -> Place:
    return Place(table="event_endpoints", column="secret_sealed", row_key=row_key, company_id=company_id)
