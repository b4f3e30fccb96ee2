"""The queue of exports: how it stands, one decision about many, and how the connection behind it is."""

from __future__ import annotations

from typing import Any

from partsemble_core.api import export_schemas, queue_schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house, the_person, writing
from partsemble_core.api.exports import export_body
from partsemble_core.services import deciding_together
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.forecasting import Queue, foresee
from partsemble_core.services.sounding import Health, health_of
from partsemble_core.store.connections import get_connection
from partsemble_core.store.session import CompanySession

area = Area("queue", "How the queue of exports stands, and decisions about many of them at once.")


@area.route("GET", "/exports/queue", gives=queue_schemas.QueueOut)
def show_queue() -> Json:
    """What waits, what holds it up, and about when it is through."""
    with reading() as session:
        return queue_body(foresee(the_house(), session))


@area.route("POST", "/exports/retry", takes=queue_schemas.IdsIn, gives=export_schemas.ExportsOut, roles=MAY_EXPORT)
def retry_exports(body: dict[str, Any]) -> Json:
    """Lets workers go on with failed exports, all or none."""

    def retry(session: CompanySession, act: Act) -> Json:
        exports = deciding_together.retry_together(session, body["ids"])
        return {"rows": [export_body(session, export.id) for export in exports]}

    return writing(retry)


@area.route("POST", "/exports/hold", takes=queue_schemas.IdsIn, gives=export_schemas.ExportsOut, roles=MAY_EXPORT)
def hold_exports(body: dict[str, Any]) -> Json:
    """Holds exports back that nothing was sent of yet, until somebody posts them; all or none."""

    def hold(session: CompanySession, act: Act) -> Json:
        exports = deciding_together.put_back(session, body["ids"])
        return {"rows": [export_body(session, export.id) for export in exports]}

    return writing(hold)


@area.route("POST", "/exports/skip", takes=queue_schemas.SkipManyIn, gives=queue_schemas.LeftOutsOut, roles=MAY_EXPORT)
def skip_exports(body: dict[str, Any]) -> Json:
    """Leaves each of these out of the books for good, as far as it may be; says of the others why not."""
    house, company_id = the_house(), the_person().company_id
    act = house.act(company_id, by=the_person().by)
    found = deciding_together.skip_together(house, act, company_id, body["ids"], reason=body["reason"])
    return {"rows": found}


@area.route("GET", "/connections/<id:connection_id>/health", gives=queue_schemas.HealthOut)
def show_health(connection_id: int) -> Health:
    """When the connection was last used and renewed, and how much of its limits is used. The books aren't asked."""
    with reading() as session:
        return health_of(the_house(), session, get_connection(session, connection_id))


def queue_body(queue: Queue) -> Json:
    foreseen = queue.forecast
    same = queue_schemas.QueueOut._declared_fields.keys() - {"forecast"}
    return {
        **{key: getattr(queue, key) for key in same},
        "forecast": None
        if foreseen is None
        else {
            "calls": foreseen.calls,
            "per_minute": foreseen.per_minute,
            "seconds": int(foreseen.takes.total_seconds()),
        },
    }
