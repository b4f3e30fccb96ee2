"""An ETag names the last change that people made, and If-Match refuses to go by an older one."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.api.callers import PREFIX, Caller, Firm


def send(caller: Caller, method: str, path: str, body: Any, *, match: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {caller.token}", "If-Match": match}
    return caller.client.open(f"{PREFIX}{path}", method=method, headers=headers, json=body)


def test_a_change_by_an_older_tag_is_refused(firm: Firm) -> None:
    owner = firm.owner
    product = owner.send("POST", "/products", {"sku": "BOLT", "name": "Bolt"}, status=201)
    member = owner.get("/members?search=viewer")["rows"][0]["id"]
    for read, method, write, one, other in (
        (f"/products/{product['id']}", "PUT", f"/products/{product['id']}", {"name": "One"}, {"name": "Two"}),
        ("/suppliers/ACM", "PATCH", "/suppliers/ACM", {"phone": "1"}, {"phone": "2"}),
        ("/company/options", "PUT", "/company/options", {"qa_review": True}, {"qa_review": False}),
        (f"/members/{member}", "PUT", f"/members/{member}/role", {"role": "builder"}, {"role": "admin"}),
    ):
        tag = owner.call("GET", read).headers["ETag"]
        assert send(owner, method, write, one, match=tag).status_code == 200, read
        late = send(owner, method, write, other, match=tag)
        assert (late.status_code, late.json["error"]["code"]) == (409, "changed-meanwhile"), read
        newer = owner.call("GET", read).headers["ETag"]
        assert newer != tag
        assert send(owner, method, write, other, match=newer).status_code == 200, read
        assert send(owner, method, write, one, match="*").status_code == 200, read
    answer = send(owner, "PATCH", "/suppliers/ACM", {"phone": "3"}, match='W/"1"')
    assert (answer.status_code, answer.json["error"]["field"]) == (422, "If-Match")


def test_planned_builds_and_drafts_are_tagged_too(firm: Firm) -> None:
    owner = firm.owner
    for sku in ("BOLT", "KIT"):
        made = owner.send("POST", "/products", {"sku": sku, "name": sku}, status=201)
    owner.send("PUT", f"/products/{made['id']}/bom", {"components": [{"sku": "BOLT", "quantity": "1"}]})
    plan = owner.send("POST", "/builds/plan", {"sku": "KIT", "quantity": "1"}, status=201)
    line = {"sku": "BOLT", "quantity": "1", "unit_cost": "1"}
    draft = owner.send("POST", "/receipts", {"supplier": "ACM", "lines": [line]}, status=201)
    for path, body in ((f"/builds/{plan['id']}", {"quantity": "2"}), (f"/receipts/{draft['id']}", {"lines": [line]})):
        tag = owner.call("GET", path).headers["ETag"]
        assert send(owner, "PUT", path, body, match=tag).status_code == 200, path
        assert send(owner, "PUT", path, body, match=tag).status_code == 409, path
