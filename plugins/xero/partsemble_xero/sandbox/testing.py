"""A sandbox inside a test: started on a free port, with a user who clicks through the consent page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from .context import Sandbox
from .options import DEFAULT_ORGANISATIONS, ClockMode, OrganisationOption, RefreshRetry, SandboxOptions
from .server import SandboxServer

TIMEOUT_SECONDS = 20
SCOPES = (
    "offline_access openid profile email accounting.settings.read accounting.manualjournals"
    " accounting.invoices.read accounting.contacts accounting.reports.trialbalance.read"
)


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class SandboxRefused(Exception):
    """The sandbox answered something else than success: the status and the body."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class ConsentFailed(Exception):
    """The page did not lead back to the app; the message holds what it said."""


class SandboxHandle:
    """A sandbox reached over HTTP by the facts that it prints at its start, and its switches."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self.address = facts["address"]
        self.client_id = facts["client_id"]
        self.client_secret = facts["client_secret"]
        self.webhook_key = facts["webhook_key"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"

    @property
    def plugin_settings(self) -> dict[str, str]:
        """What an installation is told for its Xero to be this sandbox: names of settings and their values."""
        return {
            "xero_client_id": self.client_id,
            "xero_client_secret": self.client_secret,
            "xero_authorize_url": f"{self.address}/identity/connect/authorize",
            "xero_token_url": f"{self.address}/connect/token",
            "xero_revoke_url": f"{self.address}/connect/revocation",
            "xero_api_url": self.address,
        }

    def authorize_url(self, *, redirect_uri: str, scopes: str = SCOPES, **more: str) -> str:
        """The address at which the user is asked; ``more`` are parameters such as ``state``."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": scopes,
            **more,
        }
        return f"{self.address}/identity/connect/authorize?{urlencode(asked)}"

    def sign_in(
        self,
        *,
        organisation: str,
        redirect_uri: str = "http://localhost/callback",
        scopes: str = SCOPES,
        user: str = "",
    ) -> dict[str, Any]:
        """Consent and code exchange in one: the token answer for ``organisation``."""
        url = self.authorize_url(redirect_uri=redirect_uri, scopes=scopes)
        callback = consent(url, organisation=organisation, user=user)
        form = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(callback).query)["code"][0],
            "redirect_uri": redirect_uri,
        }
        return self.token(form)

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """POST /connect/token as the app. Raises :class:`SandboxRefused`."""
        pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        answer = _call(
            "POST",
            f"{self.address}/connect/token",
            body=urlencode(form),
            headers={**_FORM, "Authorization": f"Basic {pair}"},
        )
        token_set: dict[str, Any] = answer.json()
        return token_set

    def tenant_id(self, organisation: str) -> str:
        """The tenant id of an organisation by its name. Raises ``KeyError``."""
        return {each["name"]: str(each["tenant_id"]) for each in self.admin("GET", "organisations")}[organisation]

    def books(self, organisation: str) -> dict[str, Any]:
        """The books of an organisation by its name: accounts with balances, journals with lines."""
        shown: dict[str, Any] = self.admin("GET", f"books/{self.tenant_id(organisation)}.json")
        return shown

    def balance(self, organisation: str, *, code: str) -> str:
        """The balance of one account as a text such as ``-12.50``. Raises ``KeyError``."""
        return {account["code"]: str(account["balance"]) for account in self.books(organisation)["accounts"]}[code]

    def requests(self, *, after: int = 0) -> list[dict[str, Any]]:
        """The recorded requests after the id ``after``, oldest first."""
        shown: list[dict[str, Any]] = self.admin("GET", f"requests?after={after}")
        return shown

    def advance(self, seconds: int) -> None:
        """Move the sandbox's clock forward."""
        self.admin("POST", "clock", {"advance_seconds": seconds})

    def add_fault(self, match: str, *, kind: str, **more: int) -> None:
        """Order a fault; ``more`` are ``status``, ``hold_ms``, ``times`` and ``percent``."""
        self.admin("POST", "faults", {"match": match, "kind": kind, **more})

    def clear_faults(self) -> None:
        """Heal everything and let held requests go."""
        self.admin("DELETE", "faults")

    def lock(self, organisation: str, *, period: str | None = None, end_of_year: str | None = None) -> None:
        """Set both lock dates (YYYY-MM-DD, None to open)."""
        path = f"organisations/{self.tenant_id(organisation)}/lock-dates"
        self.admin("POST", path, {"period": period, "end_of_year": end_of_year})

    def archive_account(self, organisation: str, *, code: str) -> None:
        """Archive an account, as a person would in Xero."""
        path = f"organisations/{self.tenant_id(organisation)}/accounts/{code}"
        self.admin("POST", path, {"status": "ARCHIVED"})

    def contacts(self, organisation: str) -> list[dict[str, Any]]:
        """Every contact of an organisation, archived ones too."""
        shown: list[dict[str, Any]] = self.admin("GET", f"organisations/{self.tenant_id(organisation)}/contacts")
        return shown

    def add_contact(self, organisation: str, name: str, **more: object) -> str:
        """Add a contact, as a person would in Xero: its id. ``more``: see `change_contact`."""
        path = f"organisations/{self.tenant_id(organisation)}/contacts"
        return str(self.admin("POST", path, {"name": name, **more})["contact_id"])

    def change_contact(self, organisation: str, contact_id: str, **fields: object) -> None:
        """Change one as a person would: name, email, contact_number, status, merged_into, is_supplier, is_customer."""
        self.admin("POST", f"organisations/{self.tenant_id(organisation)}/contacts/{contact_id}", fields)

    def invoice(self, organisation: str, which: str = "", /, **fields: object) -> dict[str, Any]:
        """Make an invoice, or change the one with this id or number; gives its id, number, status and line ids."""
        return self._document(organisation, f"invoices/{which}" if which else "invoices", fields)

    def credit_note(self, organisation: str, which: str = "", /, **fields: object) -> dict[str, Any]:
        """The same with a credit note."""
        return self._document(organisation, f"credit-notes/{which}" if which else "credit-notes", fields)

    def _document(self, organisation: str, path: str, fields: Mapping[str, object]) -> dict[str, Any]:
        shown: dict[str, Any] = self.admin("POST", f"organisations/{self.tenant_id(organisation)}/{path}", fields)
        return shown

    def set_tracking(self, organisation: str, *, category: str, option: str | None = None, status: str) -> None:
        """Archive or restore a tracking category, or an option of it, as a person would in Xero."""
        fields = {"category": category, "status": status, **({"option": option} if option else {})}
        self.admin("POST", f"organisations/{self.tenant_id(organisation)}/tracking", fields)

    def enter(self, organisation: str, *, date: str, code: str, against: str, amount: str) -> None:
        """A person books something that is no manual journal, such as a bill: debit ``code``, credit ``against``."""
        path = f"organisations/{self.tenant_id(organisation)}/entries"
        self.admin("POST", path, {"date": date, "code": code, "against": against, "amount": amount})

    def disconnect(self, organisation: str) -> None:
        """The user ends the app's access to one organisation on Xero's side."""
        self.admin("POST", f"organisations/{self.tenant_id(organisation)}/disconnect", {})

    def revoke_grant(self) -> None:
        """The user ends all access on Xero's side: refresh tokens die too."""
        self.admin("POST", "revoke-grant", {})

    def set_up_webhook(self, url: str, *categories: str) -> str:
        """Enter the app's address for webhooks, all categories or those named; how it answered the handshake."""
        fields = {"url": url, **({"categories": list(categories)} if categories else {})}
        return str(self.admin("POST", "webhooks", fields)["status"])

    def announce(self, organisation: str, *, category: str, resource_id: str, change: str = "UPDATE") -> None:
        """Tell the app of a change that didn't happen."""
        fields = {"tenant_id": self.tenant_id(organisation), "category": category}
        self.admin("POST", "webhooks/announce", {**fields, "resource_id": resource_id, "change": change})

    def webhooks(self) -> dict[str, Any]:
        """The app's webhook, what waits, and every call of it."""
        shown: dict[str, Any] = self.admin("GET", "webhooks")
        return shown

    def admin(self, method: str, path: str, fields: Mapping[str, object] | None = None) -> Any:
        """Call a switch under ``/sandbox/``. Raises :class:`SandboxRefused`."""
        body = "" if fields is None else json.dumps(fields)
        url = f"{self.address}/sandbox/{path}"
        return _call(method, url, body=body, headers={"Content-Type": "application/json"}).json()


