"""Pure mapping between an entry and Xero's manual journal."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import urllib.parse
from collections.abc import Mapping, Sequence
from decimal import Decimal

from partsemble_core.plugin_api import (
    JournalEntry,
    JournalLine,
    JournalResult,
    JournalStatus,
    JsonBody,
    Rejected,
    say,
    word,
)
from partsemble_xero.client import text_of
from partsemble_xero.tracking import tracking_body, tracking_difference
from partsemble_xero.wire import calendar_date, decimal_of

MAX_NARRATION = 250
"""Xero publishes no maximum for journals; this is what is known to fit."""
MAX_DESCRIPTION = 4000
TOKEN_ROOM = 15
"""A blank, two brackets and the token of 12."""
CENT = Decimal("0.01")
NO_ID = "00000000-0000-0000-0000-000000000000"
STATUSES = {
    "DRAFT": JournalStatus.DRAFT,
    "POSTED": JournalStatus.POSTED,
    "DELETED": JournalStatus.DELETED,
    "VOIDED": JournalStatus.VOIDED,
    "ARCHIVED": JournalStatus.VOIDED,  # only people archive; like a void it is theirs to explain
}
_PLAIN = str.maketrans(
    {"“": "'", "”": "'", '"': "'", "‘": "'", "’": "'", "\\": "/", "–": "-", "—": "-", "×": "x", "µ": "u", "Ω": "Ohm"}
    | {"ß": "ss", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "Æ": "AE", "æ": "ae", "€": "EUR", "£": "GBP", "…": "..."}
)
_CODE = re.compile(r"[Aa]ccount code '([^']*)'")


def journal_body(entry: JournalEntry, *, status: str, external_id: str = "") -> dict[str, JsonBody]:
    """The request for one journal."""
    return {"ManualJournals": [journal_element(entry, status=status, external_id=external_id)]}


def journal_element(entry: JournalEntry, *, status: str, external_id: str = "") -> dict[str, JsonBody]:
    """The whole journal as Xero wants it, a function of the entry alone: every attempt sends the same text.

    Raises Rejected where an amount has more than two decimals, which Xero's manual journals can't hold.
    """
    lines = [_line_body(line, position) for position, line in enumerate(entry.lines)]
    body: dict[str, JsonBody] = {
        "Narration": wire_narration(entry),
        "Date": entry.date.isoformat(),
        "Status": status,
        "LineAmountTypes": "NoTax",
        "JournalLines": lines,
    }
    if is_linkable(entry.source_url):
        body["Url"] = entry.source_url
    if external_id:
        body["ManualJournalID"] = external_id
    return body


def _line_body(line: JournalLine, position: int) -> dict[str, JsonBody]:
    amount = line.amount.quantize(CENT)
    if amount != line.amount:
        message = say("Xero's journals hold two decimals; {amount} can't be posted.", amount=line.amount)
        raise Rejected(message, problems=(message,), fields=(f"lines[{position}].amount",))
    body: dict[str, JsonBody] = {
        "LineAmount": amount,
        "AccountCode": line.account_code,
        "TaxType": "NONE",  # else the account's default tax could unbalance the journal
        "Description": line.description[:MAX_DESCRIPTION],
    }
    return {**body, "Tracking": tracking_body(line.tracking)} if line.tracking else body


def wire_narration(entry: JournalEntry) -> str:
    """``<reference> <narration> [<token>]``: plain ASCII on one line, so that Xero's exact filter finds it again.

    No quotation mark or backslash may be in it, for the filter has no known way to escape them.
    """
    text = entry.narration if entry.reference in entry.narration else f"{entry.reference} {entry.narration}"
    spread = unicodedata.normalize("NFKD", text.translate(_PLAIN)).translate(_PLAIN)
    bare = "".join(letter for letter in spread if not unicodedata.combining(letter))
    ascii_only = "".join(letter if " " <= letter <= "~" else " " if letter.isspace() else "?" for letter in bare)
    words = " ".join(ascii_only.split())
    return f"{words[: MAX_NARRATION - TOKEN_ROOM].rstrip()} [{entry.token}]"


def is_linkable(url: str) -> bool:
    """Whether Xero takes this address: absolute, http or https, and without Xero's own name in it."""
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "xero" not in url.lower()


