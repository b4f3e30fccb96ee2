"""The audit log over REST."""

from __future__ import annotations

from collections.abc import Mapping

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json
from partsemble_core.api.lists import page_of
from partsemble_core.api.schemas import page_schema, query_schema
from partsemble_core.services.admitting import MAY_AUDIT
from partsemble_core.services.listing import get_table, parse_list_query

LOG = get_table("audit_log")
area = Area("audit", "Who changed what, when and from where. Nothing of it can be changed or deleted.")


@area.route("GET", "/audit-log", asks=query_schema(LOG), gives=page_schema(LOG), roles=MAY_AUDIT)
def list_audit_log(arguments: Mapping[str, str]) -> Json:
    """The audit log, a page at a time, newest first."""
    return page_of("audit_log", parse_list_query(arguments))
