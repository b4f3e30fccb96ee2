from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
import requests

from partsemble_xero.sandbox.testing import start_sandbox
from tests.plugins.xero.sandbox.client import KITS, SECOND, TIMEOUT, App, journal
from tests.servers.waiting import wait_until

LIMITS = ("X-DayLimit-Remaining", "X-MinLimit-Remaining", "X-AppMinLimit-Remaining")


def shape(answer: requests.Response) -> tuple[int, str, str]:
    """Status, title and detail; the rest of the shape is checked here."""
    body = answer.json()
    assert body.keys() == {"Type", "Title", "Status", "Detail", "Instance", "Extensions"}
    assert (body["Type"], body["Status"], body["Extensions"]) == (None, answer.status_code, {})
    return answer.status_code, body["Title"], body["Detail"]


@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer nonsense", "Bearer a.b.c", "Basic eDp5"])
def test_a_call_without_a_good_token_is_a_401(shared_app: App, header: str | None) -> None:
    answer = shared_app.call("GET", "/Accounts", headers={"Authorization": header})
    assert shape(answer) == (401, "Unauthorized", "AuthenticationUnsuccessful")


def test_a_token_with_another_payload_is_a_401(shared_app: App) -> None:
    head, payload, signature = shared_app.tokens["access_token"].split(".")
    forged = f"Bearer {head}.{payload[:-4]}AAAA.{signature}"
    assert shared_app.call("GET", "/Accounts", headers={"Authorization": forged}).status_code == 401


def test_an_id_token_is_no_access_token(shared_app: App) -> None:
    header = f"Bearer {shared_app.tokens['id_token']}"
    assert shared_app.call("GET", "/Accounts", headers={"Authorization": header}).status_code == 401


def test_an_access_token_lasts_thirty_minutes(app: App) -> None:
    app.sandbox.admin("POST", "clock", {"now": "2031-05-01T13:00:00"})
    app.tokens = app.sandbox.sign_in(organisation=KITS)
    app.sandbox.advance(30 * 60 - 1)
    assert app.call("GET", "/Organisation").status_code == 200
    app.sandbox.advance(1)
    status, _, detail = shape(app.call("GET", "/Organisation"))
    assert (status, detail[:13]) == (401, "TokenExpired:")
    url = f"{app.sandbox.address}/connections"
    bearer = {"Authorization": app.headers["Authorization"]}
    assert requests.get(url, headers=bearer, timeout=TIMEOUT).status_code == 401


def test_a_tenant_that_is_not_connected_is_a_403(shared_app: App) -> None:
    forbidden = (403, "Forbidden", "AuthenticationUnsuccessful")
    for tenant_id in (None, "", "nonsense", shared_app.sandbox.tenant_id(SECOND)):
        answer = shared_app.call("GET", "/Organisation", headers={"Xero-Tenant-Id": tenant_id})
        assert shape(answer) == forbidden


def test_the_practice_has_no_books(shared_app: App) -> None:
    url = f"{shared_app.sandbox.address}/connections"
    bearer = {"Authorization": shared_app.headers["Authorization"]}
    practice = requests.get(url, headers=bearer, timeout=TIMEOUT).json()[0]
    assert practice["tenantType"] == "PRACTICE"
    answer = shared_app.call("GET", "/Organisation", headers={"Xero-Tenant-Id": practice["tenantId"]})
    assert answer.status_code == 403


def test_the_tenant_id_may_be_written_in_capitals(shared_app: App) -> None:
    headers = {"Xero-Tenant-Id": shared_app.tenant_id.upper()}
    assert shared_app.call("GET", "/Organisation", headers=headers).status_code == 200


def test_a_disconnected_tenant_is_a_403(app: App) -> None:
    app.sandbox.disconnect(KITS)
    assert shape(app.call("GET", "/Organisation")) == (403, "Forbidden", "AuthenticationUnsuccessful")


def test_a_missing_scope_is_a_401_of_another_kind(app: App) -> None:
    app.sandbox.revoke_grant()
    app.tokens = app.sandbox.sign_in(organisation=KITS, scopes="accounting.manualjournals.read")
    assert app.call("GET", "/ManualJournals").status_code == 200
    for answer in (app.call("GET", "/Accounts"), app.call("PUT", "/ManualJournals", journal())):
        assert shape(answer) == (401, "Unauthorized", "AuthorizationUnsuccessful")


@pytest.mark.parametrize("accept", [None, "*/*", "application/xml", "text/html", "application/json;q=0"])
def test_an_answer_that_xero_would_send_as_xml_is_a_406(shared_app: App, accept: str | None) -> None:
    # requests adds */* of its own where no Accept is given: that is the case meant by None.
    answer = shared_app.call("GET", "/Accounts", headers={"Accept": accept})
    assert answer.status_code == 406
    assert "send Accept: application/json" in answer.text


