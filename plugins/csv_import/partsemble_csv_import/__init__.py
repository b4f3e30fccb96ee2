"""Files instead of a service: reads bills of materials, and keeps a journal register to download.

As an accounting backend it needs no sign-in and no network: postings go into the record store of their connection,
once for each token, and leave as one CSV file.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from partsemble_core.plugin_api import (
    Account,
    AccountBalance,
    BackendContext,
    BackendInfo,
    BomFile,
    BookedJournal,
    Capabilities,
    ClosedPeriod,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    ContactSync,
    Item,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    NotPermitted,
    Organisation,
    Page,
    Posting,
    PostStep,
    Rejected,
    SalesDocument,
    SettingField,
    Unsupported,
    hookimpl,
    say,
)
from partsemble_csv_import import register
from partsemble_csv_import.bom_reader import bom_from
from partsemble_csv_import.decoding import is_workbook

REGISTER_ID = "register"
SETTINGS = (
    SettingField(
        name="accounts",
        label="Accounts",
        help="One account a line: code, space, name. The first digit tells the class: 1 assets, 2 liabilities, "
        "3 equity, 4 revenue, anything else expenses.",
        default=register.DEFAULT_ACCOUNTS,
    ),
    SettingField(
        name="currency", label="Currency", help="Three letters, such as USD. Empty: the company's own.", default=""
    ),
)
CAPABILITIES = Capabilities(
    posting=Posting.LOCAL,
    inventory_mode_reason="A journal register holds amounts; quantities stay in Partsemble.",
    closed_period=ClosedPeriod.IGNORES,
    balances=True,
    max_narration=1000,
)


class CsvImport:
    """The plugin: a reader of BOM files, and the backend ``csv_import``."""

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        return BackendInfo(
            name="csv_import",
            title="Journal register (CSV)",
            version="0.1.0",
            capabilities=CAPABILITIES,
            settings=SETTINGS,
        )

    @hookimpl
    def read_bom_file(self, content: bytes, filename: str, mapping: Mapping[str, str]) -> BomFile | None:
        """Delimited text is ours; a workbook is another reader's business."""
        return None if is_workbook(content) else bom_from(content, mapping)

    @hookimpl
    def connect(self, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
        if request.step is ConnectStep.DISCONNECT:
            return ConnectResult(state=ConnectState.DISCONNECTED)
        organisation = Organisation(
            external_id=REGISTER_ID, name="Journal register", base_currency=_setting(ctx, "currency")
        )
        if request.step in {ConnectStep.BEGIN, ConnectStep.COMPLETE}:
            return ConnectResult(state=ConnectState.CHOOSE, organisations=(organisation,))
        if (request.organisation_id or ctx.organisation_id) != REGISTER_ID:
            raise NotPermitted("There is one journal register; choose it.")
        _accounts(ctx)
        return ConnectResult(state=ConnectState.READY, organisations=(organisation,))

    @hookimpl
    def list_items(self) -> Page[Item]:
        return Page(records=(), complete=True)

    @hookimpl
    def list_accounts(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:
        accounts = _accounts(ctx)
        start = int(cursor) if cursor and cursor.isdecimal() else 0
        end = start + limit
        return Page(records=accounts[start:end], next_cursor=str(end), has_more=end < len(accounts), complete=True)

    @hookimpl
    def post_journal(self, ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:
        known = ctx.storage.find(register.KIND, entry.token)
        if known is None:
            _check(ctx, entry)
        if known is None and step.kind is PostStep.POST:
            message = say(
                "{external_id} isn't in this register; look at what happened to it.", external_id=str(step.external_id)
            )
            raise Rejected(message, problems=(message,))
        return _result(register.written(ctx, entry), entry)

    @hookimpl
    def find_journal(self, ctx: BackendContext, entry: JournalEntry) -> Sequence[JournalResult]:
        known = ctx.storage.find(register.KIND, entry.token)
        return (_result(register.number_of(known), register.entry_of(known)),) if known else ()

    @hookimpl
    def list_balances(self, ctx: BackendContext, on: dt.date) -> Sequence[AccountBalance]:
        totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for record in register.records_of(ctx):
            entry = register.entry_of(record)
            for line in entry.lines if entry.date <= on else ():
                totals[line.account_id, line.account_code] += line.amount
        return tuple(
            AccountBalance(account_id=external_id, account_code=code, balance=total)
            for (external_id, code), total in totals.items()
        )

    @hookimpl
    def list_journals(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[BookedJournal]:
        start = int(cursor) if cursor and cursor.isdecimal() else 0
        found = ctx.storage.records(register.KIND, after=start, limit=limit)
        last = found[-1].sequence if found else start
        return Page(
            records=tuple(register.booked(record) for record in found),
            next_cursor=str(last),
            has_more=bool(ctx.storage.records(register.KIND, after=last, limit=1)),
            complete=True,
        )

    @hookimpl
    def export_register(self, ctx: BackendContext) -> bytes:
        return register.register_csv(ctx)

    @hookimpl
    def fetch_sales(self) -> Page[SalesDocument]:
        raise Unsupported("A journal register holds no sales; enter them by hand.")

    @hookimpl
    def sync_contacts(self) -> ContactSync:
        raise Unsupported("A journal register holds no contacts; enter them by hand.")


def _setting(ctx: BackendContext, name: str) -> str:
    value = ctx.settings.get(name)
    if isinstance(value, str) and value.strip():
        return value
    return next(setting.default for setting in SETTINGS if setting.name == name)


def _accounts(ctx: BackendContext) -> tuple[Account, ...]:
    return register.accounts_from(_setting(ctx, "accounts"))


def _check(ctx: BackendContext, entry: JournalEntry) -> None:
    kept_in = _setting(ctx, "currency")
    if kept_in and entry.currency != kept_in:
        message = say(
            "This register is kept in {kept_in}; {currency} can't be posted.", kept_in=kept_in, currency=entry.currency
        )
        raise Rejected(message, problems=(message,), fields=("currency",))
    known = {account.external_id for account in _accounts(ctx)}
    for position, line in enumerate(entry.lines):
        if line.account_id not in known:
            message = say(
                "The register has no account {account_code}; add it to the connection's accounts.",
                account_code=line.account_code,
            )
            raise Rejected(message, problems=(message,), fields=(f"lines[{position}].account_code",))


def _result(number: str, entry: JournalEntry) -> JournalResult:
    return JournalResult(external_id=number, status=JournalStatus.POSTED, posted_on=entry.date, lines=entry.lines)


plugin = CsvImport()
