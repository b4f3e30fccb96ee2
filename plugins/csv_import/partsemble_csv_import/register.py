"""The journal register: books in a file, for who keeps them elsewhere or nowhere yet."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator

from partsemble_core.plugin_api import (
    Account,
    AccountClass,
    BackendContext,
    BookedJournal,
    JournalEntry,
    JournalStatus,
    Record,
    Rejected,
    entry_bytes,
    entry_from_bytes,
    say,
)

KIND = "journal"
COLUMNS = ("Number", "Date", "Reference", "Narration", "Account", "Description", "Debit", "Credit", "Token")
DEFAULT_ACCOUNTS = """\
1300 Inventory
1310 Finished goods
2100 Goods received, not invoiced
4000 Sales
5000 Cost of goods sold
5100 Stock write-offs
5200 Applied labour and overhead
5900 Rounding"""
_ACCOUNT = re.compile(r"(\S{1,20})\s+(\S.{0,149})")
_CLASSES = {
    "1": AccountClass.ASSET,
    "2": AccountClass.LIABILITY,
    "3": AccountClass.EQUITY,
    "4": AccountClass.REVENUE,
}
_FORMULA_STARTS = frozenset("=+-@\t\r\n\x00")
_PAGE = 500


def accounts_from(text: str) -> tuple[Account, ...]:
    """The chart of accounts: one ``code name`` a line; the code's first digit tells the class.

    Raises Rejected naming the line that isn't one.
    """
    accounts: dict[str, Account] = {}
    for number, line in enumerate(text.strip().splitlines(), start=1):
        if not line.strip():
            continue
        match = _ACCOUNT.fullmatch(line.strip())
        if match is None or match[1] in accounts:
            message = say(
                "Line {number} of the accounts is not a code and a name; write one account a line, such as 5000 Cost "
                "of sales.",
                number=number,
            )
            if match:
                message = say(
                    "Line {number} of the accounts repeats a code; write one account a line, such as 5000 Cost of "
                    "sales.",
                    number=number,
                )
            raise Rejected(message, problems=(message,), fields=("accounts",))
        accounts[match[1]] = Account(
            external_id=match[1],
            code=match[1],
            name=match[2],
            classification=_CLASSES.get(match[1][0], AccountClass.EXPENSE),
        )
    return tuple(accounts.values())


def written(ctx: BackendContext, entry: JournalEntry) -> str:
    """Writes the entry once, for ever, and gives its number. Other content under its token raises KeyReused."""
    record = ctx.storage.append(KIND, entry.token, {"entry": entry_bytes(entry).decode()})
    return number_of(record)


def number_of(record: Record) -> str:
    """J-000001, J-000002 … in the order of writing."""
    return f"J-{record.sequence:06d}"


def entry_of(record: Record) -> JournalEntry:
    """The entry in a record of the register."""
    return entry_from_bytes(str(record.body["entry"]).encode())


def booked(record: Record) -> BookedJournal:
    """A record of the register as a journal of the books."""
    entry = entry_of(record)
    return BookedJournal(
        external_id=number_of(record),
        status=JournalStatus.POSTED,
        date=entry.date,
        narration=entry.narration,
        token=entry.token,
        lines=entry.lines,
    )


def records_of(ctx: BackendContext) -> Iterator[Record]:
    """All of the register, in order."""
    after = 0
    while page := ctx.storage.records(KIND, after=after, limit=_PAGE):
        yield from page
        after = page[-1].sequence


def register_csv(ctx: BackendContext) -> bytes:
    """The register as CSV (RFC 4180, UTF-8): a row for each journal line, ``COLUMNS`` across.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay numbers.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in records_of(ctx):
        entry = entry_of(record)
        for line in entry.lines:
            amount = f"{abs(line.amount):.{entry.decimals}f}"
            writer.writerow(
                (
                    number_of(record),
                    entry.date.isoformat(),
                    safe_text(entry.reference),
                    safe_text(entry.narration),
                    safe_text(line.account_code),
                    safe_text(line.description),
                    amount if line.amount > 0 else "",
                    amount if line.amount < 0 else "",
                    safe_text(entry.token),
                )
            )
    return file.getvalue().encode()


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula, full-width signs included (OWASP ASVS 5.0, 1.2.10)."""
    start = unicodedata.normalize("NFKC", text[:1])[:1]
    return f"'{text}" if start in _FORMULA_STARTS else text
