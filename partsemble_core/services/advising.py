"""Advising: what somebody does next whose sign-in came back with a refusal (RFC 6749 4.1.2.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

from partsemble_core.errors import say, word

NOTHING_CHOSEN = "Start again, and choose the organisation on the page that asks for your consent."
UNKNOWN = "Nothing was connected. Start again; if it stays so, look at the app's page at the accounting system."
ADVICE: Mapping[str, str] = {
    "access_denied": "It was cancelled over there. Nothing was connected; start again when you like.",
    "invalid_scope": "The app may not ask for all that was asked. Compare the scopes in Integrations with those of "
    "the app, and ask for no more.",
    "unauthorized_client": "The app isn't allowed to sign anybody in like this. Check the client id, that the app is "
    "a web app, and the scopes.",
    "invalid_client": "The client id or secret is wrong. Enter them again in Integrations, or set them anew.",
    "invalid_grant": "The code was used, is older than five minutes, or belongs to another redirect address. Start "
    "again and go through without a break.",
    "invalid_request": "The accounting system didn't take the request. Check that the redirect address shown in "
    "Integrations is registered to the letter.",
    "redirect_uri_mismatch": "Register the redirect address shown in Integrations to the letter.",
    "connection_limit": "The app has as many organisations as it may have. Disconnect one that isn't needed, or raise "
    "the limit of the app.",
    "server_error": "The accounting system has trouble. Try again in a few minutes.",
    "temporarily_unavailable": "The accounting system is away. Try again in a few minutes.",
}
LIMIT_WORDS = ("certification", "connection limit", "more organisations", "uncertified")


def advice_for(error: str, description: str) -> str:
    """A sentence with the code, and what to do. Their own words are shown shortened, and never decide alone."""
    said = (description or error).strip()[:200]
    code = "connection_limit" if any(word in said.casefold() for word in LIMIT_WORDS) else error
    return say(
        "The sign-in was not completed ({said}). {advice}",
        said=said or word("no reason given"),
        advice=word(ADVICE.get(code, UNKNOWN)),
    )
