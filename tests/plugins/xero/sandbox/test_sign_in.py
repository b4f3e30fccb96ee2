from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from partsemble_xero.sandbox.options import OptionRefused, OrganisationOption
from partsemble_xero.sandbox.testing import (
    SCOPES,
    ConsentFailed,
    RunningSandbox,
    SandboxHandle,
    SandboxRefused,
    cancel_consent,
    consent,
    start_sandbox,
)
from tests.plugins.xero.sandbox.client import KITS, SECOND, TIMEOUT, App

CALLBACK = "http://localhost:5000/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
MINUTE = 60
DAY = 86_400


def answer_of(callback: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}


def code_for(sandbox: SandboxHandle, **more: str) -> str:
    return answer_of(consent(sandbox.authorize_url(redirect_uri=CALLBACK, **more), organisation=KITS))["code"]


def exchange(sandbox: SandboxHandle, code: str, **more: str) -> dict[str, Any]:
    return sandbox.token({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **more})


def refresh(sandbox: SandboxHandle, token: str) -> dict[str, Any]:
    return sandbox.token({"grant_type": "refresh_token", "refresh_token": token})


def refusal(sandbox: SandboxHandle, **form: str) -> tuple[int, str]:
    with pytest.raises(SandboxRefused) as caught:
        sandbox.token(form)
    return caught.value.status, json.loads(caught.value.text)["error"]


def claims_of(token: str) -> dict[str, Any]:
    packed = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    return claims


