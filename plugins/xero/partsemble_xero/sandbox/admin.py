"""The switches under ``/sandbox/``, for this machine only: clock, locks, accounts, faults, records.

They stand in for what happens on Xero's side without an app's doing: time passes, an accountant
closes a month, a user disconnects the app, a line breaks.
"""

from __future__ import annotations

import ipaddress
import re
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from . import books, connections, contacts, tokens
from .accounts import chart_of, set_status
from .clock import ClockRefused
from .contact_records import Narrowing, find_contact, list_contacts
from .context import Sandbox
from .faults import KINDS, Fault, add_fault, clear_faults, list_faults
from .pages import read_books
from .problems import JSON, Problem
from .recording import forget_requests, list_requests
from .sales_rules import SalesRefused
from .sales_switches import SALES_SWITCHES, Change
from .tenants import Tenant, find_tenant, list_tenants, lock_dates
from .tracking import set_tracking_status
from .wire import WireError, decode, encode, from_ms, read_moment

SECONDS_MAX = 100 * 366 * 86_400
Fields = Mapping[str, object]


class AdminRefused(Exception):
    """A switch that cannot be set: code, the field at fault, and what to send instead."""

    def __init__(self, code: str, *, field: str, cure: str, status: int = 400) -> None:
        super().__init__(f"{field}: {cure} ({code})")
        self.status = status
        self.shown = {"error": {"code": code, "field": field, "message": cure}}


Switch = Callable[..., object]  # takes a connection and the names in its path, gives what to show


