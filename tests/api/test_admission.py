"""Every route, walked: nobody without a token, no writing without the role, no sight of another company's things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from partsemble_core.api.door import PREFIX
from partsemble_core.services.admitting import (
    MAY_AUDIT,
    MAY_EXPORT,
    MAY_LOCK,
    MAY_MANAGE,
    MAY_OWN,
    MAY_SET_UP,
    MAY_WRITE,
    Person,
)
from partsemble_core.services.keeping_sales import keep_sales
from partsemble_core.services.relating import MAY_LINK
from partsemble_core.services.signing_in import begin_sign_in
from partsemble_core.store.companies import ApiToken, Role
from partsemble_core.store.database import write_anywhere
from partsemble_core.store.remote_sales import RemoteSale
from partsemble_core.store.true_ups import TrueUp
from tests.api.callers import Firm, Served, found_firm
from tests.api.test_heard import put_tracking
from tests.services.makers import a_run, connect, contents
from tests.services.sales_shelf import a_sale

OPEN = {"GET /api/v1/openapi.json"}
READS = {
    "POST /api/v1/builds/preview",
    "POST /api/v1/builds/{build_id}/preview",
    "POST /api/v1/products/{product_id}/bom/estimate",
}
ROLES = {
    "POST /api/v1/receipts/{receipt_id}/reverse": MAY_SET_UP,
    "POST /api/v1/builds/{build_id}/reverse": MAY_SET_UP,
    "POST /api/v1/adjustments/{adjustment_id}/reverse": MAY_SET_UP,
    "PUT /api/v1/company": MAY_OWN,
    "PUT /api/v1/company/options": MAY_SET_UP,
    "GET /api/v1/api-tokens": MAY_SET_UP,
    "POST /api/v1/api-tokens": MAY_SET_UP,
    "POST /api/v1/api-tokens/{token_id}/revoke": MAY_SET_UP,
    "PUT /api/v1/company/locked-through": MAY_LOCK,
    "GET /api/v1/doctor": MAY_SET_UP,
    "POST /api/v1/exports/{export_id}/retry": MAY_EXPORT,
    "POST /api/v1/exports/post": MAY_EXPORT,
    "POST /api/v1/exports/retry": MAY_EXPORT,
    "POST /api/v1/exports/hold": MAY_EXPORT,
    "POST /api/v1/exports/skip": MAY_EXPORT,
    "POST /api/v1/exports/{export_id}/skip": MAY_EXPORT,
    "POST /api/v1/exports/{export_id}/adopt": MAY_EXPORT,
    "POST /api/v1/exports/{export_id}/cancel": MAY_SET_UP,
    "POST /api/v1/exports/{export_id}/remap": MAY_EXPORT,
    "DELETE /api/v1/connections/{connection_id}/accounts/{role}": MAY_SET_UP,
    "PUT /api/v1/connections/{connection_id}/accounts/{role}": MAY_SET_UP,
    "PUT /api/v1/connections/{connection_id}/tracking/{category_id}": MAY_SET_UP,
    "POST /api/v1/connections/{connection_id}/syncs": MAY_EXPORT,
    "PUT /api/v1/connections/{connection_id}/schedules/{kind}": MAY_EXPORT,
    "DELETE /api/v1/connections/{connection_id}/schedules/{kind}": MAY_EXPORT,
    "POST /api/v1/hooks/run/{name}": MAY_EXPORT,
    "POST /api/v1/reconcile": MAY_EXPORT,
    "POST /api/v1/true-ups": MAY_EXPORT,
    "POST /api/v1/true-ups/{true_up_id}/reverse": MAY_EXPORT,
    "GET /api/v1/backends": MAY_SET_UP,
    "PUT /api/v1/backends/{backend}/settings": MAY_SET_UP,
    "POST /api/v1/suppliers/{code}/contact": MAY_EXPORT,
    "PUT /api/v1/suppliers/{code}/contact": MAY_LINK,
    "DELETE /api/v1/suppliers/{code}/contact": MAY_LINK,
    "GET /api/v1/webhooks": MAY_SET_UP,
    "POST /api/v1/webhooks": MAY_SET_UP,
    "GET /api/v1/webhooks/{webhook_id}": MAY_SET_UP,
    "PUT /api/v1/webhooks/{webhook_id}": MAY_SET_UP,
    "DELETE /api/v1/webhooks/{webhook_id}": MAY_SET_UP,
    "POST /api/v1/webhooks/{webhook_id}/rotate": MAY_SET_UP,
    "POST /api/v1/webhooks/{webhook_id}/test": MAY_SET_UP,
    "GET /api/v1/event-deliveries": MAY_SET_UP,
    "GET /api/v1/event-deliveries/{delivery_id}": MAY_SET_UP,
    "POST /api/v1/event-deliveries/{delivery_id}/redeliver": MAY_SET_UP,
    "GET /api/v1/audit-log": MAY_AUDIT,
    "PUT /api/v1/account/locale": frozenset(Role),
    "GET /api/v1/members": MAY_MANAGE,
    "GET /api/v1/members/{member_id}": MAY_MANAGE,
    "PUT /api/v1/members/{member_id}/role": MAY_MANAGE,
    "POST /api/v1/members/{member_id}/deactivate": MAY_MANAGE,
    "POST /api/v1/members/{member_id}/reactivate": MAY_MANAGE,
    "POST /api/v1/members/{member_id}/end-sign-ins": MAY_MANAGE,
    "POST /api/v1/members/{member_id}/own": MAY_OWN,
    "POST /api/v1/members/{member_id}/take-off-second-factor": MAY_OWN,
    "GET /api/v1/sign-ins": MAY_MANAGE,
    "POST /api/v1/sign-ins/{sign_in_id}/end": MAY_MANAGE,
    "GET /api/v1/invitations": MAY_MANAGE,
    "POST /api/v1/invitations": MAY_MANAGE,
    "POST /api/v1/invitations/{invitation_id}/revoke": MAY_MANAGE,
}
"""Who may; where nothing is said, everybody reads and MAY_WRITE writes."""
RECIPE = {"components": []}
BODIES: dict[str, dict[str, Any]] = {
    "PUT /receipts/{receipt_id}": {"lines": [{"sku": "PANEL", "quantity": "1", "unit_cost": "1"}]},
    "PUT /connections/{connection_id}/accounts/{role}": {"code": "601"},
    "PUT /connections/{connection_id}/tracking/{category_id}": {"option": "north"},
    "POST /connections/{connection_id}/syncs": {"kind": "items"},
    "PUT /connections/{connection_id}/schedules/{kind}": {"every": "1h"},
    "POST /exports/{export_id}/skip": {"reason": "by hand"},
    "POST /exports/{export_id}/adopt": {"external_id": "theirs"},
    "POST /exports/{export_id}/cancel": {"reason": "wrong"},
    "PUT /products/{product_id}/bom": RECIPE,
    "POST /products/{product_id}/bom/estimate": RECIPE,
    "POST /products/{product_id}/bom/drafts": RECIPE,
    "PUT /products/{product_id}/bom/drafts/{version_id}": RECIPE,
    "PUT /members/{member_id}/role": {"role": "viewer"},
    "POST /members/{member_id}/own": {"password": "x"},
    "PUT /counts/{count_id}/lines": {"counted": {"1": "1"}},
    "POST /lots/{lot_id}/adjust": {"quantity": "-1", "reason": "loss"},
    "POST /lots/{lot_id}/hold": {"reason": "damp"},
    "POST /lots/{lot_id}/split": {"quantity": "1"},
    "POST /builds/{build_id}/move": {"to": "top"},
    "POST /builds/planned/change": {"build_ids": [1], "action": "refresh"},
    "POST /builds/{build_id}/reject": {"reason": "other", "recovery": "full"},
    "POST /receipts/{receipt_id}/reverse": {"reason": "wrong"},
    "POST /builds/{build_id}/reverse": {"reason": "wrong"},
    "POST /adjustments/{adjustment_id}/reverse": {"reason": "wrong"},
    "POST /true-ups/{true_up_id}/reverse": {"reason": "wrong"},
}
"""What the routes that name a thing need to be sent, to get as far as looking for it; else nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {PREFIX}{self.path}"

    @property
    def writes(self) -> bool:
        return self.method != "GET" and self.name not in READS

    def filled(self, ids: dict[str, Any]) -> str:
        return re.sub(r"{(\w+)}", lambda match: str(ids[match[1]]), self.path)


