"""Settings, engine, vault, plugins, clock and queue, put together into the house and its Flask app."""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from functools import partial

from flask import Flask
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError, InvalidJobOperation, InvalidJobOperationError, NoSuchJobError
from rq.serializers import JSONSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from partsemble_core.config import Settings
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.configuring import check_environment
from partsemble_core.services.house import House
from partsemble_core.store.database import db, engine_options, make_folder, open_engine, prepare
from partsemble_core.vault import Vault

log = logging.getLogger(__name__)
QUEUE = "exports"
JOB = "partsemble_core.worker.drain_job"
JOB_SECONDS = 300
SYNC_QUEUE = "syncs"
SYNC_JOB = "partsemble_core.worker.sync_job"
SYNC_SECONDS = 3600
HEARD_JOB = "partsemble_core.worker.answer_job"
FAILED_JOB_SECONDS = 24 * 3600
REDIS_TIME_OUT = 2
CANT_RING = (
    RedisError,
    ValueError,
    NoSuchJobError,
    DuplicateJobError,
    InvalidJobOperation,
    InvalidJobOperationError,
)
"""What the queue may answer, its own races among it. No request fails for a bell: a sweep rings again."""


def build_house(settings: Settings) -> House:
    """Everything that services need, for a process without a web server."""
    return _house(settings, open_engine(settings.database_url))


def build_app(settings: Settings, house: House | None = None) -> tuple[Flask, House]:
    """The bare Flask app with database and house; the doors (API, console) hang themselves on."""
    app = Flask("partsemble", static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key.reveal(),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=dt.timedelta(days=settings.sign_in_days),
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_PARTS=5000,
        TRUSTED_HOSTS=list(settings.trusted_hosts) or None,
    )
    if settings.proxies:  # each of them adds whom it was called by; what a visitor made up stands before that
        trusted = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=0)  # type: ignore[method-assign]
    make_folder(settings.database_url)
    db.init_app(app)
    if house is None:
        with app.app_context():
            house = _house(settings, prepare(db.engine))
    app.extensions["partsemble"] = house
    return app, house


def open_redis(settings: Settings) -> Redis:
    """A client of the job queue's server. It isn't asked yet."""
    return Redis.from_url(settings.redis_url, socket_connect_timeout=REDIS_TIME_OUT, socket_timeout=None)


def open_queue(connection: Redis) -> Queue:
    """The queue of exports. Jobs are JSON and hold ids only."""
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer, default_timeout=JOB_SECONDS)


def open_sync_queue(connection: Redis) -> Queue:
    """The queue of syncs, which a worker looks at when nothing waits to be exported."""
    return Queue(SYNC_QUEUE, connection=connection, serializer=JSONSerializer, default_timeout=SYNC_SECONDS)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _house(settings: Settings, engine: object) -> House:
    host = PluginHost()
    host.load_entry_points(settings.plugins)
    house = House(
        settings=settings,
        engine=engine,  # type: ignore[arg-type]
        host=host,
        vault=Vault(settings.keys),
        clock=utc_now,
        ring=partial(ring, settings),
        ring_sync=partial(ring_sync, settings),
        ring_heard=partial(ring_heard, settings),
    )
    check_environment(house)
    return house


def ring(settings: Settings, company_id: int, export_id: int) -> None:
    """Gives the export's company a turn, unless one waits: so each company waits for one turn of each other one.

    A bell that can't be rung is only noted: the sweep finds the export within seconds.
    """
    if not settings.redis_url:
        return
    client = _impatient(settings)
    try:
        _enqueue_once(open_queue(client), JOB, f"turn-{company_id}", company_id)
    except CANT_RING as error:
        log.warning(
            "the job queue can't be reached (%s); the sweep will find export %s",
            type(error).__name__,
            export_id,
        )
    finally:
        client.close()


def ring_sync(settings: Settings, company_id: int, run_id: int) -> bool:
    """Wakes a worker for the run of a sync. False where there is no queue, or it can't be reached."""
    return _ring_syncs(settings, SYNC_JOB, f"sync-{run_id}", company_id, run_id)


def ring_heard(settings: Settings, company_id: int, connection_id: int) -> bool:
    """Wakes a worker for a connection whose books told of changes. False: the sweep will find them."""
    return _ring_syncs(settings, HEARD_JOB, f"heard-{connection_id}", company_id, connection_id)


def _ring_syncs(settings: Settings, job: str, name: str, company_id: int, row_id: int) -> bool:
    if not settings.redis_url:
        return False
    client = _impatient(settings)
    try:
        _enqueue_once(open_sync_queue(client), job, name, company_id, row_id)
    except CANT_RING as error:
        log.warning("the job queue can't be reached (%s) for %s", type(error).__name__, name)
        return False
    finally:
        client.close()
    return True


def _enqueue_once(queue: Queue, job: str, name: str, *ids: int) -> None:
    """At the queue's end, unless one of that name waits there: one that has begun may have missed what came since.

    Each job has an id of its own, and none is ever deleted here: what left the queue may be starting at this moment.
    So a bell may be rung once too often; who hears it looks what there is to do, and then there is nothing.
    """
    client, waiting = queue.connection, f"partsemble:{name}"
    known = client.get(waiting)
    if isinstance(known, bytes) and queue.get_job_position(known.decode()) is not None:
        return
    job_id = f"{name}-{secrets.token_hex(8)}"
    queue.enqueue(job, *ids, job_id=job_id, result_ttl=0, failure_ttl=FAILED_JOB_SECONDS)
    client.set(waiting, job_id, ex=FAILED_JOB_SECONDS)


def _impatient(settings: Settings) -> Redis:
    """A client for somebody who waits for an answer: the sweep will ring again."""
    return Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=REDIS_TIME_OUT,
        socket_timeout=REDIS_TIME_OUT,
        retry=Retry(NoBackoff(), 0),
    )