class Admin:
    """The views of the switches over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> Blueprint:
        routes = Blueprint("admin", __name__, url_prefix="/sandbox")
        routes.before_request(_refuse_strangers)
        table: tuple[tuple[str, str, Switch], ...] = (
            ("GET", "/organisations", self.list_organisations),
            ("GET", "/books/<tenant_id>.json", self.show_books),
            ("POST", "/organisations/<tenant_id>/lock-dates", self.set_lock_dates),
            ("POST", "/organisations/<tenant_id>/accounts/<code>", self.set_account),
            ("GET", "/organisations/<tenant_id>/contacts", self.show_contacts),
            ("POST", "/organisations/<tenant_id>/contacts", self.add_contact),
            ("POST", "/organisations/<tenant_id>/contacts/<contact_id>", self.change_contact),
            ("POST", "/organisations/<tenant_id>/tracking", self.set_tracking),
            ("POST", "/organisations/<tenant_id>/disconnect", self.disconnect),
            ("POST", "/organisations/<tenant_id>/entries", self.enter),
            ("POST", "/revoke-grant", self.revoke_grant),
            ("GET", "/clock", self.show_clock),
            ("POST", "/clock", self.move_clock),
            ("GET", "/requests", self.show_requests),
            ("DELETE", "/requests", self.forget_requests),
            ("GET", "/faults", self.show_faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.clear_faults),
            *(
                (
                    ("POST", f"/organisations/<tenant_id>{path}", partial(self.change_sales, do))
                    for path, do in SALES_SWITCHES
                )
            ),
        )
        for method, path, switch in table:
            routes.add_url_rule(
                path,
                endpoint=f"{method} {path}".replace(".", "_"),
                view_func=partial(self._view, switch),
                methods=[method],
            )
        return routes

    def _view(self, switch: Switch, **path: str) -> Response:
        request.get_data()  # before the write lock is taken
        try:
            with self._sandbox.state.writing() as connection:
                shown = switch(connection, **path)
        except AdminRefused as refusal:
            return _answer(refusal.shown, refusal.status)
        return _answer(shown, 200)

    def list_organisations(self, connection: sqlite3.Connection) -> object:
        """Every organisation with its lock dates, by name."""
        return [
            {
                "tenant_id": tenant.tenant_id,
                "name": tenant.name,
                "currency": tenant.currency,
                "period_lock": tenant.period_lock and tenant.period_lock.isoformat(),
                "end_of_year_lock": tenant.end_of_year_lock and tenant.end_of_year_lock.isoformat(),
            }
            for tenant in list_tenants(connection, tenant_type="ORGANISATION")
        ]

    def show_books(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """The books as data, for assertions on this side of the wire."""
        return read_books(connection, _tenant(connection, tenant_id))

    def set_lock_dates(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """``period`` and ``end_of_year``: a day, or null to open; one left out stays as it is."""
        tenant, fields = _tenant(connection, tenant_id), _fields()
        period = _day(fields, "period") if "period" in fields else tenant.period_lock
        year = _day(fields, "end_of_year") if "end_of_year" in fields else tenant.end_of_year_lock
        lock_dates(connection, tenant_id=tenant.tenant_id, period=period, end_of_year=year)
        return {"period": period and period.isoformat(), "end_of_year": year and year.isoformat()}

    def set_account(self, connection: sqlite3.Connection, tenant_id: str, code: str) -> object:
        """``status``: ARCHIVED or ACTIVE."""
        tenant, status = _tenant(connection, tenant_id), _fields().get("status")
        if status not in ("ACTIVE", "ARCHIVED"):
            raise AdminRefused("status-not-valid", field="status", cure="send ACTIVE or ARCHIVED")
        now_ms = self._sandbox.clock.now_ms(connection)
        if not set_status(connection, tenant_id=tenant.tenant_id, code=code, status=str(status), now_ms=now_ms):
            raise AdminRefused("account-not-found", field="code", cure="name an account code of the chart", status=404)
        return {"code": code, "status": status}

    def show_contacts(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """Every contact, archived ones too, in the order of their making."""
        tenant = _tenant(connection, tenant_id)
        everyone = Narrowing(with_archived=True)
        return [
            {
                "contact_id": contact.contact_id,
                "name": contact.name,
                "contact_number": contact.contact_number,
                "email": contact.email,
                "status": contact.status,
                "merged_into": contact.merged_to,
                "is_supplier": contact.is_supplier,
                "is_customer": contact.is_customer,
            }
            for contact in list_contacts(connection, tenant_id=tenant.tenant_id, narrowing=everyone)
        ]

    def add_contact(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """A person adds a contact: ``name``, and what else `change_contact` takes."""
        tenant, now_ms = _tenant(connection, tenant_id), self._sandbox.clock.now_ms(connection)
        fields = _fields()
        return {"contact_id": _by_hand(lambda: contacts.add_by_hand(connection, tenant, fields, now_ms=now_ms))}

    def change_contact(self, connection: sqlite3.Connection, tenant_id: str, contact_id: str) -> object:
        """A person changes a contact: what `contacts.change_by_hand` takes."""
        tenant, now_ms = _tenant(connection, tenant_id), self._sandbox.clock.now_ms(connection)
        fields, contact = _fields(), find_contact(connection, tenant_id=tenant.tenant_id, named=contact_id)
        if contact is None:
            raise AdminRefused("contact-not-found", field="contact_id", cure="name a contact's id", status=404)
        _by_hand(lambda: contacts.change_by_hand(connection, tenant, contact, fields, now_ms=now_ms))
        return {"contact_id": contact.contact_id}

    def change_sales(
        self, do: Callable[[Change], object], connection: sqlite3.Connection, tenant_id: str, **path: str
    ) -> object:
        """One of the switches of ``sales_switches.py``."""
        change = Change(
            connection=connection,
            tenant=_tenant(connection, tenant_id),
            fields=_fields(),
            now_ms=self._sandbox.clock.now_ms(connection),
            path=path,
        )
        try:
            return do(change)
        except SalesRefused as refusal:
            raise AdminRefused(refusal.code, field=refusal.field, cure=refusal.cure, status=refusal.status) from refusal

    def set_tracking(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """``category``, ``option`` (left out: the category itself), ``status``: ARCHIVED or ACTIVE."""
        tenant, fields = _tenant(connection, tenant_id), _fields()
        status, option = fields.get("status"), fields.get("option")
        if status not in ("ACTIVE", "ARCHIVED"):
            raise AdminRefused("status-not-valid", field="status", cure="send ACTIVE or ARCHIVED")
        done = set_tracking_status(
            connection,
            tenant_id=tenant.tenant_id,
            category=str(fields.get("category")),
            option=None if option is None else str(option),
            status=str(status),
        )
        if done is None:
            raise AdminRefused("tracking-not-found", field="category", cure="name a tracking category", status=404)
        if not done:
            raise AdminRefused("two-active-at-most", field="status", cure="archive another category first", status=409)
        return {"category": fields.get("category"), "option": option, "status": status}

    def disconnect(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """The user takes the app's access to one organisation away; tokens still refresh."""
        tenant = _tenant(connection, tenant_id)
        return {"disconnected": connections.disconnect_tenant(connection, tenant_id=tenant.tenant_id)}

    def enter(self, connection: sqlite3.Connection, tenant_id: str) -> object:
        """``date``, ``code``, ``against`` and ``amount``: a person books something that is no manual journal."""
        tenant, fields = _tenant(connection, tenant_id), _fields()
        day = _day(fields, "date") if "date" in fields else None
        if day is None:
            raise AdminRefused("day-not-valid", field="date", cure="send YYYY-MM-DD")
        by_code = {account.code: account.account_id for account in chart_of(connection, tenant.tenant_id)}
        sides = []
        for name, sign in (("code", 1), ("against", -1)):
            code = fields.get(name)
            if not isinstance(code, str) or code not in by_code:
                raise AdminRefused("account-not-found", field=name, cure="name an account code of the chart")
            sides.append(books.LedgerLine(by_code[code], sign * _cents(fields)))
        source_id = str(uuid.uuid4())
        books.post(connection, tenant_id=tenant.tenant_id, source_id=source_id, day=day, lines=sides)
        return {"entry_id": source_id}

    def revoke_grant(self, connection: sqlite3.Connection) -> object:
        """The user takes all access away: no connection is left and no refresh token works."""
        tokens.revoke_all(connection)
        connections.disconnect_all(connection)
        return {"revoked": True}

    def show_clock(self, connection: sqlite3.Connection) -> object:
        """The sandbox's time."""
        return {
            "now": from_ms(self._sandbox.clock.now_ms(connection)).isoformat(),
            "mode": self._sandbox.clock.mode,
        }

    def move_clock(self, connection: sqlite3.Connection) -> object:
        """``advance_seconds``: how far forward; or ``now``: an ISO time to go to."""
        fields = _fields()
        try:
            if "now" in fields:
                target = read_moment(str(fields["now"]))
            else:
                seconds = _whole(fields, "advance_seconds", default=None, most=SECONDS_MAX)
                target = self._sandbox.clock.now_ms(connection) + seconds * 1000
            self._sandbox.clock.move_to(connection, target)
        except (ClockRefused, WireError) as error:
            raise AdminRefused("clock-not-moved", field="now", cure=str(error)) from error
        return self.show_clock(connection)

    def show_requests(self, connection: sqlite3.Connection) -> object:
        """The recorded requests, or those after the id in ``?after=``."""
        after = request.args.get("after", "0")
        if not after.isdecimal() or len(after) > 15:
            raise AdminRefused("after-not-valid", field="after", cure="send the id of a recorded request")
        return list_requests(connection, after_id=int(after))

    def forget_requests(self, connection: sqlite3.Connection) -> object:
        """Empty the record of requests."""
        forget_requests(connection)
        return []

    def show_faults(self, connection: sqlite3.Connection) -> object:
        """The faults still to come."""
        return [
            {
                "match": fault.pattern,
                "kind": fault.kind,
                "status": fault.status,
                "hold_ms": fault.hold_ms,
                "times": fault.times_left,
                "percent": fault.percent,
            }
            for fault in list_faults(connection)
        ]

    def add_fault(self, connection: sqlite3.Connection) -> object:
        """``match`` and ``kind``, and where they apply ``status``, ``hold_ms``, ``times``, ``percent``."""
        fields = _fields()
        match, kind = fields.get("match"), fields.get("kind")
        if not isinstance(match, str) or " /" not in match:
            raise AdminRefused("match-not-valid", field="match", cure="send a text such as 'PUT /api.xro/2.0/*'")
        if kind not in KINDS:
            raise AdminRefused("kind-not-valid", field="kind", cure=f"send one of {', '.join(KINDS)}")
        fault = Fault(
            pattern=match,
            kind=str(kind),
            status=_whole(fields, "status", default=500, most=599),
            hold_ms=_whole(fields, "hold_ms", default=0, most=600_000),
            times_left=_whole(fields, "times", default=1, most=1_000_000),
            percent=_whole(fields, "percent", default=100, most=100),
        )
        add_fault(connection, fault)
        return self.show_faults(connection)

    def clear_faults(self, connection: sqlite3.Connection) -> object:
        """Heal everything and let held requests go."""
        clear_faults(connection)
        return []


