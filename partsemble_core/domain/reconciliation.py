"""Why the books hold another amount for stock than the stock ledger: lines that add up to the difference. Pure.

For each document three amounts are compared: what it moved in stock up to a day, what we posted for it on the accounts
of stock up to that day, and what the books hold of that posting. Then come journals that aren't ours. What no line
explains is the remainder.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from partsemble_core.domain.amounts import add
from partsemble_core.domain.exports import ExportState

NOTHING = Decimal(0)
DocumentKey = tuple[str, int]


class Reason(enum.StrEnum):
    """Why an amount stands on one side only."""

    WAITING = "waiting"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    LEFT_OUT = "left_out"
    CANCELLED = "cancelled"
    NOT_EXPORTED = "not_exported"
    OTHER_BOOKS = "other_books"
    IN_REVIEW = "in_review"
    OTHER_DAY = "other_day"
    WITHIN_STOCK = "within_stock"
    ROUNDING = "rounding"
    EDITED = "edited"
    MOVED = "moved"
    VOIDED = "voided"
    MISSING = "missing"
    DOUBLE = "double"
    THERE_ALREADY = "there_already"
    FOREIGN = "foreign"


TITLES: Mapping[Reason, str] = {
    Reason.WAITING: "Not posted yet",
    Reason.IN_DOUBT: "Checking in the books",
    Reason.FAILED: "Refused by the books",
    Reason.LEFT_OUT: "Left out of the books",
    Reason.CANCELLED: "Posting cancelled",
    Reason.NOT_EXPORTED: "Recorded while no books were connected",
    Reason.OTHER_BOOKS: "Posted to other books",
    Reason.IN_REVIEW: "Builds in review",
    Reason.OTHER_DAY: "Posted with another date",
    Reason.WITHIN_STOCK: "Costs credited to an account of stock",
    Reason.ROUNDING: "Rounding",
    Reason.EDITED: "Changed in the books",
    Reason.MOVED: "Date changed in the books",
    Reason.VOIDED: "Voided in the books",
    Reason.MISSING: "Deleted from the books",
    Reason.DOUBLE: "Twice in the books",
    Reason.THERE_ALREADY: "In the books, not known as posted here",
    Reason.FOREIGN: "Journals of others",
}
WHY_UNPOSTED: Mapping[ExportState, Reason] = {
    ExportState.HELD: Reason.WAITING,
    ExportState.PENDING: Reason.WAITING,
    ExportState.CREATING: Reason.WAITING,
    ExportState.CREATED: Reason.WAITING,
    ExportState.POSTING: Reason.WAITING,
    ExportState.UNKNOWN: Reason.IN_DOUBT,
    ExportState.REVIEW: Reason.FAILED,
    ExportState.SKIPPED: Reason.LEFT_OUT,
    ExportState.CANCELLED: Reason.CANCELLED,
}


class Verdict(enum.StrEnum):
    """agrees: in sum, but for recorded rounding. differs: explained or not. unknown: the books couldn't be asked."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """An export as reconciling sees it. ``is_here``: it went to the books that are asked.

    ``by_account`` holds its amounts on accounts of stock; ``leaves_stock``: another of its lines is on none of them.
    ``is_nothing``: left out for want of a line to post.
    """

    export_id: int
    state: ExportState
    date: dt.date
    token: str
    external_id: str | None = None
    is_here: bool = True
    by_account: Mapping[str, Decimal] = field(default_factory=dict)
    leaves_stock: bool = True
    is_nothing: bool = False
    problem: str = ""

    @property
    def on_stock(self) -> Decimal:
        return add(list(self.by_account.values()))

    @property
    def is_posted(self) -> bool:
        return self.is_here and self.state == ExportState.POSTED

    def counts(self, day: dt.date) -> bool:
        """Whether we count it into the books at the end of ``day``."""
        return self.is_posted and self.date <= day


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a document moved in stock: ``moved`` by the day, ``moves`` in all. A reversal's ``root`` is its original.

    ``trued``: what a true-up takes off the rounding, whatever its accounts stand for since. None for all others.
    """

    key: DocumentKey
    reference: str
    root: DocumentKey
    moved: Decimal = NOTHING
    moves: Decimal = NOTHING
    postings: tuple[Posting, ...] = ()
    is_in_review: bool = False
    trued: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A posted journal in the books, or one of ours in any state; ``by_account`` None: its lines can't be read."""

    external_id: str
    is_posted: bool
    date: dt.date
    token: str = ""
    narration: str = ""
    by_account: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A part of the difference: above zero the books hold more than stock, below zero less."""

    reason: Reason
    amount: Decimal
    reference: str
    key: DocumentKey | None = None
    external_id: str = ""
    export_id: int | None = None
    words: str = ""


def explain_ours(documents: Sequence[Document], day: dt.date, *, least: Decimal) -> list[Line]:
    """Posted minus stock, document by document; ``least`` is the currency's smallest amount.

    A document and its reversal that cancel out for the same reason aren't shown.
    """
    reasons = {document.key: _why_unposted(document, least=least) for document in documents}
    found: defaultdict[tuple[DocumentKey, Reason], list[Line]] = defaultdict(list)
    for document in documents:
        for line in _lines_of(document, day, reasons=reasons, least=least):
            found[document.root, line.reason].append(line)
    return [line for lines in found.values() if add([each.amount for each in lines]) for line in lines]


def _lines_of(document: Document, day: dt.date, *, reasons: Mapping[DocumentKey, Reason], least: Decimal) -> list[Line]:
    counted = [posting for posting in document.postings if posting.counts(day)]
    if not counted:
        reason = reasons[document.key]
        root = reasons.get(document.root, reason)
        if reason == Reason.NOT_EXPORTED or (reason, root) == (Reason.LEFT_OUT, Reason.CANCELLED):
            reason = root  # a reversal follows its original, which was called off by it
        return _kept([_line(document, reason, -document.moved)])
    posted = add([posting.on_stock for posting in counted])
    if document.trued is not None:
        within = _line(document, Reason.WITHIN_STOCK, add([posted, -document.trued]))
        return _kept([_line(document, Reason.ROUNDING, document.trued), within])
    exact = document.moves if any(posting.leaves_stock for posting in counted) else NOTHING
    rounding, rest = add([posted, -exact]), []
    if abs(rounding) >= 2 * least:  # a share of a rounded sum
        rest, rounding = [_line(document, Reason.WITHIN_STOCK, rounding)], NOTHING
    return _kept(
        [
            _line(document, Reason.ROUNDING, rounding),
            *rest,
            _line(document, Reason.WITHIN_STOCK, add([exact, -document.moves])),
            _line(document, Reason.OTHER_DAY, add([document.moves, -document.moved])),
        ]
    )


def _kept(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.amount]


def _line(document: Document, reason: Reason, amount: Decimal) -> Line:
    last = document.postings[-1] if document.postings else None
    return Line(
        reason=reason,
        amount=amount,
        reference=document.reference,
        key=document.key,
        external_id=(last.external_id or "") if last else "",
        export_id=last.export_id if last else None,
        words=last.problem if last else "",
    )


def _why_unposted(document: Document, *, least: Decimal) -> Reason:
    """Why nothing of it is counted, if nothing is."""
    if any(posting.is_posted for posting in document.postings):
        return Reason.OTHER_DAY
    if all(posting.is_here and posting.is_nothing for posting in document.postings):
        if document.is_in_review or not document.moves:  # parts went, and what came of them came later
            return Reason.IN_REVIEW
        if not document.postings:
            return Reason.NOT_EXPORTED
        if abs(document.moves) <= least / 2:  # it rounds to nothing
            return Reason.ROUNDING
    last = document.postings[-1]
    return Reason.OTHER_BOOKS if last.state == ExportState.POSTED else WHY_UNPOSTED[last.state]


def explain_theirs(documents: Sequence[Document], journals: Sequence[Booked], day: dt.date) -> list[Line]:
    """What the books hold minus what we posted, journal by journal."""
    ours: defaultdict[str, list[Booked]] = defaultdict(list)
    ids = {p.external_id: p.token for d in documents for p in d.postings if p.is_here and p.external_id}
    tokens = {p.token for d in documents for p in d.postings if p.is_here}
    lines: list[Line] = []
    for journal in journals:
        token = ids.get(journal.external_id) or journal.token
        if token in tokens:
            ours[token].append(journal)
        else:
            lines.append(_foreign(journal, day))
    for document in documents:
        for posting in document.postings:
            if posting.is_here:
                lines += _compared(document, posting, ours[posting.token], day)
    return _kept(lines)


def _foreign(journal: Booked, day: dt.date) -> Line:
    return Line(
        reason=Reason.FOREIGN,
        amount=_held(journal, day),
        reference=journal.date.isoformat(),
        external_id=journal.external_id,
        words=journal.narration,
    )


def _held(journal: Booked, day: dt.date) -> Decimal:
    """What it puts on the accounts of stock by ``day``."""
    if not journal.is_posted or journal.date > day or journal.by_account is None:
        return NOTHING
    return add(list(journal.by_account.values()))


def _compared(document: Document, posting: Posting, found: Sequence[Booked], day: dt.date) -> list[Line]:
    """One posting of ours against every journal that carries its token or id."""

    def line(reason: Reason, amount: Decimal, journal: Booked | None = None) -> Line:
        shown = journal.external_id if journal else posting.external_id or ""
        return Line(
            reason=reason,
            amount=amount,
            reference=document.reference,
            key=document.key,
            external_id=shown,
            export_id=posting.export_id,
        )

    if not posting.is_posted:
        return [line(Reason.THERE_ALREADY, _held(journal, day), journal) for journal in found]
    main = next((journal for journal in found if journal.external_id == posting.external_id), None)
    is_there = main is not None and main.is_posted
    others = Reason.DOUBLE if is_there else Reason.FOREIGN  # a copy of what was voided stands in for it
    lines = [line(others, _held(journal, day), journal) for journal in found if journal is not main]
    ours = posting.on_stock if posting.date <= day else NOTHING
    if main is None or not main.is_posted:
        return [*lines, line(Reason.MISSING if main is None else Reason.VOIDED, -ours)]
    moved = posting.on_stock if main.date <= day else NOTHING
    theirs = moved if main.by_account is None else _held(main, day)
    return [
        *lines,
        line(Reason.MOVED, add([moved, -ours])),
        line(Reason.EDITED, add([theirs, -moved])),
    ]


def judge(lines: Sequence[Line], difference: Decimal) -> Verdict:
    """They agree when the sums do, but for rounding: what cancels out is nobody's difference."""
    return Verdict.AGREES if difference in (NOTHING, rounding_in(lines)) else Verdict.DIFFERS


def rounding_in(lines: Iterable[Line]) -> Decimal:
    return add([line.amount for line in lines if line.reason == Reason.ROUNDING])


def unexplained(difference: Decimal, remainder: Decimal) -> Decimal:
    """How much of the ``difference`` nothing explains: the part of the remainder that no line cancels."""
    if difference * remainder <= 0:
        return NOTHING
    return min(remainder, difference) if remainder > 0 else max(remainder, difference)
