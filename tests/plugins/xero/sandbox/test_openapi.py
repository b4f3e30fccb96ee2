"""Everything that goes over the wire in a tour is held against Xero's own description of its API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest, WerkzeugOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response
from xero_python.accounting import Contact, Contacts, ManualJournals

from partsemble_xero.sandbox import server
from partsemble_xero.sandbox.testing import RunningSandbox, start_sandbox
from tests.plugins.xero.sandbox.client import KITS, TIMEOUT, App, journal, line
from tests.plugins.xero.sandbox.sales_walk import walk_sales, walk_sales_as_stranger
from tests.plugins.xero.sandbox.stranger import Stranger, sdk_journal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

# The checker knows no OAuth2 and says so each time; tokens and scopes are tested in test_access.py.
pytestmark = pytest.mark.filterwarnings("ignore:Unsupported scheme type:UserWarning")

SPECIFICATIONS = Path(__file__).resolve().parents[4] / ".." / "shared" / "xero"
SHAPES = {"/api.xro/2.0": "xero_accounting.yaml", "/connections": "xero-identity.yaml"}
MISSING = "55555555-1111-4222-8333-666666666666"
# Where Xero itself isn't as its description says: method, beginning of the path, words of the reason, and why.
EXCEPTIONS = (
    ("GET", "/Connections", "Utc'] ", "Xero's own example has these times without a zone"),
    ("GET", "/ManualJournals", "'2020-01-01T00:00:00' is not", "Xero's page and its SDK send this time without a zone"),
    ("GET", "/ManualJournals", "status: 400", "a where that can't be read is a 400 on every list"),
    ("GET", "/Contacts", "'2020-01-01T00:00:00' is not", "the same"),
    ("GET", "/Contacts", "status: 400", "the same"),
    ("GET", "/Invoices", "'2020-01-01T00:00:00' is not", "the same"),
    ("GET", "/Invoices", "status: 400", "the same"),
    ("GET", "/CreditNotes", "'2020-01-01T00:00:00' is not", "the same"),
    ("GET", "/CreditNotes", "status: 400", "the same"),
    ("GET", "/Invoices/", "is not a 'uuid'", "Xero's page says that the number is taken as well"),
    ("GET", "/Items/", "is not a 'uuid'", "Xero's page says that the code is taken as well"),
    ("PUT", "/ManualJournals", "HasAttachments'] Tried to write", "the SDK sends back what it may only read"),
    ("POST", "/ManualJournals/", "UpdatedDateUTC'] Tried to write", "the same"),
    ("POST", "/ManualJournals/", "HasAttachments'] Tried to write", "the same"),
    (
        "PUT",
        "/ManualJournals",
        "['Type'] None",
        "a key used twice is refused before the endpoint, in the shape of a 401",
    ),
)
# Statuses that the specification leaves out for these calls; Xero's pages and error reports have them.
UNDESCRIBED = {401, 403, 404, 406, 412, 415, 429}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, as if it had come to http://localhost, and its answer."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    response: Response

    @property
    def name(self) -> tuple[str, str, int]:
        return self.method, self.path.removeprefix("/api.xro/2.0"), self.response.status_code

    def request(self) -> Request:
        """The request in the spelling of the description: ``/Connections``, ``false``."""
        builder = EnvironBuilder(
            method=self.method,
            base_url="http://localhost",
            path=self.path.replace("/connections", "/Connections"),
            query_string=self.query.replace("summarizeErrors=False", "summarizeErrors=false"),
            data=self.body,
            headers=list(self.headers.items()),
        )
        return Request(builder.get_environ())


class Recorder:
    """WSGI middleware that keeps every exchange."""

    def __init__(self, application: WSGIApplication, kept: list[Exchange]) -> None:
        self._application = application
        self._kept = kept

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {name: value for name, value in Request(environ).headers if name != "Host"}
        environ["wsgi.input"] = BytesIO(body)
        head: list[Any] = []

        def keep(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            head.extend((status, headers))
            return start_response(status, headers, *rest)

        parts = list(self._application(environ, keep))
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if path.startswith(("/api.xro/", "/connections", "/Connections")):
            response = Response(parts, status=head[0], headers=head[1])
            self._kept.append(Exchange(environ["REQUEST_METHOD"], path, query, headers, body, response))
        return parts


@pytest.fixture(scope="session")
def specifications() -> dict[str, OpenAPI]:
    """Xero's descriptions by the beginning of their paths; built once, which takes seconds."""
    if not SPECIFICATIONS.exists():
        pytest.skip("Xero's OpenAPI files aren't beside the project")
    return {begin: load(SPECIFICATIONS / name, base=begin) for begin, name in SHAPES.items()}


