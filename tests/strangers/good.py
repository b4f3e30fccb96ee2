"""A stranger's plugin, written from the documentation: it imports the plugin interface and no more."""

from __future__ import annotations

from collections.abc import Sequence

from partsemble_core.plugin_api import (
    Account,
    AccountClass,
    BackendContext,
    BackendInfo,
    Capabilities,
    ClosedPeriod,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    Contact,
    ContactSync,
    Item,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    Organisation,
    Page,
    Posting,
    Rejected,
    SalesDocument,
    Unsupported,
    entry_bytes,
    hookimpl,
)

ACCOUNTS = (
    Account(external_id="stock", code="1200", name="Stock", classification=AccountClass.ASSET),
    Account(external_id="cogs", code="5000", name="Cost of goods", classification=AccountClass.EXPENSE),
    Account(
        external_id="old",
        code="9999",
        name="Old",
        classification=AccountClass.ASSET,
        usable=False,
        why_not="It is closed; choose another account.",
    ),
)
BOOKS = Organisation(external_id="paper", name="Paper", base_currency="NZD")


class PaperLedger:
    """Keeps journals in the record store of its connection."""

    @hookimpl
    def describe_backend(self) -> BackendInfo:
        capabilities = Capabilities(
            posting=Posting.LOCAL,
            inventory_mode_reason="Paper holds amounts, no quantities.",
            closed_period=ClosedPeriod.IGNORES,
        )
        return BackendInfo(name="paper_ledger", title="Paper", version="1", capabilities=capabilities)

    @hookimpl
    def connect(self, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
        state = {
            ConnectStep.BEGIN: ConnectState.CHOOSE,
            ConnectStep.COMPLETE: ConnectState.CHOOSE,
            ConnectStep.DISCONNECT: ConnectState.DISCONNECTED,
        }.get(request.step, ConnectState.READY)
        return ConnectResult(state=state, organisations=() if state is ConnectState.DISCONNECTED else (BOOKS,))

    @hookimpl
    def list_accounts(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[Account]:
        start = int(cursor or "0")
        end = start + limit
        has_more = end < len(ACCOUNTS)
        return Page(records=ACCOUNTS[start:end], next_cursor=str(end), has_more=has_more, complete=True)

    @hookimpl
    def list_items(self, ctx: BackendContext) -> Page[Item]:
        return Page(records=(), complete=True)

    @hookimpl
    def post_journal(self, ctx: BackendContext, entry: JournalEntry, step: JournalStep) -> JournalResult:
        usable = {account.external_id for account in ACCOUNTS if account.usable}
        for position, line in enumerate(entry.lines):
            if line.account_id not in usable:
                message = f"The account {line.account_code} can't be used; choose another."
                raise Rejected(message, problems=(message,), fields=(f"lines[{position}].account_code",))
        ctx.storage.append("journal", entry.token, {"entry": entry_bytes(entry).decode()})
        return JournalResult(external_id=entry.token, status=JournalStatus.POSTED, posted_on=entry.date)

    @hookimpl
    def fetch_sales(self, ctx: BackendContext, cursor: str | None, limit: int) -> Page[SalesDocument]:
        raise Unsupported("Paper knows no sales.")

    @hookimpl
    def sync_contacts(self, ctx: BackendContext, push: Sequence[Contact]) -> ContactSync:
        raise Unsupported("Paper knows no contacts.")

    @hookimpl
    def find_journal(self, ctx: BackendContext, entry: JournalEntry) -> Sequence[JournalResult]:
        if ctx.storage.find("journal", entry.token) is None:
            return ()
        return (JournalResult(external_id=entry.token, status=JournalStatus.POSTED, posted_on=entry.date),)


plugin = PaperLedger()