def routes(served: Served) -> Iterator[Route]:
    for rule in served.app.url_map.iter_rules():
        if rule.rule.startswith(f"{PREFIX}/"):
            path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule.removeprefix(PREFIX))
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                if f"{method} {rule.rule}" not in OPEN:
                    yield Route(method, path)


@pytest.fixture
def ids(firm: Firm) -> dict[str, Any]:
    """Something of every kind that a route names, in the firm."""
    connection = connect(firm.shop)
    put_tracking(firm, connection)
    firm.shop.products("PANEL", "KIT")
    receipt = firm.shop.stock("PANEL", "5")
    firm.shop.bom("KIT", {"PANEL": "1"})
    build = firm.shop.build("KIT", "1")
    lot_id = firm.shop.lots("PANEL")[0].id
    recipe = {"components": [{"sku": "PANEL", "quantity": "2"}]}
    draft = firm.owner.send("POST", f"/products/{firm.shop.find('KIT').id}/bom/drafts", recipe, status=201)
    adjusted = {"quantity": "-1", "reason": "loss"}
    firm.owner.send("PUT", "/suppliers/ACM/parts/PANEL", {"part_number": "P-1"})
    webhook = firm.owner.send("POST", "/webhooks", {"url": "https://example.com/hooks"}, status=201)
    invited = {"email": f"nora.{firm.company_id}@firm.test", "role": "viewer"}
    member_id = firm.owner.get("/members?role=builder")["rows"][0]["id"]
    return {
        "member_id": member_id,
        "sign_in_id": a_sign_in(firm, member_id),
        "invitation_id": firm.owner.send("POST", "/invitations", invited, status=201)["id"],
        "webhook_id": webhook["id"],
        "token_id": firm.owner.send("POST", "/api-tokens", {"name": "walker"}, status=201)["id"],
        "category_id": "region",
        "delivery_id": firm.owner.send("POST", f"/webhooks/{webhook['id']}/test", status=201)["id"],
        "version_id": draft["rows"][0]["id"],
        "adjustment_id": firm.owner.send("POST", f"/lots/{lot_id}/adjust", adjusted, status=201)["id"],
        "count_id": firm.owner.send("POST", "/counts", {}, status=201)["id"],
        "code": "ACM",
        "sku": "PANEL",
        "product_id": firm.shop.find("KIT").id,
        "receipt_id": receipt.id,
        "lot_id": lot_id,
        "build_id": build.id,
        "true_up_id": a_true_up(firm),
        "backend": "qbo_stub",
        "sale_id": a_kept_sale(firm, connection.id),
        "export_id": firm.owner.get("/exports")["rows"][0]["id"],
        "connection_id": connection.id,
        "run_id": a_run(firm.shop, connection.id),
        "kind": "items",
        "role": "waste",
        "name": "lots",
        "file_type": "csv",
    }