def load(path: Path, *, base: str) -> OpenAPI:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    description = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader, in C
    description["servers"] = [{"url": "http://localhost" + (base if base != "/connections" else "")}]
    # The file has a text as the default of a boolean, over which the validator of files stumbles.
    return OpenAPI.from_dict(description, config=Config(spec_validator_cls=None))


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exchange]]:
    """All exchanges of the tour: our own client's and the SDK's."""
    kept: list[Exchange] = []
    make = server.create_app

    def recorded(sandbox: Any) -> Flask:
        app = make(sandbox)
        app.wsgi_app = Recorder(app.wsgi_app, kept)  # type: ignore[method-assign]
        return app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "create_app", recorded)
        with start_sandbox(tmp_path_factory.mktemp("tour") / "x.sqlite", clock="fixed") as sandbox:
            sandbox.lock(KITS, period="2026-01-31", end_of_year="2025-03-31")
            walk(App(sandbox))
            with closing(Stranger(sandbox, sandbox.sign_in(organisation=KITS), patch)) as stranger:
                walk_as_stranger(stranger)
            leave(sandbox)
            yield kept


def walk(app: App) -> None:
    """Every endpoint, well used and badly."""
    for path in ("/Organisation", "/Accounts", "/Items", "/Items/MOTOR-12V", "/Items/NOPE", f"/Accounts/{MISSING}"):
        app.call("GET", path)
    app.call("GET", "/Items", query={"unitdp": "4", "where": "IsSold==true", "order": "Code ASC"})
    account = app.call("GET", "/Accounts", query={"where": 'Status=="ACTIVE"'}).json()["Accounts"][0]
    app.call("GET", f"/Accounts/{account['AccountID']}")
    draft = app.create(Url="https://stock.example.com/j/1")["ManualJournalID"]
    for status in ("POSTED", "POSTED", "VOIDED", "DRAFT"):
        app.change(draft, **journal(Status=status))
    taxed = [line("429", 100, TaxType="INPUT2"), line("970", -115)]
    app.create(Status="POSTED", LineAmountTypes="Exclusive", JournalLines=taxed)
    app.call("GET", "/TrackingCategories", query={"includeArchived": "true", "order": "Name ASC"})
    category = app.call("GET", "/TrackingCategories").json()["TrackingCategories"][0]
    app.call("GET", f"/TrackingCategories/{category['TrackingCategoryID']}")
    app.create(JournalLines=[line("310", 1, Tracking=[{"Name": "Region", "Option": "North"}]), line("622", -1)])
    bad = [journal(), journal(JournalLines=[]), journal(Status="VOIDED"), journal(Narration="")]
    for query in ({}, {"summarizeErrors": "false"}):
        app.call("POST", "/ManualJournals", {"ManualJournals": bad}, query=query)
    for _ in range(2):
        app.call("PUT", "/ManualJournals", {"ManualJournals": [journal()]}, headers={"Idempotency-Key": "k"})
    app.call("PUT", "/ManualJournals", {"ManualJournals": bad}, headers={"Idempotency-Key": "k"})
    for query in ({}, {"page": "1", "pageSize": "2"}, {"where": 'Status=="POSTED"'}, {"where": "nonsense"}):
        app.call("GET", "/ManualJournals", query=query, headers={"If-Modified-Since": "2020-01-01T00:00:00"})
    app.call("GET", f"/ManualJournals/{draft}")
    for query in ({}, {"date": "2026-10-31"}):
        app.call("GET", "/Reports/TrialBalance", query=query)
    app.call("GET", f"/ManualJournals/{MISSING}")
    walk_contacts(app)
    walk_sales(app)
    app.call("GET", "/Organisation", headers={"Xero-Tenant-Id": MISSING})
    app.call("GET", "/Organisation", headers={"Authorization": "Bearer x"})


def walk_contacts(app: App) -> None:
    """The contacts: good ones, bad ones, merged and archived ones."""
    phone = {"PhoneType": "MOBILE", "PhoneNumber": "555-1212", "PhoneAreaCode": "415"}
    good = {"Name": "Mill & Sons", "ContactNumber": "SUP-000123", "EmailAddress": "a@b.example", "Phones": [phone]}
    contact = app.call("PUT", "/Contacts", {"Contacts": [good]}).json()["Contacts"][0]["ContactID"]
    bad = {"Contacts": [good, {"Name": "<b>"}, {"Name": "Fresh"}]}
    for query in ({}, {"summarizeErrors": "false"}):
        app.call("PUT", "/Contacts", bad, query=query)
    app.call("POST", f"/Contacts/{contact}", {"Contacts": [{"Name": "Mill"}]})
    app.call("POST", "/Contacts", {"Contacts": [{"ContactNumber": "SUP-000123", "Name": "Miller"}]})
    other = app.sandbox.add_contact(KITS, "Müller ☕")
    app.sandbox.change_contact(KITS, other, merged_into=contact)
    paged = {"page": "1", "pageSize": "3", "includeArchived": "true", "order": "UpdatedDateUTC DESC"}
    for query in ({}, paged, {"summaryOnly": "true"}, {"searchTerm": "mill"}, {"IDs": contact}, {"where": "nonsense"}):
        app.call("GET", "/Contacts", query=query, headers={"If-Modified-Since": "2020-01-01T00:00:00"})
    for named in (contact, other, MISSING):
        app.call("GET", f"/Contacts/{named}")


