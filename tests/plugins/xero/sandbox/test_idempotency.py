from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

from tests.plugins.xero.sandbox.client import KITS, SECOND, App, journal, line

OTHER_REQUEST = "used with a different request"


def put(app: App, key: str, **changes: object) -> requests.Response:
    body = {"ManualJournals": [journal(**changes)]}
    return app.call("PUT", "/ManualJournals", body, headers={"Idempotency-Key": key})


def count(app: App) -> int:
    return len(app.sandbox.books(KITS)["journals"])


def test_the_same_key_gives_the_same_answer_and_one_journal(app: App) -> None:
    first, again = put(app, "k"), put(app, "k")
    assert first.content == again.content
    assert count(app) == 1


def test_one_key_sent_by_many_at_once_makes_one_journal(app: App) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: put(app, "k", Status="POSTED").content, range(24)))
    assert len(set(answers)) == 1
    assert count(app) == 1
    assert app.sandbox.balance(KITS, code="310") == "100.00"


def test_a_key_is_forgotten_after_six_minutes(app: App) -> None:
    put(app, "k")
    app.sandbox.advance(6 * 60 - 1)
    put(app, "k")
    assert count(app) == 1
    app.sandbox.advance(1)
    put(app, "k")
    assert count(app) == 2


def test_an_error_is_kept_as_well(app: App) -> None:
    bad = [line("999", 1), line("622", -1)]
    first, again = put(app, "k", JournalLines=bad), put(app, "k", JournalLines=bad)
    assert first.status_code == again.status_code == 400
    assert first.content == again.content
    fixed = put(app, "k")
    assert (fixed.status_code, OTHER_REQUEST in fixed.text) == (400, True)
    assert count(app) == 0


def test_a_key_belongs_to_its_method_address_and_body(app: App) -> None:
    created = put(app, "k").json()["ManualJournals"][0]
    headers = {"Idempotency-Key": "k"}
    body = {"ManualJournals": [journal()]}
    others = [
        put(app, "k", Narration="Other"),
        app.call("POST", "/ManualJournals", body, headers=headers),
        app.call("PUT", "/ManualJournals", body, headers=headers, query={"summarizeErrors": "false"}),
        app.call("POST", f"/ManualJournals/{created['ManualJournalID']}", body, headers=headers),
    ]
    assert [(other.status_code, OTHER_REQUEST in other.text) for other in others] == [(400, True)] * 4
    assert count(app) == 1


def test_a_key_is_never_answered_with_another_organisations_journal(app: App) -> None:
    put(app, "k")
    other = App(app.sandbox, organisation=SECOND)
    assert OTHER_REQUEST in put(other, "k").text
    assert other.listed() == []


def test_a_refused_token_leaves_the_key_free(app: App) -> None:
    good = app.tokens
    app.tokens = {"access_token": "expired"}
    assert put(app, "k").status_code == 401
    app.tokens = good
    assert put(app, "k").status_code == 200


def test_a_read_takes_no_notice_of_the_key(app: App) -> None:
    headers = {"Idempotency-Key": "k"}
    app.call("GET", "/ManualJournals", headers=headers)
    app.create()
    assert len(app.call("GET", "/ManualJournals", headers=headers).json()["ManualJournals"]) == 1


def test_a_key_has_128_characters_at_most(app: App) -> None:
    assert put(app, "k" * 128).status_code == 200
    refused = put(app, "k" * 129)
    assert (refused.status_code, "128" in refused.text) == (400, True)


def test_a_repetition_still_costs_a_call(app: App) -> None:
    left = [put(app, "k").headers["X-MinLimit-Remaining"] for _ in range(2)]
    assert left == ["59", "58"]
