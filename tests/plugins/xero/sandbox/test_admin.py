from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from partsemble_xero.sandbox.context import Sandbox
from partsemble_xero.sandbox.options import SandboxOptions
from partsemble_xero.sandbox.server import create_app
from partsemble_xero.sandbox.testing import RunningSandbox, SandboxRefused, start_sandbox
from tests.plugins.xero.sandbox.client import KITS, SECOND, TIMEOUT, App


def refusal(sandbox: RunningSandbox, method: str, path: str, fields: dict[str, object] | None) -> tuple[int, Any]:
    with pytest.raises(SandboxRefused) as caught:
        sandbox.admin(method, path, fields)
    error = json.loads(caught.value.text)["error"]
    assert error["message"]
    return caught.value.status, (error["code"], error["field"])


def test_a_fixed_clock_stands_still_also_over_a_restart(tmp_path: Path) -> None:
    shown = []
    for _ in range(2):
        with start_sandbox(tmp_path / "x.sqlite", clock="fixed") as sandbox:
            shown += [sandbox.admin("GET", "clock") for _ in range(2)]
    assert shown == [shown[0]] * 4


def test_a_real_clock_runs_ahead_also_over_a_restart(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite") as sandbox:
        sandbox.advance(86_400)
        before = sandbox.admin("GET", "clock")["now"]
    with start_sandbox(tmp_path / "x.sqlite") as sandbox:
        after = sandbox.admin("GET", "clock")
    assert datetime.fromisoformat(before) - datetime.now(UTC) > timedelta(hours=23)
    assert after["now"] > before
    assert after["mode"] == "real"


def test_the_clock_goes_forward_by_seconds_or_to_a_moment(sandbox: RunningSandbox) -> None:
    sandbox.admin("POST", "clock", {"now": "2030-01-01T00:00:00"})
    sandbox.advance(90)
    assert sandbox.admin("GET", "clock") == {"now": "2030-01-01T00:01:30+00:00", "mode": "fixed"}


@pytest.mark.parametrize(
    "fields",
    [
        {"advance_seconds": -1},
        {"advance_seconds": 1.5},
        {"advance_seconds": "1"},
        {},
        {"now": "2020-01-01"},
        {"now": "x"},
    ],
)
def test_the_clock_takes_no_nonsense(sandbox: RunningSandbox, fields: dict[str, object]) -> None:
    status, (code, _) = refusal(sandbox, "POST", "clock", fields)
    assert (status, code in {"clock-not-moved", "number-not-valid"}) == (400, True)


def test_organisations_are_listed_with_their_lock_dates(sandbox: RunningSandbox) -> None:
    sandbox.lock(KITS, period="2026-10-31")
    assert [
        (each["name"], each["currency"], each["period_lock"]) for each in sandbox.admin("GET", "organisations")
    ] == [
        (KITS, "NZD", "2026-10-31"),
        (SECOND, "USD", None),
    ]


def test_one_lock_date_can_be_set_alone(sandbox: RunningSandbox) -> None:
    path = f"organisations/{sandbox.tenant_id(KITS)}/lock-dates"
    sandbox.admin("POST", path, {"period": "2026-10-31"})
    assert sandbox.admin("POST", path, {"end_of_year": "2026-03-31"}) == {
        "period": "2026-10-31",
        "end_of_year": "2026-03-31",
    }
    assert sandbox.admin("POST", path, {"period": None, "end_of_year": None}) == {
        "period": None,
        "end_of_year": None,
    }


def test_an_archived_account_can_be_brought_back(sandbox: RunningSandbox) -> None:
    sandbox.archive_account(KITS, code="310")
    path = f"organisations/{sandbox.tenant_id(KITS)}/accounts/310"
    assert sandbox.admin("POST", path, {"status": "ACTIVE"}) == {"code": "310", "status": "ACTIVE"}


@pytest.mark.parametrize(
    ("method", "path", "fields", "expected"),
    [
        ("GET", "books/nonsense.json", None, (404, ("organisation-not-found", "tenant_id"))),
        ("POST", "organisations/nonsense/disconnect", {}, (404, ("organisation-not-found", "tenant_id"))),
        ("POST", "organisations/{kits}/accounts/310", {"status": "GONE"}, (400, ("status-not-valid", "status"))),
        ("POST", "organisations/{kits}/accounts/999", {"status": "ACTIVE"}, (404, ("account-not-found", "code"))),
        ("POST", "organisations/{kits}/lock-dates", {"period": "soon"}, (400, ("day-not-valid", "period"))),
        ("POST", "faults", {"match": "everything", "kind": "status"}, (400, ("match-not-valid", "match"))),
        ("POST", "faults", {"match": "GET /", "kind": "explode"}, (400, ("kind-not-valid", "kind"))),
        ("POST", "faults", {"match": "GET /", "kind": "hold", "hold_ms": -1}, (400, ("number-not-valid", "hold_ms"))),
        ("GET", "requests?after=x", None, (400, ("after-not-valid", "after"))),
    ],
)
def test_a_switch_says_what_is_wrong(
    sandbox: RunningSandbox, method: str, path: str, fields: dict[str, object] | None, expected: object
) -> None:
    path = path.format(kits=sandbox.tenant_id(KITS))
    assert refusal(sandbox, method, path, fields) == expected


def test_a_switch_takes_json_only(sandbox: RunningSandbox) -> None:
    # A form is what a foreign page in the same browser could send.
    url = f"{sandbox.address}/sandbox/clock"
    answer = requests.post(url, data='{"advance_seconds": 1}', timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "json-expected")
    assert requests.post(url, json=[1], timeout=TIMEOUT).json()["error"]["code"] == "json-expected"


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", "localhost:5000", 200),
        ("127.8.8.8", "127.0.0.1", 200),
        ("::1", "[::1]:5000", 200),
        ("192.0.2.7", "localhost:5000", 403),
        ("127.0.0.1", "rebound.example:5000", 403),
        ("127.0.0.1", "192.0.2.7", 403),
    ],
)
def test_the_switches_are_for_this_machine_alone(tmp_path: Path, address: str, host: str, status: int) -> None:
    sandbox = Sandbox(SandboxOptions(data_file=tmp_path / "x.sqlite"))
    client = create_app(sandbox).test_client()
    answer = client.get("/sandbox/clock", headers={"Host": host}, environ_base={"REMOTE_ADDR": address})
    sandbox.close()
    assert answer.status_code == status


