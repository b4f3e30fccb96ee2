"""The values that cross the door between the core and a plugin. Frozen, keyword-only, additive.

Amounts are ``Decimal`` in units of the currency, positive for debit; quantities are ``Decimal`` in the product's own
unit. Dates are the organisation's calendar days, timestamps are aware UTC. ``external_id`` is theirs and opaque.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from partsemble_core.plugin_api.http import Http
from partsemble_core.plugin_api.limits import LimitHeaders
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.sign_in import ScopeNeed, SignIn
from partsemble_core.plugin_api.tracking import Tracking

SPEC_VERSION = (1, 0)
T = TypeVar("T")
Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]


class InventoryMode(enum.StrEnum):
    """Who owns quantities: us (the books get journals), or the books (they get inventory adjustments)."""

    JOURNAL_ONLY = "journal_only"
    QUANTITY_SYNC = "quantity_sync"


class Posting(enum.StrEnum):
    """How a backend makes a posting safe to repeat."""

    DRAFT_THEN_POST = "draft_then_post"
    NATIVE_KEY = "native_key"
    LOOKUP = "lookup"
    LOCAL = "local"


class ClosedPeriod(enum.StrEnum):
    """What a backend does with a date in a closed period."""

    REFUSES = "refuses"
    SHIFTS_DATE = "shifts_date"
    IGNORES = "ignores"


class AccountClass(enum.StrEnum):
    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    REVENUE = "revenue"
    EXPENSE = "expense"


class JournalStatus(enum.StrEnum):
    DRAFT = "draft"
    POSTED = "posted"
    VOIDED = "voided"
    DELETED = "deleted"


class SalesKind(enum.StrEnum):
    INVOICE = "invoice"
    RECEIPT = "receipt"
    CREDIT = "credit"


class SalesStatus(enum.StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOIDED = "voided"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend can do. The core asks this, never the backend's name."""

    posting: Posting
    inventory_modes: frozenset[InventoryMode] = frozenset({InventoryMode.JOURNAL_ONLY})
    inventory_mode_reason: str = ""
    """Shown beside the locked switch where only one mode is possible."""
    key_window: dt.timedelta | None = None
    """How long a NATIVE_KEY backend remembers a key; None = not known, treat as for ever."""
    closed_period: ClosedPeriod = ClosedPeriod.REFUSES
    batch_size: int = 1
    """How many journals one call of ``post_journals`` may carry."""
    sales: bool = False
    contacts_push: bool = False
    balances: bool = False
    webhooks: bool = False
    max_narration: int = 250
    calls_per_minute: int | None = None
    calls_at_once: int | None = None
    calls_per_day: int | None = None
    """Of one organisation each. The core keeps below them; a setting ``daily_calls`` goes before the last."""
    app_calls_per_minute: int | None = None
    """Of all organisations together."""
    limit_headers: LimitHeaders = field(default_factory=LimitHeaders)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting that a backend wants from the administrator: shown as a form field, kept sealed if secret."""

    name: str
    label: str
    help: str = ""
    required: bool = False
    secret: bool = False
    default: str = ""
    environment_only: bool = False
    """It can't be entered in the console: whoever could change an address could send everybody's tokens there."""
    whole_number: tuple[int, int] | None = None
    """It is a whole number from the first to the second; else it is a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendInfo:
    name: str
    title: str
    version: str
    capabilities: Capabilities
    spec_version: tuple[int, int] = SPEC_VERSION
    settings: tuple[SettingField, ...] = ()
    scope_needs: tuple[ScopeNeed, ...] = ()
    """Empty: every sign-in allows everything."""
    note: str = ""
    """What somebody should know before they choose it, as one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stored record of a connection: kept for ever, never changed."""

    kind: str
    key: str
    sequence: int
    body: Mapping[str, Json]
    recorded_at: dt.datetime


class RecordStore(Protocol):
    """A small append-only store of one connection, for backends without a service of their own."""

    def append(self, kind: str, key: str, body: Mapping[str, Json]) -> Record:
        """Stores once per (kind, key). The same body again returns the first record; another raises KeyReused."""

    def find(self, kind: str, key: str) -> Record | None: ...

    def records(self, kind: str, *, after: int = 0, limit: int = 100) -> Sequence[Record]:
        """In order of ``sequence`` (1, 2, 3 …), those past ``after``."""


