"""Delivering: what was told is sent to its address until it is taken, at least once, and at most for about two days.

A delivery is claimed in one transaction, sent with none open, and settled in another. Whoever dies in between leaves a
lease that runs out, and the event is sent again under the same id. One address is served by one thread at a time, so a
slow one keeps nobody waiting but itself.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from partsemble_core.errors import NotFound, WrongState
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.dialling import Outcome, dial, signature
from partsemble_core.services.house import House
from partsemble_core.services.subscribing import get_endpoint, secret_of
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.events import DeliveryState, EventDelivery, EventEndpoint
from partsemble_core.store.session import CompanySession
from partsemble_core.vault import SealBroken

log = logging.getLogger(__name__)
TRIES = 16
"""With the rests between them 45 hours: a weekend's outage but for its last hours."""
FIRST_REST = 5
JITTER = 100
"""Thousandths: what failed together doesn't all come again together."""
LEASE = dt.timedelta(seconds=90)
THREADS = 8
IN_A_ROW = 50
"""Deliveries that one address gets before the others have their turn again."""
POLL_SECONDS = 2
GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One claimed delivery and all that sending it needs. ``lease_until`` names the claim."""

    delivery_id: int
    endpoint_id: int
    event_id: str
    url: str
    secret: Secret
    body: bytes
    lease_until: dt.datetime
    attempts: int


def rest_after(attempts: int, *, jitter: int = 0) -> dt.timedelta:
    """5 s after the first try, then twice as long each time, and ``jitter`` thousandths longer or shorter."""
    return dt.timedelta(milliseconds=FIRST_REST * 2 ** (attempts - 1) * (1000 + jitter))


def due_endpoints(house: House) -> list[tuple[int, int]]:
    """(company, address) of every active address that something is due for, the longest due first."""
    with reading_anywhere(house.engine) as session:
        rows = session.execute(
            sa.select(EventEndpoint.company_id, EventEndpoint.id)
            .join(
                EventDelivery,
                sa.and_(
                    EventDelivery.endpoint_id == EventEndpoint.id, EventDelivery.company_id == EventEndpoint.company_id
                ),
            )
            .where(EventEndpoint.is_active, *_is_due(database_now(session)))
            .group_by(EventEndpoint.company_id, EventEndpoint.id)
            .order_by(sa.func.min(EventDelivery.not_before))
        )
        return [(company_id, endpoint_id) for company_id, endpoint_id in rows]


def serve_endpoint(house: House, company_id: int, endpoint_id: int) -> int:
    """Sends what is due for one address, in order, until one isn't taken. Returns how many were."""
    for taken in range(IN_A_ROW):
        if not _deliver_next(house, company_id, endpoint_id):
            return taken
    return IN_A_ROW


def deliver_due(house: House) -> int:
    """Sends once all that is due now, one address after another. Returns how many were taken."""
    return sum(serve_endpoint(house, *found) for found in due_endpoints(house))


@contextmanager
def delivering(house: House) -> Iterator[None]:
    """Sends what is due in threads of its own, as long as it is open. What is under way at its end is finished."""
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(house, stopping), name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def redeliver(session: CompanySession, delivery_id: int) -> EventDelivery:
    """Sends a delivery anew, the same bytes under the same id, with all its tries. Raises NotFound, WrongState."""
    delivery = _for_update(session, delivery_id)
    if delivery is None:
        raise NotFound("event delivery", delivery_id)
    if not get_endpoint(session, delivery.endpoint_id).is_active:
        raise WrongState("Its address is switched off. Switch it on first, then send it again.")
    now = database_now(session)
    if delivery.lease_until is not None and delivery.lease_until >= now:
        raise WrongState("It is being sent at this moment. Look at it again in a minute.")
    delivery.state, delivery.ended_at = DeliveryState.WAITING, None
    delivery.attempts, delivery.not_before, delivery.lease_until = 0, now, None
    session.flush()
    return delivery


def get_delivery(session: CompanySession, delivery_id: int) -> EventDelivery:
    """Raises NotFound."""
    found = session.scalar(sa.select(EventDelivery).where(EventDelivery.id == delivery_id))
    if found is None:
        raise NotFound("event delivery", delivery_id)
    return found


