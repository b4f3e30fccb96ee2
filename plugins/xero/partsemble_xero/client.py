"""Calls to Xero: address, headers, and what each refusal means.

Every answer that isn't a plain yes becomes one of the plugin interface's errors here, and only here. Where a write
was not clearly refused, its outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from partsemble_core.plugin_api import (
    BackendContext,
    HttpAnswer,
    JsonBody,
    KeyReused,
    NotPermitted,
    PeriodClosed,
    Rejected,
    RetryLater,
    Secret,
    SignedOut,
    say,
    say_each,
    word,
)

DEFAULTS: Mapping[str, str] = {
    "authorize_url": "https://login.xero.com/identity/connect/authorize",
    "token_url": "https://identity.xero.com/connect/token",
    "revoke_url": "https://identity.xero.com/connect/revocation",
    "api_url": "https://api.xero.com",
    "scopes": "offline_access openid profile email accounting.settings.read accounting.manualjournals"
    " accounting.contacts accounting.invoices.read",
}
CONCURRENT_PAUSE = 2
"""Seconds to wait after "too many at once", which comes without Retry-After."""
MINUTE = 60
HOUR = 3600
_SCOPE_HINT = "connect again as a user with the Adviser role, or Standard with all reports, and allow everything asked"


class Missing(NotPermitted):
    """404: the address names nothing in this organisation. A wrong API address looks the same."""


class OutOfScope(NotPermitted):
    """The sign-in stands, but this user, or what was agreed to, doesn't reach so far."""


def setting(ctx: BackendContext, name: str) -> str:
    """A setting of the connection as text, with Xero's own addresses as defaults."""
    value = ctx.settings.get(name)
    text = value.reveal() if isinstance(value, Secret) else value
    return text.strip() if text and text.strip() else DEFAULTS.get(name, "")


def identity_call(ctx: BackendContext, method: str, path: str) -> HttpAnswer:
    """A call beside the accounting API, such as ``GET /connections``. Raises Missing for 404."""
    return _checked(
        ctx.http.request(
            method,
            f"{setting(ctx, 'api_url').rstrip('/')}/{path}",
            headers={"Accept": "application/json"},
            bearer=_token(ctx),
            idempotent=True,
        ),
        ctx,
    )


def read(
    ctx: BackendContext,
    path: str,
    *,
    params: Mapping[str, str] | None = None,
    modified_since: str = "",
    tenant_id: str = "",
) -> Mapping[str, object]:
    """GET from the accounting API, of the connected organisation or that named. Raises Missing for 404."""
    headers = _headers(ctx, tenant_id) | ({"If-Modified-Since": modified_since} if modified_since else {})
    answer = ctx.http.request("GET", _api(ctx, path), headers=headers, params=params, bearer=_token(ctx))
    return json_object(_checked(answer, ctx))


def write(ctx: BackendContext, path: str, body: JsonBody, *, key: str = "", method: str = "POST") -> HttpAnswer:
    """POST or PUT to the accounting API. Answers 200 only; each element has still to be looked at. Raises Missing."""
    headers = _headers(ctx) | ({"Idempotency-Key": key} if key else {})
    params = {"summarizeErrors": "false"}
    answer = ctx.http.request(method, _api(ctx, path), headers=headers, params=params, json=body, bearer=_token(ctx))
    return _checked(answer, ctx)


def _api(ctx: BackendContext, path: str) -> str:
    return f"{setting(ctx, 'api_url').rstrip('/')}/api.xro/2.0/{path}"


def _headers(ctx: BackendContext, tenant_id: str = "") -> dict[str, str]:
    tenant = tenant_id or ctx.organisation_id
    if not tenant:
        raise NotPermitted("No Xero organisation is chosen yet; finish connecting.")
    return {"Accept": "application/json", "Xero-Tenant-Id": tenant}


def _token(ctx: BackendContext) -> Secret:
    if not ctx.access_token:
        raise SignedOut("There is no access token for Xero; connect again.")
    return ctx.access_token


def json_object(answer: HttpAnswer) -> Mapping[str, object]:
    """The answer's JSON object. Raises what the answer's kind of call calls for where it is none."""
    content = answer.json()
    if not isinstance(content, dict):
        raise answer.unreadable("is not a JSON object.")
    return content


