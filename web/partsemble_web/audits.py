"""The audit log: who changed what, when and from where."""

from __future__ import annotations

from flask import Blueprint

from partsemble_core.services.admitting import MAY_AUDIT
from partsemble_core.services.listing.audit_tables import KINDS
from partsemble_core.store.audits import AuditAction, Door
from partsemble_web import lists
from partsemble_web.scope import require

pages = Blueprint("audits", __name__, template_folder="templates")


@pages.before_request
def only_who_may() -> None:
    """It shows where people were."""
    require(MAY_AUDIT)


LOG = lists.ListPage(
    name="audit_log",
    template="audits/list.html",
    shown=("at", "kind", "subject", "action", "by", "door"),
    subtitles={"subject": "changes", "door": "address"},
    minor=frozenset({"door"}),
    choices={"kind": ("What", KINDS), "action": ("Did", tuple(AuditAction)), "door": ("Via", tuple(Door))},
)
lists.route(pages, LOG, path="/settings/audit-log")