def a_true_up(firm: Firm) -> int:
    """The id of one that moved two cents."""
    act = firm.shop.act
    made = TrueUp(
        number=1,
        reference="PSB-TRU-0001",
        amount=Decimal("0.02"),
        trued_up_on=act.today,
        reverses_id=None,
        reason="",
        created_at=act.at,
        created_by=act.by,
    )
    firm.shop.write(lambda session: session.add(made))
    return made.id


def a_kept_sale(firm: Firm, connection_id: int) -> int:
    """The id of an invoice that was read from the books."""
    firm.shop.write(lambda session: keep_sales(session, connection_id, [a_sale("s1")], firm.shop.act.at))
    return firm.shop.rows(sa.select(RemoteSale))[0].id


def a_sign_in(firm: Firm, member_id: int) -> int:
    """The id of a browser that the member is signed in with."""
    person = Person(user_id=0, membership_id=member_id, company_id=firm.company_id, role=Role.BUILDER, by="b@firm.test")
    now = firm.served.house.clock()
    key = f"key of {firm.company_id}"
    begun = firm.shop.write(lambda s: begin_sign_in(s, person, key=key, address="192.0.2.7", agent="Firefox", now=now))
    return int(begun.id)


def test_the_walk_meets_every_kind_of_route(served: Served) -> None:
    names = {route.name for route in routes(served)}
    assert len(names) >= 70
    assert names >= READS | ROLES.keys() | {name.replace(" ", f" {PREFIX}") for name in BODIES}


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer psb_live_é",
        "Basic YTpi",
        "Bearer psb_live_" + "x" * 20_000,
        "Bearer \x00",
    ],
)
def test_no_route_opens_without_a_valid_token(
    firm: Firm, served: Served, ids: dict[str, Any], authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode().decode("latin-1")}
    client = served.app.test_client()
    for route in routes(served):
        answer = client.open(PREFIX + route.filled(ids), method=route.method, headers=headers, json={})
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "token-refused"), route.name
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_opens_nothing_from_then_on(firm: Firm, served: Served) -> None:
    assert firm.owner.get("/company")
    write_anywhere(
        served.house.engine,
        lambda session: session.execute(
            sa.update(ApiToken).where(ApiToken.company_id == firm.company_id).values(revoked_at=served.house.clock())
        ),
    )
    assert firm.owner.refused("GET", "/company") == (401, "token-refused", None)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
