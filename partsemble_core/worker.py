"""The RQ worker: its jobs hold ids only, and may be lost, doubled or late without effect."""

from __future__ import annotations

import logging
from functools import cache

from rq import Worker
from rq.serializers import JSONSerializer

from partsemble_core import config
from partsemble_core.services.answering import answer
from partsemble_core.services.draining import drain
from partsemble_core.services.house import House
from partsemble_core.services.syncing import work_on
from partsemble_core.wiring import build_house, open_queue, open_redis, open_sync_queue

log = logging.getLogger(__name__)


@cache
def worker_house() -> House:
    """The house of this worker process, made once before it forks."""
    return build_house(config.load())


def drain_job(company_id: int) -> str:
    """One turn of a company. What is left waits behind the others. The answer is for the log only."""
    house = worker_house()
    left = drain(house, company_id)
    if left is None:
        return "done"
    house.ring(company_id, left)
    return "its turn is over"


def sync_job(company_id: int, run_id: int) -> str:
    """Works on one run of a sync, unless another does. The answer is for the log only."""
    return work_on(worker_house(), company_id, run_id).state


def answer_job(company_id: int, connection_id: int) -> str:
    """Begins the syncs that the books asked for by telling of changes. The answer is for the log only."""
    return f"{len(answer(worker_house(), company_id, connection_id))} begun"


def run_worker(*, burst: bool = False) -> None:
    """Works on the queues, exports first, until stopped (or, in ``burst``, until they are empty).

    Raises BadSetting without a REDIS_URL.
    """
    house = worker_house()
    if not house.settings.redis_url:
        raise config.BadSetting("REDIS_URL", "must name a Redis or Valkey server, such as redis://127.0.0.1:6379/0")
    connection = open_redis(house.settings)
    worker = Worker(
        [open_queue(connection), open_sync_queue(connection)], connection=connection, serializer=JSONSerializer
    )
    house.engine.dispose()  # a forked child must not share a socket with us
    worker.work(burst=burst, logging_level="WARNING")