def holds_token(row: Mapping[str, object], entry: JournalEntry) -> bool:
    """Whether a journal's narration carries our token, even where a person changed the rest."""
    return f"[{entry.token}]" in text_of(row, "Narration")


def result_from(row: Mapping[str, object]) -> JournalResult | None:
    """A journal of theirs as a result; None where it has no id or no status we know."""
    external_id = text_of(row, "ManualJournalID")
    status = STATUSES.get(text_of(row, "Status"))
    if not external_id or external_id == NO_ID or status is None:
        return None
    return JournalResult(
        external_id=external_id,
        status=status,
        posted_on=calendar_date(text_of(row, "Date")) if status is JournalStatus.POSTED else None,
        notices=warnings_in(row),
        lines=lines_in(row),
    )


def lines_in(row: Mapping[str, object]) -> tuple[JournalLine, ...] | None:
    """The lines of a journal of theirs; None where they aren't all there to be read."""
    found = row.get("JournalLines")
    if not isinstance(found, list) or not found:
        return None
    lines = [_line_in(line) for line in found]
    return tuple(line for line in lines if line is not None) if None not in lines else None


def _line_in(line: object) -> JournalLine | None:
    amount = decimal_of(line, "LineAmount") if isinstance(line, dict) else None
    if not isinstance(line, dict) or amount is None:
        return None
    return JournalLine(
        account_id=text_of(line, "AccountID"),
        account_code=text_of(line, "AccountCode"),
        amount=amount,
        description=text_of(line, "Description"),
    )


def warnings_in(row: Mapping[str, object]) -> tuple[str, ...]:
    """Xero's warnings on an element."""
    warnings = row.get("Warnings")
    if not isinstance(warnings, list):
        return ()
    return tuple(text_of(warning, "Message") for warning in warnings if isinstance(warning, dict))


def difference(row: Mapping[str, object], entry: JournalEntry) -> str:
    """What a journal of theirs has other than our entry, in words; empty where both agree.

    The account is compared by id too: a code may have been given to another account meanwhile.
    """
    if calendar_date(text_of(row, "Date")) not in {None, entry.date}:
        return say(
            "the date is {found}, not {wanted}", found=str(calendar_date(text_of(row, "Date"))), wanted=entry.date
        )
    rows = row.get("JournalLines")
    lines: Sequence[object] = rows if isinstance(rows, list) else ()
    if len(lines) != len(entry.lines):
        return say("it has {count} lines, not {wanted}", count=len(lines), wanted=len(entry.lines))
    for position, (theirs, ours) in enumerate(zip(lines, entry.lines, strict=True), start=1):
        found = _line_difference(theirs, ours)
        if found:
            return say("line {position}: {found}", position=position, found=word(found))
    return ""


def _line_difference(theirs: object, ours: JournalLine) -> str:
    if not isinstance(theirs, dict):
        return "it is unreadable"
    amount = decimal_of(theirs, "LineAmount")
    if amount != ours.amount:
        return say("the amount is {amount}, not {wanted}", amount=str(amount), wanted=ours.amount)
    code, account_id = text_of(theirs, "AccountCode"), text_of(theirs, "AccountID")
    if code and code != ours.account_code:
        return say("the account is {code}, not {wanted}", code=code, wanted=ours.account_code)
    if account_id and account_id != ours.account_id:
        return say(
            "the code {wanted} belongs to another account now; read the accounts again",
            wanted=ours.account_code,
        )
    return tracking_difference(theirs, ours.tracking)


def fields_of(problems: Sequence[str], entry: JournalEntry) -> tuple[str, ...]:
    """Which lines a refusal is about, by the account codes that it names."""
    codes = {code for problem in problems for code in _CODE.findall(problem)}
    return tuple(
        f"lines[{position}].account_code" for position, line in enumerate(entry.lines) if line.account_code in codes
    )


def since_text(moment: dt.datetime) -> str:
    """``If-Modified-Since`` as Xero wants it: ISO in UTC without a zone, not the HTTP format."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