def test_writing_takes_a_role_and_is_refused_before_anything_is_read(
    firm: Firm, served: Served, ids: dict[str, Any], role: Role
) -> None:
    caller = firm.callers[role]
    before = contents(firm.shop)
    for route in routes(served):
        if not route.writes:
            continue
        answer = caller.call(route.method, route.filled(ids), json={"nonsense": True})
        if role in ROLES.get(route.name, MAY_WRITE):
            assert answer.status_code != 403, route.name
        else:
            assert (answer.status_code, answer.json["error"]["code"]) == (403, "forbidden"), route.name
    if role == Role.VIEWER:
        assert contents(firm.shop) == before


def test_every_role_may_read(firm: Firm, served: Served, ids: dict[str, Any]) -> None:
    for role, caller in firm.callers.items():
        for route in routes(served):
            if route.method == "GET":
                answer = caller.call(
                    "GET", f"{route.filled(ids)}{'?quantity=1' if route.path.endswith(('explosion', 'parts')) else ''}"
                )
                expected = 200 if role in ROLES.get(route.name, Role) else 403
                assert answer.status_code == expected, (role, route.name, answer.text)


def test_a_stranger_finds_nothing_of_another_company(firm: Firm, served: Served, ids: dict[str, Any]) -> None:
    """The same words for a foreign id as for one that never was, and nothing changes."""
    stranger = found_firm(served).owner
    before = contents(firm.shop)
    walked = 0
    for route in routes(served):
        named = [key for key in re.findall(r"{(\w+)}", route.path) if key.endswith("_id")]
        if not named:
            continue
        walked += 1
        sent: dict[str, Any] = {} if route.method == "GET" else {"json": BODIES.get(f"{route.method} {route.path}", {})}
        query = "?quantity=1" if route.path.endswith(("explosion", "/parts")) else ""
        foreign = stranger.call(route.method, route.filled(ids) + query, **sent)
        missing = stranger.call(route.method, route.filled({**ids, **dict.fromkeys(named, 10**12)}) + query, **sent)
        assert foreign.status_code == missing.status_code == 404, (route.name, foreign.text)
        theirs, nobodys = foreign.json["error"], missing.json["error"]
        assert theirs["code"] == nobodys["code"] == "not-found"
        assert re.sub(r"\b\d+\b", "N", theirs["message"]) == re.sub(r"\b\d+\b", "N", nobodys["message"])
    assert walked >= 42
    assert contents(firm.shop) == before


def test_a_stranger_can_not_reach_a_product_by_its_sku(firm: Firm, served: Served, ids: dict[str, Any]) -> None:
    stranger = found_firm(served).owner
    line = {"sku": "PANEL", "quantity": "1", "unit_cost": "1"}
    assert stranger.refused("POST", "/builds", {"sku": "KIT", "quantity": "1"}) == (422, "invalid", "sku")
    assert stranger.refused("POST", "/builds/preview", {"sku": "KIT", "quantity": "1"}) == (422, "invalid", "sku")
    refusal = stranger.refused("POST", "/receipts", {"supplier": "ACM", "lines": [line]})
    assert refusal == (422, "invalid", "lines[0].sku")


def test_a_draft_of_another_company_is_not_found_by_way_of_a_product_of_ones_own(
    firm: Firm, served: Served, ids: dict[str, Any]
) -> None:
    other = found_firm(served)
    other.shop.products("PANEL", "KIT")
    body = {"components": [{"sku": "PANEL", "quantity": "1"}]}
    path = f"/products/{other.shop.find('KIT').id}/bom/drafts/{ids['version_id']}"
    before = contents(firm.shop)
    for method, way in (("PUT", path), ("POST", f"{path}/activate"), ("DELETE", path)):
        sent = body if method == "PUT" else None
        assert other.owner.refused(method, way, sent)[:2] == (404, "not-found"), (method, way)
    assert contents(firm.shop) == before
