"""Webhooks over the API: a secret once, refusals with a field, a log that can be searched and sent again."""

from __future__ import annotations

from typing import Any

from partsemble_core.services.delivering import serve_endpoint
from partsemble_core.store.companies import Role
from tests.api.callers import Firm

URL = "https://example.com/hooks"


def added(firm: Firm, **body: Any) -> Any:
    return firm.owner.send("POST", "/webhooks", {"url": URL, **body}, status=201)


def test_a_webhook_is_added_changed_and_removed(firm: Firm) -> None:
    made = added(firm, kinds=["stock.low", "build.completed"])
    assert made["secret"].startswith("whsec_")
    assert made["kinds"] == ["build.completed", "stock.low"]
    path = f"/webhooks/{made['id']}"
    shown = firm.owner.get(path)
    assert "secret" not in shown
    assert firm.owner.get("/webhooks")["rows"] == [shown]
    changed = firm.owner.send("PUT", path, {"kinds": ["export.failed"], "is_active": False})
    assert changed == {**shown, "kinds": ["export.failed"], "is_active": False}
    assert firm.owner.send("DELETE", path) == {"url": URL}
    assert firm.owner.refused("GET", path) == (404, "not-found", None)


def test_a_secret_is_answered_when_it_is_made_and_never_again(firm: Firm) -> None:
    made = added(firm)
    rotated = firm.owner.send("POST", f"/webhooks/{made['id']}/rotate")
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    delivery = firm.owner.send("POST", f"/webhooks/{made['id']}/test", status=201)
    for path in ("/webhooks", f"/webhooks/{made['id']}", "/event-deliveries", f"/event-deliveries/{delivery['id']}"):
        text = firm.owner.call("GET", path).text
        assert "whsec_" not in text
        assert rotated["secret"][6:] not in text


def test_what_is_wrong_is_refused_by_its_field(firm: Firm) -> None:
    made = added(firm)
    for body, wanted in (
        ({}, (422, "invalid", "url")),
        ({"url": "nowhere"}, (422, "invalid", "url")),
        ({"url": "http://127.0.0.1/"}, (422, "private-address", "url")),
        ({"url": "http://[fd00::1]/"}, (422, "private-address", "url")),
        ({"url": URL}, (409, "conflict", "url")),
        ({"url": URL + "2", "kinds": ["nonsense"]}, (422, "invalid", "kinds")),
        ({"url": URL + "2", "kinds": []}, (422, "invalid", "kinds")),
        ({"url": URL + "2", "secret": "mine"}, (422, "invalid", "secret")),
    ):
        assert firm.owner.refused("POST", "/webhooks", body) == wanted, body
    assert len(firm.owner.get("/webhooks")["rows"]) == 1
    path = f"/webhooks/{made['id']}"
    assert firm.owner.refused("PUT", path, {"url": "http://10.0.0.1/"}) == (422, "private-address", "url")
    firm.owner.send("PUT", path, {"is_active": False})
    assert firm.owner.refused("POST", f"{path}/test") == (422, "invalid", "is_active")


def test_the_log_is_searched_sorted_paged_and_downloaded(firm: Firm) -> None:
    made = added(firm, url=f"{URL}?token=t0ken")
    sent = [firm.owner.send("POST", f"/webhooks/{made['id']}/test", status=201) for _ in range(3)]
    page = firm.owner.get("/event-deliveries?page_size=2&sort=-created_at")
    assert (page["total"], page["pages"], len(page["rows"])) == (3, 2, 2)
    row = page["rows"][0]
    assert (row["id"], row["host"], row["state"], row["kind"]) == (sent[-1]["id"], "example.com", "waiting", "test")
    assert firm.owner.get(f"/event-deliveries?search={sent[0]['event_id']}")["total"] == 1
    assert firm.owner.get("/event-deliveries?state=given_up")["total"] == 0
    assert firm.owner.get(f"/event-deliveries?webhook={made['id']}&kind=test")["total"] == 3
    assert firm.owner.refused("GET", "/event-deliveries?sort=host") == (422, "invalid", "sort")
    csv = firm.owner.call("GET", "/event_deliveries.csv").text
    assert csv.count("example.com") == 3
    assert "t0ken" not in csv
    for role in (Role.ACCOUNTANT, Role.BUILDER, Role.VIEWER):
        assert firm.callers[role].refused("GET", "/event_deliveries.csv")[:2] == (403, "forbidden")


def test_a_delivery_is_shown_as_it_is_sent_and_sent_again(firm: Firm) -> None:
    made = added(firm, url="https://does-not-exist.invalid/hooks")
    delivery = firm.owner.send("POST", f"/webhooks/{made['id']}/test", status=201)
    assert delivery["payload"]["kind"] == "test"
    assert delivery["payload"]["id"] == delivery["event_id"]
    path = f"/event-deliveries/{delivery['id']}"
    again = firm.owner.send("POST", f"{path}/redeliver")
    assert (again["state"], again["attempts"], again["event_id"]) == ("waiting", 0, delivery["event_id"])
    assert firm.owner.get(path) == again
    firm.owner.send("PUT", f"/webhooks/{made['id']}", {"is_active": False})
    assert firm.owner.refused("POST", f"{path}/redeliver") == (409, "wrong-state", None)
    assert serve_endpoint(firm.served.house, firm.company_id, made["id"]) == 0, "switched off: nothing is sent"