def _by_hand(work: Callable[[], object]) -> object:
    """What a person does with a contact, or why Xero won't have it."""
    try:
        return work()
    except ValueError as error:
        raise AdminRefused("contact-not-valid", field="contact", cure=str(error)) from error
    except Problem as problem:
        raise AdminRefused("contact-not-valid", field="contact", cure="send texts") from problem


def _refuse_strangers() -> Response | None:
    """The switches answer this machine only, whatever address the server listens on."""
    # The host's name as well: a foreign page can have its own name resolve to this machine.
    if _is_loopback(request.remote_addr) and _is_loopback(urlsplit(f"//{request.host}").hostname):
        return None
    refusal = AdminRefused("loopback-only", field="address", cure="call /sandbox/ from the sandbox's own machine")
    return _answer(refusal.shown, 403)


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _answer(shown: object, status: int) -> Response:
    return Response(encode(shown), status=status, content_type=JSON)


def _fields() -> Fields:
    # A page in a browser can post forms across origins, but not JSON.
    if request.mimetype != "application/json":
        raise AdminRefused("json-expected", field="body", cure="send a JSON object as application/json", status=415)
    try:
        fields = decode(request.get_data())
    except WireError as error:
        raise AdminRefused("json-expected", field="body", cure=str(error)) from error
    if not isinstance(fields, Mapping):
        raise AdminRefused("json-expected", field="body", cure="send a JSON object")
    return fields


def _tenant(connection: sqlite3.Connection, tenant_id: str) -> Tenant:
    tenant = find_tenant(connection, tenant_id)
    if tenant is None or tenant.tenant_type != "ORGANISATION":
        cure = "take a tenant_id from /sandbox/organisations"
        raise AdminRefused("organisation-not-found", field="tenant_id", cure=cure, status=404)
    return tenant


def _day(fields: Fields, name: str) -> date | None:
    value = fields[name]
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError as error:
        raise AdminRefused("day-not-valid", field=name, cure="send YYYY-MM-DD or null") from error


def _cents(fields: Fields) -> int:
    found = re.fullmatch(r"(-?)(\d{1,10})\.(\d\d)", str(fields.get("amount")))
    if found is None:
        raise AdminRefused("amount-not-valid", field="amount", cure="send a text with two decimals, such as 12.50")
    return int(found[1] + found[2] + found[3])


def _whole(fields: Fields, name: str, *, default: int | None, most: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise AdminRefused("number-not-valid", field=name, cure=f"send a whole number from 0 to {most}")
    return value


answer_switch, read_fields, refuse_strangers, tenant_of = _answer, _fields, _refuse_strangers, _tenant
"""For the switches that live in files of their own."""