def connections(sandbox: SandboxHandle, tokens: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answer = requests.get(
        f"{sandbox.address}/connections{query}",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
        timeout=TIMEOUT,
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_consent_leads_back_with_a_code_and_the_state(sandbox: RunningSandbox) -> None:
    callback = consent(sandbox.authorize_url(redirect_uri=CALLBACK, state="s t&1"), organisation=KITS)
    assert callback.startswith(f"{CALLBACK}?")
    assert answer_of(callback).keys() == {"code", "state"}
    assert answer_of(callback)["state"] == "s t&1"


def test_a_query_in_the_redirect_uri_is_kept(sandbox: RunningSandbox) -> None:
    callback = consent(sandbox.authorize_url(redirect_uri=f"{CALLBACK}?a=1"), organisation=KITS)
    assert answer_of(callback).keys() == {"a", "code"}


def test_cancelling_leads_back_with_access_denied(sandbox: RunningSandbox) -> None:
    callback = cancel_consent(sandbox.authorize_url(redirect_uri=CALLBACK, state="x"))
    assert answer_of(callback) == {"error": "access_denied", "state": "x"}


def test_the_consent_page_cannot_be_framed(sandbox: RunningSandbox) -> None:
    answer = requests.get(sandbox.authorize_url(redirect_uri=CALLBACK), timeout=TIMEOUT)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in answer.headers


def test_allowing_without_an_organisation_asks_again(sandbox: RunningSandbox) -> None:
    form = {
        "response_type": "code",
        "client_id": sandbox.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "answer": "allow",
    }
    url = f"{sandbox.address}/identity/connect/authorize"
    answer = requests.post(url, data=form, timeout=TIMEOUT, allow_redirects=False)
    assert (answer.status_code, "Choose an organisation" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "undefined"}, "unauthorized_client"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "accounting.everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "offline_access accounting.transactions"}, "unauthorized_client"),
        ({"redirect_uri": "http://127.0.0.1:5000/callback"}, "Xero refuses http://127.0.0.1"),
        ({"redirect_uri": "http://evil.example/callback"}, "Invalid redirect_uri"),
        ({"redirect_uri": "https://evil.example/callback"}, "Invalid redirect_uri"),
        ({"redirect_uri": ""}, "Invalid redirect_uri"),
        ({"redirect_uri": "http://[localhost"}, "Invalid redirect_uri"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
def test_a_wrong_request_ends_on_an_error_page(sandbox: RunningSandbox, changes: dict[str, str], error: str) -> None:
    asked = {"redirect_uri": CALLBACK, **changes}
    scopes = asked.pop("scope", SCOPES)
    url = sandbox.authorize_url(scopes=scopes, **{"redirect_uri": asked.pop("redirect_uri"), **asked})
    with pytest.raises(ConsentFailed, match=error):
        consent(url, organisation=KITS)


def test_a_registered_redirect_uri_counts_byte_for_byte(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite", redirect_uris=["https://stock.example.com/cb"]) as sandbox:
        assert consent(sandbox.authorize_url(redirect_uri="https://stock.example.com/cb"), organisation=KITS)
        for other in ("https://stock.example.com/cb/", "https://STOCK.example.com/cb", CALLBACK):
            with pytest.raises(ConsentFailed, match="byte for byte"):
                consent(sandbox.authorize_url(redirect_uri=other), organisation=KITS)


@pytest.mark.parametrize("uri", ["http://127.0.0.1/cb", "http://stock.example.com/cb", "ftp://localhost/cb"])
def test_xero_would_not_register_this_address(tmp_path: Path, uri: str) -> None:
    with pytest.raises(OptionRefused, match="redirect-uri-not-valid"):
        start_sandbox(tmp_path / "x.sqlite", redirect_uris=[uri])


def test_the_token_answer_has_what_xero_sends(sandbox: RunningSandbox) -> None:
    tokens = exchange(sandbox, code_for(sandbox, nonce="n1"))
    assert tokens["expires_in"] == 1800
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == SCOPES
    claims = claims_of(tokens["access_token"])
    assert claims["exp"] - claims["nbf"] == 30 * MINUTE
    assert claims["scope"] == SCOPES.split()
    assert claims["authentication_event_id"] == connections(sandbox, tokens)[0]["authEventId"]
    id_claims = claims_of(tokens["id_token"])
    assert id_claims["xero_userid"] == claims["xero_userid"]
    assert (id_claims["nonce"], id_claims["exp"] - id_claims["nbf"]) == ("n1", 5 * MINUTE)


def test_without_offline_access_there_is_no_refresh_token(sandbox: RunningSandbox) -> None:
    tokens = sandbox.sign_in(organisation=KITS, scopes="accounting.settings.read")
    assert "refresh_token" not in tokens
    assert "id_token" not in tokens


def test_scopes_add_up_over_consents(sandbox: RunningSandbox) -> None:
    sandbox.sign_in(organisation=KITS, scopes="offline_access accounting.settings.read")
    later = sandbox.sign_in(organisation=KITS, scopes="accounting.contacts offline_access")
    assert later["scope"] == "offline_access accounting.settings.read accounting.contacts"


def test_a_code_works_once(sandbox: RunningSandbox) -> None:
    code = code_for(sandbox)
    exchange(sandbox, code)
    assert refusal(sandbox, grant_type="authorization_code", code=code, redirect_uri=CALLBACK) == (
        400,
        "invalid_grant",
    )


def test_a_code_lasts_five_minutes(sandbox: RunningSandbox) -> None:
    kept, late = code_for(sandbox), code_for(sandbox)
    sandbox.advance(5 * MINUTE)
    exchange(sandbox, kept)
    sandbox.advance(1)
    assert refusal(sandbox, grant_type="authorization_code", code=late, redirect_uri=CALLBACK)[1] == "invalid_grant"


def test_a_code_is_bound_to_its_redirect_uri(sandbox: RunningSandbox) -> None:
    code = code_for(sandbox)
    wrong = refusal(sandbox, grant_type="authorization_code", code=code, redirect_uri=f"{CALLBACK}/")
    assert wrong == (400, "invalid_grant")


def test_a_challenge_wants_its_verifier(sandbox: RunningSandbox) -> None:
    code = code_for(sandbox, code_challenge=CHALLENGE, code_challenge_method="S256")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert refusal(sandbox, **form)[1] == "invalid_grant"
    assert refusal(sandbox, **form, code_verifier="w" * 64)[1] == "invalid_grant"
    assert exchange(sandbox, code, code_verifier=VERIFIER)["access_token"]


def test_id_and_secret_may_come_in_the_body(sandbox: RunningSandbox) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": code_for(sandbox),
        "redirect_uri": CALLBACK,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }
    assert requests.post(f"{sandbox.address}/connect/token", data=form, timeout=TIMEOUT).status_code == 200


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (True, {"grant_type": "refresh_token", "refresh_token": "unknown"}, 400, "invalid_grant"),
        (True, {"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        (True, {}, 400, "unsupported_grant_type"),
        (False, {"grant_type": "refresh_token"}, 400, "unauthorized_client"),
        (False, {"grant_type": "refresh_token", "client_id": "x", "client_secret": "y"}, 400, "invalid_client"),
    ],
)
def test_the_token_endpoint_says_no_in_xeros_words(
    sandbox: RunningSandbox, auth: bool, form: dict[str, str], status: int, error: str
) -> None:
    pair = (sandbox.client_id, sandbox.client_secret) if auth else None
    answer = requests.post(f"{sandbox.address}/connect/token", data=form, auth=pair, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_wrong_secret_in_the_header_is_a_401(sandbox: RunningSandbox) -> None:
    answer = requests.post(
        f"{sandbox.address}/connect/token",
        data={"grant_type": "refresh_token"},
        auth=(sandbox.client_id, "wrong"),
        timeout=TIMEOUT,
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_refresh_brings_a_new_pair(sandbox: RunningSandbox) -> None:
    first = sandbox.sign_in(organisation=KITS)
    second = refresh(sandbox, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert refresh(sandbox, second["refresh_token"])["scope"] == SCOPES


def test_a_used_refresh_token_works_for_thirty_minutes_more(sandbox: RunningSandbox) -> None:
    first = sandbox.sign_in(organisation=KITS)["refresh_token"]
    refresh(sandbox, first)
    sandbox.advance(30 * MINUTE)
    assert refresh(sandbox, first)["refresh_token"]
    sandbox.advance(1)
    assert refusal(sandbox, grant_type="refresh_token", refresh_token=first) == (400, "invalid_grant")


def test_a_retry_ends_the_set_issued_before(sandbox: RunningSandbox) -> None:
    first = sandbox.sign_in(organisation=KITS)["refresh_token"]
    lost = refresh(sandbox, first)["refresh_token"]
    found = refresh(sandbox, first)["refresh_token"]
    assert refusal(sandbox, grant_type="refresh_token", refresh_token=lost)[1] == "invalid_grant"
    assert refresh(sandbox, found)["refresh_token"]


def test_a_retry_leaves_the_sibling_alone_when_told_so(tmp_path: Path) -> None:
    with start_sandbox(tmp_path / "x.sqlite", refresh_retry="sibling") as sandbox:
        first = sandbox.sign_in(organisation=KITS)["refresh_token"]
        lost = refresh(sandbox, first)["refresh_token"]
        refresh(sandbox, first)
        assert refresh(sandbox, lost)["refresh_token"]


def test_a_retry_leaves_another_consent_alone(sandbox: RunningSandbox) -> None:
    first = sandbox.sign_in(organisation=KITS)["refresh_token"]
    refresh(sandbox, first)
    other = sandbox.sign_in(organisation=SECOND)["refresh_token"]
    refresh(sandbox, first)
    assert refresh(sandbox, other)["refresh_token"]


def test_a_refresh_token_lasts_sixty_days(sandbox: RunningSandbox) -> None:
    kept, late = (sandbox.sign_in(organisation=KITS)["refresh_token"] for _ in range(2))
    sandbox.advance(60 * DAY)
    refresh(sandbox, kept)
    sandbox.advance(1)
    assert refusal(sandbox, grant_type="refresh_token", refresh_token=late)[1] == "invalid_grant"


def test_a_consent_connects_one_organisation_and_the_practice(sandbox: RunningSandbox) -> None:
    tokens = sandbox.sign_in(organisation=KITS)
    found = connections(sandbox, tokens)
    assert [each["tenantType"] for each in found] == ["PRACTICE", "ORGANISATION"]
    assert found[1]["tenantName"] == KITS
    assert found[1]["tenantId"] == sandbox.tenant_id(KITS)
    assert found[1]["createdDateUtc"] == found[1]["updatedDateUtc"]


def test_connections_of_one_consent_can_be_asked_for(sandbox: RunningSandbox) -> None:
    sandbox.sign_in(organisation=KITS)
    tokens = sandbox.sign_in(organisation=SECOND)
    event = claims_of(tokens["access_token"])["authentication_event_id"]
    names = [each["tenantName"] for each in connections(sandbox, tokens, f"?authEventId={event}")]
    assert names == ["Demo Bookkeepers", SECOND]
    assert len(connections(sandbox, tokens)) == 3


def test_one_token_works_for_every_organisation_of_the_user(sandbox: RunningSandbox) -> None:
    first = App(sandbox, organisation=KITS)
    second = App(sandbox, organisation=SECOND)
    first.tenant_id = second.tenant_id
    assert first.call("GET", "/Organisation").json()["Organisations"][0]["Name"] == SECOND


def test_a_connection_is_ended_by_its_own_id(app: App) -> None:
    connection = connections(app.sandbox, app.tokens)[1]
    bearer = {"Authorization": f"Bearer {app.tokens['access_token']}"}

    def delete(path: str) -> int:
        return requests.delete(f"{app.sandbox.address}{path}", headers=bearer, timeout=TIMEOUT).status_code

    assert delete(f"/connections/{connection['tenantId']}") == 404
    assert delete(f"/Connections/{connection['id']}") == 204
    assert delete(f"/connections/{connection['id']}") == 404
    assert app.call("GET", "/Organisation").status_code == 403
    assert refresh(app.sandbox, app.tokens["refresh_token"])["access_token"]


def test_connecting_again_keeps_the_first_date(app: App) -> None:
    before = connections(app.sandbox, app.tokens)[1]
    app.sandbox.disconnect(KITS)
    app.sandbox.advance(60)
    tokens = app.sandbox.sign_in(organisation=KITS)
    after = connections(app.sandbox, tokens)[1]
    assert after["createdDateUtc"] == before["createdDateUtc"] != after["updatedDateUtc"]
    assert app.call("GET", "/Organisation").status_code == 200


def test_revocation_ends_the_whole_grant(app: App) -> None:
    app.sandbox.sign_in(organisation=SECOND)
    url = f"{app.sandbox.address}/connect/revocation"
    pair = (app.sandbox.client_id, app.sandbox.client_secret)
    assert requests.post(url, data={"token": "unknown"}, auth=pair, timeout=TIMEOUT).status_code == 200
    assert len(connections(app.sandbox, app.tokens)) == 3
    answer = requests.post(url, data={"token": app.tokens["refresh_token"]}, auth=pair, timeout=TIMEOUT)
    assert (answer.status_code, answer.content) == (200, b"")
    assert connections(app.sandbox, app.tokens) == []
    refused = refusal(app.sandbox, grant_type="refresh_token", refresh_token=app.tokens["refresh_token"])
    assert refused == (400, "invalid_grant")


def test_revocation_needs_the_apps_secret(app: App) -> None:
    url = f"{app.sandbox.address}/connect/revocation"
    form = {"token": app.tokens["refresh_token"], "client_id": app.sandbox.client_id, "client_secret": "x"}
    assert requests.post(url, data=form, timeout=TIMEOUT).json() == {"error": "invalid_client"}
    assert len(connections(app.sandbox, app.tokens)) == 2


def test_organisations_can_be_chosen_at_the_start(tmp_path: Path) -> None:
    wanted = [OrganisationOption(name="Mill & Sons", currency="GBP")]
    with start_sandbox(tmp_path / "x.sqlite", organisations=wanted) as sandbox:
        mill = App(sandbox, organisation="Mill & Sons")
        shown = mill.call("GET", "/Organisation").json()["Organisations"][0]
    assert (shown["Name"], shown["BaseCurrency"], shown["Version"]) == ("Mill & Sons", "GBP", "UK")