@pytest.mark.parametrize(
    "accept", ["application/json", "application/json, text/plain, */*", "text/json, application/json"]
)
def test_json_can_be_asked_for_among_others(shared_app: App, accept: str) -> None:
    assert shared_app.call("GET", "/Organisation", headers={"Accept": accept}).status_code == 200


def test_a_body_that_is_not_named_json_is_a_415(shared_app: App) -> None:
    answer = shared_app.call("PUT", "/ManualJournals", journal(), headers={"Content-Type": "text/xml"})
    assert answer.status_code == 415


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"text"', b'{"ManualJournals":{}}', b'{"ManualJournals":[7]}'])
def test_a_body_that_is_no_journal_is_a_400(shared_app: App, raw: bytes) -> None:
    answer = requests.put(
        f"{shared_app.sandbox.address}/api.xro/2.0/ManualJournals",
        data=raw,
        headers={**shared_app.headers, "Content-Type": "application/json"},
        timeout=TIMEOUT,
    )
    assert (answer.status_code, answer.json()["Type"]) == (400, "PostDataInvalidException")


@pytest.mark.parametrize(
    "path",
    [
        "/Accounts/55555555-1111-4222-8333-666666666666",
        "/ManualJournals/nonsense",
        "/Items/NOPE",
        "/Invoices/INV-9",
        "/Payments",
    ],
)
def test_what_is_not_there_is_a_404_in_plain_text(shared_app: App, path: str) -> None:
    answer = shared_app.call("GET", path)
    assert answer.status_code == 404
    assert answer.text.startswith("The resource you're looking for cannot be found")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_record_of_another_organisation_is_not_there(app: App) -> None:
    created = app.create()
    account = created["JournalLines"][0]["AccountID"]
    other = App(app.sandbox, organisation=SECOND)
    assert other.call("GET", f"/ManualJournals/{created['ManualJournalID']}").status_code == 404
    assert other.change(created["ManualJournalID"], Status="POSTED").status_code == 404
    assert other.call("GET", f"/Accounts/{account}").status_code == 404
    assert other.listed() == []


def test_every_answer_says_how_many_calls_are_left(app: App) -> None:
    answers = [app.call("GET", path) for path in ("/Organisation", "/Accounts/x")]
    left = [[int(answer.headers[name]) for name in LIMITS] for answer in answers]
    assert left == [[4999, 59, 9999], [4998, 58, 9998]]
    refused = app.call("GET", "/Organisation", headers={"Authorization": None})
    assert [int(refused.headers[name]) for name in LIMITS] == [4998, 58, 9998]


def test_limits_only_count_unless_switched_on(app: App) -> None:
    answers = [app.call("GET", "/Organisation") for _ in range(61)]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.headers["X-MinLimit-Remaining"] for answer in answers[-2:]] == ["0", "0"]


def test_the_minute_limit_ends_when_it_says(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite", clock="fixed", limits=True) as sandbox:
        app, other = App(sandbox), App(sandbox, organisation=SECOND)
        for _ in range(60):
            assert app.call("GET", "/Organisation").status_code == 200
        refused = app.call("GET", "/Organisation")
        wait = int(refused.headers["Retry-After"])
        assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"]) == (429, "minute")
        assert 1 <= wait <= 60
        assert other.call("GET", "/Organisation").status_code == 200
        sandbox.advance(wait)
        assert app.call("GET", "/Organisation").status_code == 200


def test_the_day_limit_ends_when_it_says(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite", clock="fixed", limits=True) as sandbox:
        app = App(sandbox)
        app.call("GET", "/Organisation")
        # 4,999 more calls would take a minute; the counter is in the file.
        with closing(sqlite3.connect(tmp_path / "x.sqlite")) as connection, connection:
            connection.execute("UPDATE calls SET calls = 5000 WHERE name = 'day'")
        refused = app.call("GET", "/Organisation")
        assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"]) == (429, "day")
        sandbox.advance(int(refused.headers["Retry-After"]))
        app.tokens = sandbox.sign_in(organisation=KITS)
        assert app.call("GET", "/Organisation").headers["X-DayLimit-Remaining"] == "4999"


def test_a_sixth_call_at_once_is_refused(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite", limits=True) as sandbox:
        app = App(sandbox)
        sandbox.add_fault("GET /api.xro/2.0/Accounts", kind="hold", hold_ms=60_000, times=5)
        before = len(sandbox.requests())
        held = [Thread(target=app.call, args=("GET", "/Accounts")) for _ in range(5)]
        for thread in held:
            thread.start()
        wait_until(lambda: len(sandbox.requests()) == before + 5, "five calls are in")
        refused = app.call("GET", "/Organisation")
        sandbox.clear_faults()
        for thread in held:
            thread.join()
        assert (refused.status_code, refused.headers["X-Rate-Limit-Problem"]) == (429, "concurrent")
        assert "Retry-After" not in refused.headers
        assert app.call("GET", "/Organisation").status_code == 200
        assert [each["status"] for each in sandbox.requests() if each["fault"] == "hold"] == [200] * 5
