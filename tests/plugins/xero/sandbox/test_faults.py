from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
import requests

from tests.plugins.xero.sandbox.client import KITS, App, journal
from tests.servers.waiting import wait_until

PUT_JOURNALS = "PUT /api.xro/2.0/ManualJournals"


def narrations(app: App) -> list[str]:
    return [each["narration"] for each in app.sandbox.books(KITS)["journals"]]


def put(app: App, narration: str) -> requests.Response:
    return app.call("PUT", "/ManualJournals", journal(Narration=narration), headers={"Idempotency-Key": narration})


def last_request(app: App) -> dict[str, Any]:
    return app.sandbox.requests()[-1]


def test_close_before_applies_nothing_and_answers_nothing(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="close-before")
    with pytest.raises(requests.ConnectionError):
        put(app, "Lost")
    assert narrations(app) == []
    assert (last_request(app)["fault"], last_request(app)["status"]) == ("close-before", None)


def test_close_after_applies_and_answers_nothing(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="close-after")
    with pytest.raises(requests.ConnectionError):
        put(app, "Applied")
    assert narrations(app) == ["Applied"]
    assert (last_request(app)["fault"], last_request(app)["status"]) == ("close-after", 200)
    again = put(app, "Applied")
    assert (again.status_code, narrations(app)) == (200, ["Applied"])


def test_a_status_is_answered_without_applying(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="status", status=503, times=2)
    assert [put(app, "Late").status_code for _ in range(3)] == [503, 503, 200]
    assert narrations(app) == ["Late"]


def test_a_status_after_is_answered_although_it_was_applied(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="status-after", status=500)
    assert put(app, "Applied").status_code == 500
    assert narrations(app) == ["Applied"]


def test_a_held_request_is_applied_when_it_is_let_go(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="hold", hold_ms=60_000)
    before = len(app.sandbox.requests())
    sender = Thread(target=put, args=(app, "Held"))
    sender.start()
    wait_until(lambda: len(app.sandbox.requests()) > before, "the request is in")
    assert narrations(app) == []
    app.sandbox.clear_faults()
    sender.join()
    assert narrations(app) == ["Held"]


def test_a_held_request_is_applied_at_its_time(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="hold", hold_ms=50)
    assert put(app, "Held").status_code == 200


def test_a_fault_waits_for_the_request_that_fits(app: App) -> None:
    app.sandbox.add_fault("POST /api.xro/2.0/ManualJournals/*", kind="status")
    draft = put(app, "Draft").json()["ManualJournals"][0]["ManualJournalID"]
    assert app.change(draft, Status="POSTED").status_code == 500
    assert app.change(draft, Status="POSTED").status_code == 200


def test_a_lost_refresh_answer_has_rotated_the_token(app: App) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": app.tokens["refresh_token"]}
    app.sandbox.add_fault("POST /connect/token", kind="close-after")
    with pytest.raises(ConnectionError):
        app.sandbox.token(form)
    app.sandbox.advance(31 * 60)
    url = f"{app.sandbox.address}/connect/token"
    pair = (app.sandbox.client_id, app.sandbox.client_secret)
    assert requests.post(url, data=form, auth=pair, timeout=20).json() == {"error": "invalid_grant"}


def test_faults_can_be_listed_and_cleared(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="status", status=502, times=3)
    put(app, "One")
    (left,) = app.sandbox.admin("GET", "faults")
    assert left == {"match": PUT_JOURNALS, "kind": "status", "status": 502, "hold_ms": 0, "times": 2, "percent": 100}
    app.sandbox.clear_faults()
    assert put(app, "Two").status_code == 200


def test_the_switches_themselves_have_no_faults(app: App) -> None:
    app.sandbox.add_fault("* /*", kind="status", times=100)
    assert app.sandbox.admin("GET", "clock")["mode"] == "fixed"


@pytest.mark.parametrize("kind", ["cut", "empty", "html", "short", "wrong-id", "unseen"])
def test_a_spoilt_answer_was_applied_and_can_not_be_believed(app: App, kind: str) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind=kind)
    answer = put(app, "Applied")
    assert answer.status_code == 200
    [held] = app.sandbox.books(KITS)["journals"]
    assert held["narration"] == "Applied"
    assert held["journal_id"] not in answer.text or kind == "cut"
    assert len(answer.content) == int(answer.headers["Content-Length"])


def test_a_copy_after_the_keys_time_is_another_journal(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="twice")
    assert put(app, "Copied").status_code == 200
    assert narrations(app) == ["Copied", "Copied"]
    assert put(app, "Copied").status_code == 200
    assert narrations(app) == ["Copied", "Copied"], "the key is known again"


def test_a_stalled_answer_is_applied_and_comes_when_it_is_let_go(app: App) -> None:
    app.sandbox.add_fault(PUT_JOURNALS, kind="stall", hold_ms=60_000)
    answers: list[requests.Response] = []
    sender = Thread(target=lambda: answers.append(put(app, "Stalled")))
    sender.start()
    wait_until(lambda: narrations(app) == ["Stalled"], "it is applied")
    assert answers == []
    app.sandbox.clear_faults()
    sender.join(20)
    assert [answer.status_code for answer in answers] == [200]
