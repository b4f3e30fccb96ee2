"""The first page: how the company stands, what needs attention, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from flask import Blueprint, render_template
from flask_babel import gettext as _

from partsemble_core.domain.exports import WORKABLE, ExportState
from partsemble_core.services.attending import attend
from partsemble_core.services.beginning import Progress
from partsemble_core.services.cautioning import cautions_of
from partsemble_core.services.explaining import exports_of_builds
from partsemble_core.services.listing import build_label
from partsemble_core.services.listing.labels import CHECKING, FAILED, HELD, PENDING_EXPORT, SYNCED
from partsemble_core.services.overseeing import Overview, oversee
from partsemble_core.services.valuing import monthly_trend
from partsemble_core.store.connections import ConnectionState
from partsemble_web.first_steps import first_steps
from partsemble_web.scope import act, reading, the_company

pages = Blueprint("home", __name__, template_folder="templates")
CAUTIONS = 3
"""That are told in full; Integrations has the rest."""


@pages.get("/")
def show() -> str:
    today = act().today
    with reading() as session:
        overview = oversee(session, today=today)
        attention = attend(session, today=today)
        cautions = cautions_of(session, overview.connection) if overview.connection else []
        trend = monthly_trend(session, today=today)
        exported = exports_of_builds(session, [build.id for build, _ in overview.latest_builds])
    labels = {build.id: build_label(build.state, exported.get(build.id)) for build, _ in overview.latest_builds}
    steps = first_steps(_progress(overview))
    return render_template(
        "home/home.html",
        overview=overview,
        attention=attention,
        cautions=cautions[:CAUTIONS],
        more_cautions=len(cautions[CAUTIONS:]),
        labels=labels,
        trend=_chart(trend),
        trend_rows=trend,
        steps=[] if all(step.is_done for step in steps) else steps,
        export_counts=_counted(overview.exports),
    )


def _counted(exports: Mapping[ExportState, int]) -> list[tuple[str, int]]:
    """How many exports there are under each label."""
    found = [
        (SYNCED, exports.get(ExportState.POSTED, 0)),
        (PENDING_EXPORT, sum(exports.get(state, 0) for state in WORKABLE if state != ExportState.UNKNOWN)),
        (CHECKING, exports.get(ExportState.UNKNOWN, 0)),
        (HELD, exports.get(ExportState.HELD, 0)),
        (FAILED, exports.get(ExportState.REVIEW, 0)),
    ]
    return [(label, count) for label, count in found if count or label not in (CHECKING, HELD)]


def _chart(trend: Sequence[tuple[dt.date, Decimal]]) -> dict[str, object] | None:
    """What the chart draws; nothing while there was never any stock."""
    if not any(value for _, value in trend):
        return None
    return {
        "days": [day.isoformat() for day, _ in trend],
        "values": [str(value) for _, value in trend],
        "unit": the_company().currency,
        "today": _("today"),
    }


def _progress(overview: Overview) -> Progress:
    """Of the figures that the page has read anyway."""
    connection = overview.connection
    return Progress(
        is_connected=connection is not None and connection.state != ConnectionState.RECONNECT_NEEDED,
        has_accounts=connection is not None and not overview.missing_accounts,
        has_suppliers=True,
        has_products=overview.products > 0,
        has_boms=overview.boms > 0,
        has_receipts=overview.receipts > 0,
        has_builds=overview.executed_builds > 0,
    )