def walk_as_stranger(stranger: Stranger) -> None:
    tenant_id = stranger.tenant_id(KITS)
    accounting = stranger.accounting
    accounting.get_organisations(tenant_id)
    accounting.get_accounts(tenant_id)
    accounting.get_items(tenant_id, unitdp=4)
    wrapped = ManualJournals(manual_journals=[sdk_journal()])
    created = accounting.create_manual_journals(tenant_id, wrapped, summarize_errors=False, idempotency_key="s")
    journal_id = created.manual_journals[0].manual_journal_id
    accounting.update_manual_journal(tenant_id, journal_id, created)
    accounting.get_manual_journals(tenant_id, page=1, where='Status=="DRAFT"')
    accounting.get_manual_journal(tenant_id, journal_id)
    contacts = Contacts(contacts=[Contact(name="From the SDK", contact_number="SDK-1")])
    made = accounting.create_contacts(tenant_id, contacts, summarize_errors=False, idempotency_key="c").contacts[0]
    accounting.update_contact(tenant_id, made.contact_id, Contacts(contacts=[Contact(name="Changed")]))
    accounting.get_contacts(tenant_id, page=1, include_archived=True)
    accounting.get_contact(tenant_id, made.contact_id)
    walk_sales_as_stranger(stranger, tenant_id)
    accounting.get_report_trial_balance(tenant_id, date="2026-10-31")


def leave(sandbox: RunningSandbox) -> None:
    tokens = sandbox.sign_in(organisation=KITS)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for query in ("", f"?authEventId={MISSING}"):
        connections = requests.get(f"{sandbox.address}/Connections{query}", headers=bearer, timeout=TIMEOUT).json()
        for connection in connections:
            url = f"{sandbox.address}/Connections/{connection['id']}"
            requests.delete(url, headers=bearer, timeout=TIMEOUT)


@pytest.fixture(scope="module")
def reasons(specifications: dict[str, OpenAPI], tour: list[Exchange]) -> list[tuple[str, str, str]]:
    """Method, path and reason of everything that isn't as described."""
    return [
        (exchange.method, exchange.name[1], reason)
        for exchange in tour
        for reason in reasons_against(exchange, specifications)
    ]


def is_excepted(found: tuple[str, str, str], exception: tuple[str, str, str, str]) -> bool:
    method, path, reason = found
    return method == exception[0] and path.startswith(exception[1]) and exception[2] in reason


def test_every_exchange_is_as_xero_describes_it(reasons: list[tuple[str, str, str]], tour: list[Exchange]) -> None:
    assert len(tour) >= 40
    assert [found for found in reasons if not any(is_excepted(found, each) for each in EXCEPTIONS)] == []


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_every_exception_is_still_one(
    reasons: list[tuple[str, str, str]], exception: tuple[str, str, str, str]
) -> None:
    assert any(is_excepted(found, exception) for found in reasons), "as described now: take it out of the list"


def test_the_check_sees_a_wrong_answer(specifications: dict[str, OpenAPI], tour: list[Exchange]) -> None:
    good = next(exchange for exchange in tour if exchange.name == ("GET", "/Organisation", 200))
    text = good.response.get_data(as_text=True).replace('"NZD"', '"ZZZ"')
    wrong = replace(good, response=Response(text, content_type="application/json"))
    assert "ZZZ" in str(reasons_against(wrong, specifications))


def reasons_against(exchange: Exchange, specifications: dict[str, OpenAPI]) -> list[str]:
    """What Xero's description has against the request and its answer."""
    begin = "/api.xro/2.0" if exchange.path.startswith("/api.xro/2.0") else "/connections"
    description = specifications[begin]
    request = WerkzeugOpenAPIRequest(exchange.request())
    checks: list[Callable[[], object]] = [lambda: description.validate_request(request)]
    if exchange.response.status_code not in UNDESCRIBED:
        response = WerkzeugOpenAPIResponse(exchange.response)
        checks.append(lambda: description.validate_response(request, response))
    return [reason for check in checks for reason in reasons_of(check)]


def reasons_of(check: Callable[[], object]) -> list[str]:
    try:
        check()
    except OpenAPIError as error:
        found = getattr(error.__cause__, "schema_errors", [error.__cause__ or error])
        return [f"{type(error).__name__}: {list(getattr(each, 'path', []))} {each}"[:400] for each in found]
    return []