class Clock(Protocol):
    def __call__(self) -> dt.datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendContext:
    """All that a hook is given. Never a refresh token, never a database session."""

    connection_id: str
    settings: Mapping[str, str | Secret]
    http: Http
    now: Clock
    storage: RecordStore
    organisation_id: str | None = None
    access_token: Secret | None = None
    inventory_mode: InventoryMode = InventoryMode.JOURNAL_ONLY


class ConnectStep(enum.StrEnum):
    """begin: how to sign in. complete: which organisations. choose: this one. check: still there? disconnect."""

    BEGIN = "begin"
    COMPLETE = "complete"
    CHOOSE = "choose"
    CHECK = "check"
    DISCONNECT = "disconnect"


class ConnectState(enum.StrEnum):
    SIGN_IN = "sign_in"
    CHOOSE = "choose"
    READY = "ready"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """``choose`` names the organisation. The sign-in itself is the core's; a plugin sees no code and no token."""

    step: ConnectStep
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One set of books that the signed-in person may connect. ``link_id`` is what is deleted to disconnect.

    Books without a ``base_currency`` of their own are kept in the company's.
    """

    external_id: str
    name: str
    link_id: str = ""
    base_currency: str = ""
    country: str = ""
    timezone: str = ""
    locked_through: dt.date | None = None
    is_new: bool = False
    """The consent just given added it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectResult:
    state: ConnectState
    sign_in: SignIn | None = None
    organisations: tuple[Organisation, ...] = ()
    """With CHOOSE: all to choose from. With READY: exactly the one, with currency and lock date filled in."""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One ledger account. ``usable`` = a journal line may name it; else ``why_not`` tells the reason and the cure."""

    external_id: str
    code: str
    name: str
    classification: AccountClass
    native_type: str = ""
    active: bool = True
    usable: bool = True
    why_not: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    external_id: str
    code: str
    name: str
    description: str = ""
    purchase_cost: Decimal | None = None
    sales_price: Decimal | None = None
    quantity_on_hand: Decimal | None = None
    is_tracked: bool = False
    """The books keep its stock too: its cost of goods would be counted twice."""
    tracked_in: tuple[str, ...] = ()
    """Codes of the accounts that hold its stock and its cost of goods there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """``amount`` > 0 is a debit. ``account_code`` is what people read, ``account_id`` what notices a rename."""

    account_id: str
    account_code: str
    amount: Decimal
    description: str = ""
    tracking: tuple[Tracking, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One posting, frozen with its document. ``token`` is 12 characters that are found again in their books."""

    token: str
    date: dt.date
    currency: str
    decimals: int
    reference: str
    narration: str
    lines: tuple[JournalLine, ...]
    source_url: str = ""
    reverses: str = ""


class PostStep(enum.StrEnum):
    """create: bring the entry into being (a draft, where there are). post: put the created one into the ledger."""

    CREATE = "create"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStep:
    """One call. Its attempt row is committed before the hook runs. ``key`` is the idempotency key on the wire."""

    kind: PostStep
    key: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalResult:
    external_id: str
    status: JournalStatus
    url: str = ""
    posted_on: dt.date | None = None
    notices: tuple[str, ...] = ()
    lines: tuple[JournalLine, ...] | None = None
    """What the books hold, where a look-up tells; it is compared with the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page. ``next_cursor`` is the plugin's own string; ``complete``: these pages together are everything."""

    records: tuple[T, ...]
    next_cursor: str | None = None
    has_more: bool = False
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesLine:
    """``net_amount`` is after discount and without tax. ``line_id`` may change when the document is edited."""

    line_id: str
    quantity: Decimal
    net_amount: Decimal
    item_id: str | None = None
    item_code: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesDocument:
    """One document as it now is. A credit's amounts are positive, as printed on it: its ``kind`` turns them."""

    external_id: str
    number: str
    kind: SalesKind
    status: SalesStatus
    date: dt.date
    currency: str
    rate: Decimal
    """Units of document currency for one unit of base currency."""
    lines: tuple[SalesLine, ...]
    contact_id: str | None = None
    contact_name: str = ""
    updated_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    local_id: str | None
    external_id: str | None
    name: str
    is_supplier: bool = False
    is_customer: bool = False
    email: str = ""
    active: bool = True
    merged_into: str = ""
    """The external id of the contact that has taken its place; it isn't active then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactOutcome:
    """created, unchanged, conflict (their name, not our id: never overwritten) or rejected; ``message`` says why."""

    local_id: str
    outcome: str
    external_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSync:
    pulled: Page[Contact]
    pushed: tuple[ContactOutcome, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    account_id: str
    account_code: str
    balance: Decimal
