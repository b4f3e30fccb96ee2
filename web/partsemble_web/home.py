"""The first page: how the company stands, what needs attention, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, render_template, url_for

from partsemble_core.domain.exports import WORKABLE, ExportState
from partsemble_core.services.attending import attend
from partsemble_core.services.cautioning import cautions_of
from partsemble_core.services.explaining import exports_of_builds
from partsemble_core.services.listing import build_label
from partsemble_core.services.overseeing import Overview, oversee
from partsemble_core.services.valuing import monthly_trend
from partsemble_core.store.connections import ConnectionState
from partsemble_web.scope import act, reading, the_company

pages = Blueprint("home", __name__, template_folder="templates")
CAUTIONS = 3
"""That are told in full; Integrations has the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """One of the steps from an empty company to a posted build."""

    title: str
    why: str
    link: str
    is_done: bool


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
    steps = first_steps(overview)
    exports = overview.exports
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
        waiting=sum(exports.get(state, 0) for state in WORKABLE),
        posted=exports.get(ExportState.POSTED, 0),
        held=exports.get(ExportState.HELD, 0),
        stuck=exports.get(ExportState.REVIEW, 0),
    )


def _chart(trend: Sequence[tuple[dt.date, Decimal]]) -> dict[str, object] | None:
    """What the chart draws; nothing while there was never any stock."""
    if not any(value for _, value in trend):
        return None
    return {
        "days": [day.isoformat() for day, _ in trend],
        "values": [str(value) for _, value in trend],
        "unit": the_company().currency,
    }


def first_steps(overview: Overview) -> list[FirstStep]:
    """In the order in which they make sense."""
    connection = overview.connection
    return [
        FirstStep(
            title="Add your products",
            why="Everything that has stock: what you buy, and what you make.",
            link=url_for("products.show_form"),
            is_done=overview.products > 0,
        ),
        FirstStep(
            title="Say what they are made of",
            why="A BOM lists the components of one unit, and what labour and overhead it bears.",
            link=url_for("products.show_list"),
            is_done=overview.boms > 0,
        ),
        FirstStep(
            title="Connect your books",
            why="Sign in to your accounting system and choose the accounts that postings go to.",
            link=url_for("integrations.show"),
            is_done=connection is not None and connection.state == ConnectionState.ACTIVE,
        ),
        FirstStep(
            title="Receive your first parts",
            why="A receipt opens a lot for each line, at exactly what it cost.",
            link=url_for("receipts.show_form"),
            is_done=overview.receipts > 0,
        ),
        FirstStep(
            title="Build something",
            why="The oldest lots are taken first, and their exact cost becomes the cost of what you made.",
            link=url_for("builds.show_form"),
            is_done=overview.builds > 0,
        ),
    ]
