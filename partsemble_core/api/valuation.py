"""Value of stock on any day, the company's options and lock, and whether every law holds."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from partsemble_core.api import company_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, today, writing
from partsemble_core.api.schemas import CompanyOut
from partsemble_core.api.tags import check_match, tag
from partsemble_core.errors import Invalid, say
from partsemble_core.services.acting import Act, parse_day, parse_iso_day
from partsemble_core.services.admitting import MAY_LOCK, MAY_OWN, MAY_SET_UP
from partsemble_core.services.beginning import Progress, progress_of
from partsemble_core.services.closing import lock_through, proposed_lock_day
from partsemble_core.services.doctoring import examine
from partsemble_core.services.incorporating import change_company
from partsemble_core.services.noticing import settings
from partsemble_core.services.opting import set_options
from partsemble_core.services.valuing import StockValue, monthly_trend, stock_at
from partsemble_core.store.companies import Company, options_of
from partsemble_core.store.session import CompanySession

area = Area("company", "Value of stock on any day, the company's options and locked period, and its doctor.")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


@area.route("GET", "/valuation", asks=schemas.ValuationQuery, gives=schemas.ValuationOut)
def show_valuation(query: Mapping[str, str]) -> StockValue:
    """Quantity and value of every product and lot at the end of a day, as known now or as known then."""
    day = parse_day(query.get("on"), field="on", today=today())
    known_at = _parse_moment(query["known_at"], field="known_at") if query.get("known_at") else None
    with reading() as session:
        return stock_at(session, day, known_at=known_at)


@area.route("GET", "/valuation/trend", gives=schemas.TrendOut)
def show_trend() -> Json:
    """Value of stock at the last twelve month ends, and today, oldest first."""
    day = today()
    with reading() as session:
        return {"rows": [{"day": end, "value": value} for end, value in monthly_trend(session, today=day)]}


@area.route("PUT", "/company", takes=schemas.CompanyIn, gives=CompanyOut, roles=MAY_OWN)
def put_company(body: dict[str, Any]) -> Company:
    """Another name, another time zone. The currency stays: every amount is in it."""
    return writing(
        lambda session, act: change_company(session, name=body["name"], timezone=body["timezone"], at=act.at)
    )


@area.route("GET", "/company/first-steps", gives=schemas.FirstStepsOut)
def show_first_steps() -> Progress:
    """How far the company has come from nothing to its first build."""
    with reading() as session:
        return progress_of(session)


@area.route("GET", "/company/options", gives=schemas.OptionsOut)
def show_options() -> Json:
    """The company's switches, and the day through which its books are locked."""
    with reading() as session:
        tag(session, settings())
        return _options_body(session)


@area.route("PUT", "/company/options", takes=schemas.OptionsIn, gives=schemas.OptionsOut, roles=MAY_SET_UP)
def put_options(body: dict[str, Any]) -> Json:
    """Turns the switches that are given."""

    def choose(session: CompanySession, act: Act) -> Json:
        check_match(session, settings())
        set_options(session, body)
        return _options_body(session)

    return writing(choose)


@area.route("PUT", "/company/locked-through", takes=schemas.LockIn, gives=schemas.OptionsOut, roles=MAY_LOCK)
def put_lock(body: dict[str, Any]) -> Json:
    """Locks stock through a day: no document is dated on or before it. Null unlocks everything."""
    given = body["locked_through"]
    through = None if given is None else parse_iso_day(given, field="locked_through")

    def lock(session: CompanySession, act: Act) -> Json:
        lock_through(session, through, today=act.today)
        return _options_body(session)

    return writing(lock)


@area.route("GET", "/doctor", asks=schemas.DoctorQuery, gives=schemas.DoctorOut, roles=MAY_SET_UP)
def show_findings(query: Mapping[str, str]) -> Json:
    """Checks every law of stock and books and names the rows that break one. Nothing is repaired."""
    if query["replay"] not in ("true", "false"):
        raise Invalid("replay", "Say true, to rebuild stock from the ledger and compare, or false.")
    with reading() as session:
        findings = examine(session, replay=query["replay"] == "true")
    return {"is_well": not findings, "findings": findings}


def _options_body(session: CompanySession) -> Json:
    session.flush()
    options = options_of(session)
    same = schemas.OptionsOut._declared_fields.keys() - {"proposed_lock_day"}
    return {
        **{key: getattr(options, key) for key in same},
        "proposed_lock_day": proposed_lock_day(session, today=today()),
    }


def _parse_moment(text: str, *, field: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text) if MOMENT.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or not 1900 <= moment.year <= 2999:
        raise Invalid(
            field, say("{text!r} isn't a time with its zone. Write it as 2026-04-30T17:00:00Z.", text=text[:40])
        )
    return moment.astimezone(dt.UTC)
