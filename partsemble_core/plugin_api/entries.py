"""A posting as frozen bytes, and the check that runs before any plugin sees it.

The bytes are made once, when the document is confirmed, and are never rebuilt: what is sent on the tenth
attempt is what was decided on the first.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from decimal import Decimal
from typing import Any

from partsemble_core.errors import Invalid, say
from partsemble_core.plugin_api.tracking import Tracking
from partsemble_core.plugin_api.types import Capabilities, JournalEntry, JournalLine

FORMAT = 1
MAX_AMOUNT = Decimal(10) ** 13
"""Exclusive. Far above any ledger's field, far below where an exact sum could lose digits."""
MAX_DESCRIPTION = 4000
MAX_DECIMALS = 6
_TOKEN = re.compile(r"[A-Za-z0-9-]{12}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_TYPES = {"decimals": int, "date": dt.date, "lines": tuple, "amount": Decimal, "tracking": tuple}
"""Of the fields that aren't text."""
_AMOUNT = re.compile(r"-?\d{1,40}(\.\d{1,40})?", re.ASCII)


def entry_bytes(entry: JournalEntry) -> bytes:
    """Canonical JSON in UTF-8: sorted keys, texts in NFC, amounts as text with the currency's decimals.

    Ids, codes and addresses stay as they are, for they are not ours. Equal entries give equal bytes. Raises
    Invalid for an amount that isn't finite or is absurdly long, and for text that is not Unicode.
    """
    lines = [
        {
            "account_id": line.account_id,
            "account_code": line.account_code,
            "amount": _amount_text(line.amount, decimals=entry.decimals, field=f"lines[{position}].amount"),
            "description": _nfc(line.description),
            **_tracking_body(line),
        }
        for position, line in enumerate(entry.lines)
    ]
    body = {item.name: getattr(entry, item.name) for item in fields(entry)}
    body |= {"format": FORMAT, "date": entry.date.isoformat(), "lines": lines}
    body |= {"narration": _nfc(entry.narration), "reference": _nfc(entry.reference)}
    try:
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "The entry holds half a character (a lone surrogate); remove it."
        raise Invalid("entry", message) from error


def _tracking_body(line: JournalLine) -> dict[str, list[dict[str, str]]]:
    """Left out where there is none: so lines without it have the bytes that they always had."""
    return {"tracking": [asdict(each) for each in line.tracking]} if line.tracking else {}


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def entry_from_bytes(content: bytes) -> JournalEntry:
    """The entry that ``entry_bytes`` froze. Raises Invalid where the bytes are not exactly such an entry."""
    try:
        body = json.loads(content)
        if not isinstance(body, dict) or body.pop("format", None) != FORMAT:
            raise ValueError(f"not an entry of format {FORMAT}")
        body["date"] = dt.date.fromisoformat(body["date"])
        body["lines"] = tuple(_line_from(line) for line in body["lines"])
        return JournalEntry(**_typed(body, JournalEntry))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = say("These bytes are not a frozen entry ({error}); look at how they were stored.", error=str(error))
        raise Invalid("entry", message) from error


def _line_from(body: dict[str, Any]) -> JournalLine:
    if not _AMOUNT.fullmatch(body["amount"]):
        raise ValueError("an amount is not a plain number")
    read = {**body, "amount": Decimal(body["amount"])}
    if "tracking" in body:
        read["tracking"] = tuple(_tracking_from(each) for each in body["tracking"])
    return JournalLine(**_typed(read, JournalLine))


def _tracking_from(body: object) -> Tracking:
    if not isinstance(body, dict):
        raise TypeError("tracking is not an object")
    return Tracking(**_typed(body, Tracking))


def _typed(body: Mapping[str, Any], kind: type[JournalEntry] | type[JournalLine] | type[Tracking]) -> dict[str, Any]:
    """``body`` if it has the fields of ``kind``, no unknown ones, and each a value of its type."""
    expected = {item.name: item for item in fields(kind)}
    missing = {name for name, item in expected.items() if item.default is MISSING} - body.keys()
    if missing or body.keys() - expected.keys():
        raise ValueError(f"fields {sorted(missing | (body.keys() - expected.keys()))}")
    for name, value in body.items():
        wanted = _TYPES.get(name, str)
        if type(value) is not wanted:
            raise ValueError(f"{name} is {type(value).__name__}")
    return dict(body)


def _amount_text(amount: Decimal, *, decimals: int, field: str) -> str:
    if not amount.is_finite() or amount.adjusted() > 30 or amount.as_tuple().exponent < -30:  # type: ignore[operator]
        raise Invalid(field, "An amount must be a plain number of sensible length.")
    whole, _, fraction = format(abs(amount), "f").partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    text = f"{whole}.{fraction}" if fraction else whole
    return f"-{text}" if amount < 0 else text


def check_entry(entry: JournalEntry, capabilities: Capabilities) -> None:
    """Refuses what no ledger should be asked: runs before every ``post_journal``.

    Raises Invalid; its field reads like ``lines[0].amount`` and the message ends with the cure.
    """
    _check_head(entry, capabilities)
    if len(entry.lines) < 2:
        raise Invalid("lines", "A journal needs at least two lines; add the other side.")
    for position, line in enumerate(entry.lines):
        _check_line(line, decimals=entry.decimals, where=f"lines[{position}]")
    debit = sum((line.amount for line in entry.lines if line.amount > 0), Decimal(0))
    credit = -sum((line.amount for line in entry.lines if line.amount < 0), Decimal(0))
    if debit != credit:
        message = say(
            "The journal doesn't balance: debits {debit:f}, credits {credit:f}; make both the same.",
            debit=debit,
            credit=credit,
        )
        raise Invalid("lines", message)


def _check_head(entry: JournalEntry, capabilities: Capabilities) -> None:
    if not _TOKEN.fullmatch(entry.token):
        raise Invalid("token", "The token must be 12 letters, digits or hyphens.")
    if type(entry.date) is not dt.date:
        raise Invalid("date", "The date must be a calendar day without a time.")
    if not _CURRENCY.fullmatch(entry.currency):
        raise Invalid("currency", "The currency must be three capital letters, such as NZD.")
    if type(entry.decimals) is not int or not 0 <= entry.decimals <= MAX_DECIMALS:
        raise Invalid(
            "decimals", say("The currency's decimals must be 0 to {max_decimals}.", max_decimals=MAX_DECIMALS)
        )
    if not entry.narration.strip():
        raise Invalid("narration", "The narration is empty; say what is posted.")
    if len(entry.narration) > capabilities.max_narration:
        raise Invalid(
            "narration",
            say(
                "The narration has {count} characters; shorten it to {max_narration}, which is what this "
                "backend keeps.",
                count=len(entry.narration),
                max_narration=capabilities.max_narration,
            ),
        )
    for name in ("narration", "reference", "source_url", "reverses"):
        _check_text(getattr(entry, name), where=name)


def _check_line(line: JournalLine, *, decimals: int, where: str) -> None:
    amount = line.amount
    if type(amount) is not Decimal or not amount.is_finite():
        raise Invalid(f"{where}.amount", "The amount must be a finite Decimal; NaN and infinity are not money.")
    if amount == 0:
        raise Invalid(f"{where}.amount", "The amount is zero; leave the line out.")
    if abs(amount) >= MAX_AMOUNT:
        raise Invalid(f"{where}.amount", "The amount has more than 13 digits before the point; check it.")
    if _decimals_of(amount) > decimals:
        raise Invalid(
            f"{where}.amount",
            say("The amount {amount} has too many decimals; round it to {decimals}.", amount=amount, decimals=decimals),
        )
    if not line.account_id.strip():
        raise Invalid(f"{where}.account_id", "The line names no account; choose one in the account settings.")
    if not line.account_code.strip():
        raise Invalid(f"{where}.account_code", "The account has no code; give it one in the books.")
    if len(line.description) > MAX_DESCRIPTION:
        raise Invalid(
            f"{where}.description",
            say("The description is too long; keep it to {max_description}.", max_description=MAX_DESCRIPTION),
        )
    for name in ("account_id", "account_code", "description"):
        _check_text(getattr(line, name), where=f"{where}.{name}")
    _check_tracking(line.tracking, where=f"{where}.tracking")


def _check_tracking(tracking: tuple[Tracking, ...], *, where: str) -> None:
    if len({each.category_id for each in tracking}) != len(tracking):
        raise Invalid(where, "A line carries one option of a tracking category at most; take one away.")
    for each in tracking:
        if not each.category_id.strip() or not each.option_id.strip():
            raise Invalid(where, "A tracking option has no id; read the tracking categories again.")
        for text in (each.category_id, each.category, each.option_id, each.option):
            _check_text(text, where=where)


def _decimals_of(amount: Decimal) -> int:
    """Decimals that matter: 1.500 has one. Reads digits, because ``normalize`` would round to 28 of them."""
    _, digits, exponent = amount.as_tuple()
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -(int(exponent) + trailing))


def _check_text(text: str, *, where: str) -> None:
    """Control characters and lone surrogates break one database, wire format or CSV reader or another."""
    for letter in text:
        if unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\t\n":
            raise Invalid(where, say("The text holds the control character U+{code:04X}; remove it.", code=ord(letter)))
