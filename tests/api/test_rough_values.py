"""Values that nobody sends by mistake, where somebody decides, syncs or listens: refused, and never a fault."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from partsemble_core.api.door import PREFIX
from partsemble_core.store.companies import Role
from partsemble_core.store.connections import Connection
from tests.api.callers import Firm, found_firm
from tests.api.test_deciding import as_failed
from tests.services.makers import connect

HUGE = 10**30
VALUES: tuple[object, ...] = (
    None, True, 0, -1, 1.5, HUGE, -HUGE, "", " ", "\x00", "x\x00y", "\ud800", "x" * 100_000, "1e9999", "NaN", "٣",
    [], [[]], {}, [HUGE], ["x"], [None], [True], ["\x00"], [1.5], {"a": {}}, [1] * 5000,
)  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"ids":1,"ids":2}', b"[" * 90_000,
    b'{"ids":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"ids":[1e9999]}', b'{"ids":[NaN]}', b"1" * 6000,
)  # fmt: skip
IDS = ("0", "-1", str(HUGE), "9" * 5000, str(2**63), str(2**63 - 1), "abc", "1.5", "%00", "٣", "1%2F2")
ROUTES = {
    "POST /exports/post": ("ids", "digest"),
    "POST /exports/{export}/retry": (),
    "POST /exports/{export}/skip": ("reason",),
    "POST /exports/{export}/adopt": ("external_id",),
    "POST /exports/{export}/cancel": ("reason", "reversed_on"),
    "POST /exports/{export}/remap": (),
    "GET /exports/{export}": (),
    "GET /exports/{export}/dry-run": (),
    "POST /webhooks": ("url", "kinds"),
    "PUT /webhooks/{webhook}": ("url", "kinds", "is_active"),
    "POST /webhooks/{webhook}/rotate": (),
    "POST /webhooks/{webhook}/test": (),
    "DELETE /webhooks/{webhook}": (),
    "GET /event-deliveries/{delivery}": (),
    "POST /event-deliveries/{delivery}/redeliver": (),
    "GET /syncs/{sync}": (),
    "POST /connections/{connection}/syncs": ("kind",),
    "GET /connections/{connection}/schedules": (),
    "PUT /connections/{connection}/schedules/{kind}": ("every",),
    "DELETE /connections/{connection}/schedules/{kind}": (),
    "POST /hooks/run/{hook}": (),
}
FITTING: dict[str, object] = {"url": "https://example.com/hooks", "reason": "why", "ids": [1]}
PRIVATE = (
    "http://127.0.0.1/", "http://localhost:8000/", "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/",
    "http://017700000001/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://0/",
    "http://169.254.169.254/latest/meta-data", "http://[fd00::1]/", "http://[fe80::1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[::127.0.0.1]/", "http://10.0.0.1/", "http://x.localhost/", "http://LOCALHOST/",
    "http://localhost./", "http://127.0.0.1./", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
    "//example.com/", "https://user:word@example.com/", "http://example.com:0/", "http://example.com:99999/",
    "http://exa\tmple.com/", "http://example.com/\r\nX: 1", "http://[::1", "http://exämple.com/", "javascript:alert(1)",
)  # fmt: skip


@pytest.fixture
def places(firm: Firm) -> dict[str, str]:
    """One of everything, with its id."""
    connection = connect(firm.shop)
    real = {"backend": "qbo_stub", "organisation_id": "9130-0001"}
    firm.shop.write(lambda session: session.execute(sa.update(Connection).values(real)))
    firm.shop.products("PANEL")
    firm.owner.send("PUT", "/company/options", {"export_receipts": "manual"})
    firm.shop.stock("PANEL", "5", "2.50")
    firm.shop.stock("PANEL", "5", "2.50")
    failed = firm.owner.get("/exports")["rows"][0]["id"]
    as_failed(firm, failed)
    webhook = firm.owner.send("POST", "/webhooks", {"url": "https://example.org/hooks"}, status=201)["id"]
    delivery = firm.owner.send("POST", f"/webhooks/{webhook}/test", status=201)["id"]
    sync = firm.owner.send("POST", f"/connections/{connection.id}/syncs", {"kind": "items"}, status=202)["id"]
    found = {"export": failed, "webhook": webhook, "delivery": delivery, "sync": sync, "connection": connection.id}
    return {**{name: str(each) for name, each in found.items()}, "kind": "items", "hook": "sync-items"}


def answers(firm: Firm, route: str, body: bytes) -> int:
    method, path = route.split(" ")
    caller = firm.owner
    headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"}
    answer = caller.client.open(f"{PREFIX}{path}", method=method, headers=headers, data=body)
    assert answer.status_code < 500, f"{route} {body[:80]!r}: {answer.text[:300]}"
    return answer.status_code


@pytest.mark.parametrize("route", ROUTES)
def test_no_value_is_a_fault(firm: Firm, places: dict[str, str], route: str) -> None:
    fields, there = ROUTES[route], route.format(**places)
    for field in fields:
        others = {name: value for name, value in FITTING.items() if name in fields and name != field}
        for value in VALUES:
            answers(firm, there, json.dumps({**others, field: value}).encode())
    for body in BODIES:
        answers(firm, there, body)
    for name in places:
        for bad in IDS if f"{{{name}}}" in route else ():
            assert answers(firm, route.format(**{**places, name: bad}), b"{}") in (404, 405, 422), bad


@pytest.mark.parametrize("served", ["sqlite"], indirect=True)
@pytest.mark.parametrize("url", PRIVATE)
def test_events_go_to_no_address_inside(firm: Firm, url: str) -> None:
    """As it is written; what a name leads to is seen when it is dialled."""
    status, code, field = firm.owner.refused("POST", "/webhooks", {"url": url})
    assert (status in (409, 422), code in ("invalid", "private-address"), field) == (True, True, "url")


@pytest.mark.parametrize("served", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", ROUTES)
def test_another_companys_ids_do_not_exist(firm: Firm, places: dict[str, str], route: str) -> None:
    stranger = found_firm(firm.served)
    if "{" in route.replace("{kind}", "").replace("{hook}", ""):
        bodies = {"skip": {"reason": "x"}, "adopt": {"external_id": "x"}, "cancel": {"reason": "x"}}
        body = bodies.get(route.rsplit("/")[-1], {"kind": "items"} if "syncs" in route else {"every": "6h"})
        if route.startswith("PUT /webhooks"):
            body = {"is_active": False}
        assert answers(stranger, route.format(**places), json.dumps(body).encode()) == 404


WRITES = [route for route in ROUTES if not route.startswith("GET") and "{" in route]


@pytest.mark.parametrize("served", ["sqlite"], indirect=True)
@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.BUILDER])
def test_who_only_looks_or_builds_decides_nothing(firm: Firm, places: dict[str, str], role: Role, route: str) -> None:
    method, path = route.format(**places).split(" ")
    answer = firm.callers[role].call(method, path, json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "forbidden")