def rows_of(content: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """The objects of a list by name, such as ``Accounts``. Raises RetryLater where there is no such list."""
    rows = content.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RetryLater(say("Xero's answer has no list of {name}; it will be asked again.", name=name))
    return rows


def text_of(row: Mapping[str, object], name: str) -> str:
    """A text of a record; missing and null are empty."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _checked(answer: HttpAnswer, ctx: BackendContext) -> HttpAnswer:
    """The answer if it is a yes. The rest follows Xero's own table of errors."""
    status = answer.status
    if status in {200, 204}:
        return answer
    if status == 404:
        raise Missing(say("Xero knows nothing at this address ({place}); check the API address.", place=answer.place))
    if status == 429:
        _raise_limit(answer, ctx)
    if status in {401, 403}:
        _raise_access(answer)
    if status in {400, 409}:
        _raise_refusal(answer)
    if status == 408 or status >= 500 or status < 400:
        raise answer.unreadable(say("says that Xero has trouble: {excerpt!r}", excerpt=answer.excerpt()))
    problem = say("Xero refused the call (status {status}): {excerpt}", status=status, excerpt=answer.excerpt())
    raise Rejected(problem, problems=(problem,))


def _raise_limit(answer: HttpAnswer, ctx: BackendContext) -> NoReturn:
    limit = answer.headers.get("X-Rate-Limit-Problem", "").strip().casefold()
    fallback = CONCURRENT_PAUSE if limit.startswith("concurrent") else HOUR if limit.startswith("da") else MINUTE
    told = answer.retry_after(now=ctx.now())
    after = max(1, told if told is not None else fallback)
    message = say(
        "Xero's limit of calls ({limit}) is reached; going on in {after} seconds.",
        limit=limit or word("unnamed"),
        after=after,
    )
    raise RetryLater(message, after=after, whole_organisation=True)


def _raise_access(answer: HttpAnswer) -> NoReturn:
    """401 is about the token, unless it says that the user or the scope may not; 403 is about the organisation."""
    said = answer.body.decode("utf-8", "replace") + answer.headers.get("WWW-Authenticate", "")
    if "insufficient_scope" in said or "AuthorizationUnsuccessful" in said:
        raise OutOfScope(say("Xero doesn't let this user or this app do that; {hint}.", hint=word(_SCOPE_HINT)))
    if answer.status == 401:
        raise SignedOut("Xero refused the access token.")
    raise NotPermitted(
        "Xero doesn't let us into this organisation any more: it was disconnected, the user lost access, or it is "
        "gone. Connect it again."
    )


def _raise_refusal(answer: HttpAnswer) -> NoReturn:
    text = answer.body.decode("utf-8", "replace")
    if "used with a different request" in text or answer.status == 409:
        raise KeyReused("Xero has seen this idempotency key with another request.")
    content = _parsed(answer)
    problems = messages_in(content) if content else ()
    raise refusal(problems or (answer.excerpt() or "Xero refused the request without saying why.",))


def _parsed(answer: HttpAnswer) -> Mapping[str, object] | None:
    """A refusal's JSON, or None: the body of an error can be plain text or a web page."""
    if "json" not in answer.headers.get("Content-Type", "").lower():
        return None
    return json_object(answer)


def messages_in(content: Mapping[str, object]) -> tuple[str, ...]:
    """Every validation message at any depth, each once, in order; else the message on top."""
    found = tuple(dict.fromkeys(_messages(content)))
    on_top = text_of(content, "Message")
    return found or ((on_top,) if on_top else ())


def _messages(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        errors = value.get("ValidationErrors")
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict) and text_of(error, "Message"):
                yield text_of(error, "Message")
        for name, part in value.items():
            if name != "ValidationErrors":
                yield from _messages(part)
    elif isinstance(value, list):
        for part in value:
            yield from _messages(part)


def refusal(problems: Sequence[str], *, fields: Sequence[str] = ()) -> Rejected:
    """The error for a refusal in Xero's words, which are shown as they are."""
    message = say("Xero refused it: {problems}", problems=say_each(problems, between=" "))
    if any("lock date" in problem for problem in problems):
        return PeriodClosed(say("{message} Open the period in Xero, then try the export again.", message=message))
    return Rejected(message, problems=problems, fields=fields)