def test_requests_are_recorded_with_what_a_test_wants_to_know(app: App) -> None:
    before = app.sandbox.requests()[-1]["id"]
    app.call("GET", "/Accounts", query={"where": 'Code=="310"'}, headers={"Idempotency-Key": "k1"})
    (shown,) = app.sandbox.requests(after=before)
    assert shown.pop("id") == before + 1
    assert shown["machine_at"] <= shown.pop("answered_at")
    assert shown.pop("at")[:10] == shown.pop("machine_at")[:10]
    assert shown == {
        "method": "GET",
        "path": "/api.xro/2.0/Accounts",
        "query": "where=Code%3D%3D%22310%22",
        "tenant_id": app.tenant_id,
        "idempotency_key": "k1",
        "status": 200,
        "fault": None,
    }


def test_the_record_can_be_emptied(app: App) -> None:
    app.sandbox.admin("DELETE", "requests")
    assert app.sandbox.requests() == []
    app.call("GET", "/Organisation")
    assert len(app.sandbox.requests()) == 1


def test_no_secret_gets_into_the_record(app: App) -> None:
    sandbox = app.sandbox
    secrets = {
        sandbox.client_secret,
        sandbox.webhook_key,
        *(str(app.tokens[name]) for name in ("access_token", "refresh_token", "id_token")),
        "secret-state",
        "secret-nonce",
    }
    url = sandbox.authorize_url(redirect_uri="http://localhost/cb", state="secret-state", nonce="secret-nonce")
    requests.get(url, timeout=TIMEOUT)
    app.call("GET", "/Accounts", query={"access_token": app.tokens["access_token"], "where": "bad"})
    sandbox.token({"grant_type": "refresh_token", "refresh_token": app.tokens["refresh_token"]})
    recorded = json.dumps(sandbox.requests())
    assert "state=***" in recorded
    assert [secret for secret in secrets if secret in recorded] == []