def _run(house: House, stopping: threading.Event) -> None:
    """Every two seconds: a thread for each address that something is due for and that none is at work for."""
    at_work: dict[tuple[int, int], Future[int]] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="events") as pool:
        while not stopping.is_set():
            at_work = {key: future for key, future in at_work.items() if not future.done()}
            try:
                for key in due_endpoints(house):
                    if key not in at_work:
                        at_work[key] = pool.submit(_serve_safely, house, key, stopping)
            except SQLAlchemyError as error:
                log.warning("events could not be looked for in the database (%s)", type(error).__name__)
            stopping.wait(POLL_SECONDS)


def _serve_safely(house: House, key: tuple[int, int], stopping: threading.Event) -> int:
    """What breaks for one address is noted; the others, and its next turn, don't suffer from it."""
    try:
        return 0 if stopping.is_set() else serve_endpoint(house, *key)
    except Exception as error:  # noqa: BLE001
        log.warning("events for address %s of company %s stopped (%s)", key[1], key[0], type(error).__name__)
        return 0


def _deliver_next(house: House, company_id: int, endpoint_id: int) -> bool:
    """Claims, sends and settles one delivery. False where none is due, or it wasn't taken."""
    try:
        parcel = house.write(company_id, lambda session: _claim(house, session, endpoint_id))
    except SealBroken as error:
        log.warning("events for address %s wait: %s", endpoint_id, error)
        return False
    if parcel is None:
        return False
    crashpoint("delivering.before_send")
    outcome = _send(house, parcel)
    crashpoint("delivering.before_settle")
    house.write(company_id, lambda session: _settle(session, parcel, outcome))
    return outcome.is_delivered


def _claim(house: House, session: CompanySession, endpoint_id: int) -> Parcel | None:
    now = database_now(session)
    wanted = (
        sa.select(EventDelivery)
        .where(EventDelivery.endpoint_id == endpoint_id, *_is_due(now))
        .order_by(EventDelivery.not_before, EventDelivery.id)
        .limit(1)
    )
    delivery = session.scalar(wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    endpoint = session.scalar(sa.select(EventEndpoint).where(EventEndpoint.id == endpoint_id))
    if delivery is None or endpoint is None or not endpoint.is_active:
        return None
    delivery.attempts += 1
    delivery.lease_until = now + LEASE
    session.flush()
    return Parcel(
        delivery_id=delivery.id,
        endpoint_id=endpoint.id,
        event_id=delivery.event_id,
        url=endpoint.url,
        secret=secret_of(house, endpoint),
        body=delivery.body,
        lease_until=delivery.lease_until,
        attempts=delivery.attempts,
    )


def _send(house: House, parcel: Parcel) -> Outcome:
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Partsemble",
        "webhook-id": parcel.event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(parcel.secret, event_id=parcel.event_id, timestamp=timestamp, body=parcel.body),
    }
    return dial(parcel.url, headers=headers, body=parcel.body, allow_private=house.settings.events_allow_private)


def _settle(session: CompanySession, parcel: Parcel, outcome: Outcome) -> None:
    """Writes what came of it, if the claim still stands: the late answer of an older one changes nothing."""
    if outcome.status == GONE:
        gone = sa.select(EventEndpoint).where(EventEndpoint.id == parcel.endpoint_id, EventEndpoint.url == parcel.url)
        for endpoint in session.scalars(gone):
            endpoint.is_active = False
        session.flush()
    delivery = _for_update(session, parcel.delivery_id)
    if delivery is None or delivery.lease_until != parcel.lease_until or delivery.state != DeliveryState.WAITING:
        return
    now = database_now(session)
    delivery.lease_until = None
    delivery.last_status, delivery.problem = outcome.status, outcome.problem
    if outcome.is_delivered:
        delivery.state, delivery.ended_at = DeliveryState.DELIVERED, now
    elif outcome.status == GONE or parcel.attempts >= TRIES:
        delivery.state, delivery.ended_at = DeliveryState.GIVEN_UP, now
    else:
        delivery.not_before = now + rest_after(parcel.attempts, jitter=random.randint(-JITTER, JITTER))  # noqa: S311
    session.flush()


def _for_update(session: CompanySession, delivery_id: int) -> EventDelivery | None:
    wanted = sa.select(EventDelivery).where(EventDelivery.id == delivery_id).with_for_update()
    return session.scalar(wanted.execution_options(populate_existing=True))


def _is_due(now: dt.datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        EventDelivery.state == DeliveryState.WAITING,
        EventDelivery.not_before <= now,
        sa.or_(EventDelivery.lease_until.is_(None), EventDelivery.lease_until < now),
    )