class RunningSandbox(SandboxHandle, AbstractContextManager["RunningSandbox"]):
    """A sandbox served by this process. Leaving the context stops it."""

    def __init__(self, server: SandboxServer) -> None:
        super().__init__(server.facts())
        self._server = server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop serving; the data file stays and can be started again."""
        self._server.stop()


def start_sandbox(
    data_file: Path,
    *,
    port: int = 0,
    redirect_uris: Sequence[str] = (),
    organisations: Sequence[OrganisationOption] = DEFAULT_ORGANISATIONS,
    clock: ClockMode = "real",
    limits: bool = False,
    refresh_retry: RefreshRetry = "supersede",
    **more: Any,
) -> RunningSandbox:
    """Serve a sandbox over ``data_file`` in a thread on loopback; use it as a context manager.

    ``more`` are the rarer options of :class:`SandboxOptions`, such as ``users``.

    Raises :class:`OptionRefused` for options that cannot work, ``OSError`` for a port that is taken.
    """
    options = SandboxOptions(
        data_file=data_file,
        redirect_uris=tuple(redirect_uris),
        organisations=tuple(organisations),
        clock=clock,
        limits=limits,
        refresh_retry=refresh_retry,
        **more,
    )
    server = SandboxServer(Sandbox(options), port=port)
    server.start()
    return RunningSandbox(server)


def consent(authorize_url: str, *, organisation: str, user: str = "") -> str:
    """Open the consent page, choose ``organisation`` (and ``user``) by name, allow; the address it leads back to.

    Raises :class:`ConsentFailed` when the page is an error page or has no such organisation or user.
    """
    page = _open(authorize_url)
    for name in filter(None, (organisation, user)):
        if name not in page.choices:
            raise ConsentFailed(f"no {name!r} on the page: {' '.join(page.texts)}")
    chosen = {"user": page.choices[user]} if user else {}
    return _submit(authorize_url, page, organisation=page.choices[organisation], answer="allow", **chosen)


def cancel_consent(authorize_url: str) -> str:
    """Open the consent page and cancel; the address it leads back to. Raises :class:`ConsentFailed`."""
    return _submit(authorize_url, _open(authorize_url), answer="cancel")


class _Page(HTMLParser):
    """Hidden fields, and radio buttons by the text beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.choices: dict[str, str] = {}
        self.texts: list[str] = []
        self.action = ""
        self._choice: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"]] = given["value"]
        if tag == "input" and given.get("type") == "radio":
            self._choice = given["value"]

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if text:
            self.texts.append(text)
        if text and self._choice is not None:
            self.choices[text] = self._choice
            self._choice = None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    text: str
    location: str

    def json(self) -> Any:
        """The body as JSON. Raises :class:`SandboxRefused` unless the status is 200."""
        if self.status != 200:
            raise SandboxRefused(self.status, self.text)
        return json.loads(self.text)


def _call(method: str, url: str, *, body: str = "", headers: Mapping[str, str] | None = None) -> _Answer:
    """One request, without following redirects. The standard library alone: a plugin needs no more."""
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body=body.encode() or None, headers=dict(headers or {}))
        answer = connection.getresponse()
        return _Answer(answer.status, answer.read().decode(), answer.getheader("Location", ""))


def _open(authorize_url: str) -> _Page:
    answer = _call("GET", authorize_url)
    page = _Page()
    page.feed(answer.text)
    if answer.status != 200 or not page.action:
        raise ConsentFailed(f"the page answered {answer.status}: {' '.join(page.texts[-6:])}")
    return page


def _submit(authorize_url: str, page: _Page, **chosen: str) -> str:
    url = urljoin(authorize_url, page.action)
    answer = _call("POST", url, body=urlencode({**page.hidden, **chosen}), headers=_FORM)
    if answer.status != 302:
        failed = _Page()
        failed.feed(answer.text)
        said = " ".join(failed.texts[-6:])
        raise ConsentFailed(f"the page answered {answer.status} instead of a redirect: {said}")
    return answer.location
