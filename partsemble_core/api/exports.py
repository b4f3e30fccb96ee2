"""Exports: what goes to the books, and what a person decides about it."""

from __future__ import annotations

import json
from typing import Any

from partsemble_core.api import export_schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house, the_person, writing
from partsemble_core.api.lists import list_route
from partsemble_core.api.schemas import ExportOut
from partsemble_core.services import deciding
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP
from partsemble_core.services.explaining import explain_export
from partsemble_core.services.listing import export_label
from partsemble_core.services.rehearsing import DryRun, dry_run
from partsemble_core.services.retrying import retry_export
from partsemble_core.store.session import CompanySession

area = Area("exports", "Postings to the accounting system: what is sent, how it went, and what a person decides.")
list_route(area, "exports", path="/exports")


@area.route("GET", "/exports/<id:export_id>", gives=ExportOut)
def show_export(export_id: int) -> Json:
    """One posting: exactly what is sent, and how every attempt at it ended."""
    with reading() as session:
        return export_body(session, export_id)


@area.route("GET", "/exports/<id:export_id>/dry-run", gives=export_schemas.DryRunOut)
def show_dry_run(export_id: int) -> DryRun:
    """What is posted, line by line, read from the frozen bytes; `digest` is theirs. Nothing is sent."""
    with reading() as session:
        return dry_run(session, export_id)


@area.route("POST", "/exports/post", takes=export_schemas.ExportsIn, gives=export_schemas.ExportsOut, roles=MAY_EXPORT)
def post_exports(body: dict[str, Any]) -> Json:
    """Posts what is held, all or none. With `digest` one alone, and only if it is what the dry run showed."""

    def post(session: CompanySession, act: Act) -> Json:
        exports = deciding.post_held(session, body["ids"], digest=body["digest"])
        return {"rows": [export_body(session, export.id) for export in exports]}

    return writing(post)


@area.route("POST", "/exports/<id:export_id>/retry", gives=ExportOut, roles=MAY_EXPORT)
def retry(export_id: int) -> Json:
    """Lets a worker go on with a failed export. Only what was clearly refused is sent again; all else is looked up."""
    return writing(lambda session, act: export_body(session, retry_export(session, export_id).id))


@area.route("POST", "/exports/<id:export_id>/skip", takes=export_schemas.ReasonIn, gives=ExportOut, roles=MAY_EXPORT)
def skip_export(body: dict[str, Any], export_id: int) -> Json:
    """Leaves a posting out of the books for good: one that is held, not yet tried, or surely isn't there."""
    deciding.skip_export(the_house(), _act(), the_person().company_id, export_id, reason=body["reason"])
    return show_export(export_id)


@area.route("POST", "/exports/<id:export_id>/adopt", takes=export_schemas.AdoptIn, gives=ExportOut, roles=MAY_EXPORT)
def adopt_export(body: dict[str, Any], export_id: int) -> Json:
    """Says that a failed posting is in the books under an id. The books are asked whether it is."""
    external_id = body["external_id"]
    deciding.adopt(the_house(), _act(), the_person().company_id, export_id, external_id=external_id)
    return show_export(export_id)


@area.route("POST", "/exports/<id:export_id>/cancel", takes=export_schemas.CancelIn, gives=ExportOut, roles=MAY_SET_UP)
def cancel_export(body: dict[str, Any], export_id: int) -> Json:
    """Calls a failed posting off and reverses its document, once it is sure that the books don't hold it."""
    deciding.cancel_and_reverse(
        the_house(),
        _act(),
        the_person().company_id,
        export_id,
        reason=body["reason"],
        reversed_on=body["reversed_on"],
    )
    return show_export(export_id)


@area.route("POST", "/exports/<id:export_id>/remap", gives=ExportOut, roles=MAY_EXPORT)
def remap_export(export_id: int) -> Json:
    """Replaces a failed posting by a new one with the accounts chosen today; answers the new one."""
    new = deciding.remap(the_house(), _act(), the_person().company_id, export_id)
    with reading() as session:
        return export_body(session, new.id)


def _act() -> Act:
    return the_house().act(the_person().company_id, by=the_person().by)


def export_body(session: CompanySession, export_id: int) -> Json:
    story = explain_export(session, export_id)
    export = story.export
    same = ExportOut._declared_fields.keys() - {"label", "payload", "payload_sha256", "attempts"}
    return {
        **{key: getattr(export, key) for key in same},
        "label": export_label(export.state),
        "payload": json.loads(export.body),
        "payload_sha256": export.body_sha256,
        "attempts": story.attempts,
    }
