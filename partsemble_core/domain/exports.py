"""How one posting gets to the books: its states, and what may be done next. Pure; the protocol's only brain."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass

from partsemble_core.errors import say, word


class ExportState(enum.StrEnum):
    """held → pending → creating → created → posting → posted; unknown is looked up, review waits for a person."""

    HELD = "held"
    PENDING = "pending"
    CREATING = "creating"
    CREATED = "created"
    POSTING = "posting"
    POSTED = "posted"
    UNKNOWN = "unknown"
    REVIEW = "review"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class ExportMode(enum.StrEnum):
    """Whether a kind of document is posted at once, or held until a person posts it."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


WORKABLE = (
    ExportState.PENDING,
    ExportState.CREATING,
    ExportState.CREATED,
    ExportState.POSTING,
    ExportState.UNKNOWN,
)


LONGEST_REST = 6 * 3600
MOST_UNKNOWNS = 12
"""Unknown outcomes of one export after which a person is asked, and again after as many more."""
BREAKER_AT = 5
"""Calls of a connection in a row without a clear answer that open its breaker."""
SHORTEST_BREAK = 30
LONGEST_BREAK = 15 * 60


class Doubt(enum.StrEnum):
    """What an unknown outcome is about."""

    NONE = ""
    CREATING = "creating"
    POSTING = "posting"


class StepKind(enum.StrEnum):
    """One call to the books; what an attempt row is written for."""

    CREATE = "create"
    LOOK_UP = "look_up"
    POST = "post"


def next_step(state: ExportState, doubt: Doubt, *, may_repeat: bool) -> StepKind | None:
    """What a worker that holds the export does now; None when there is nothing left to do.

    A row found creating or posting belongs to a worker that died, so it is in doubt: never sent again blindly. Only
    where the backend answers the same key the same way (``may_repeat``) is creating repeated instead of looked up.
    """
    if state == ExportState.PENDING:
        return StepKind.CREATE
    if state == ExportState.CREATED:
        return StepKind.POST
    if state == ExportState.CREATING or (state == ExportState.UNKNOWN and doubt == Doubt.CREATING):
        return StepKind.CREATE if may_repeat else StepKind.LOOK_UP
    if state in (ExportState.POSTING, ExportState.UNKNOWN):
        return StepKind.LOOK_UP
    return None


def rest_after(unknowns: int, *, quarantine_seconds: int) -> dt.timedelta:
    """How long an export rests after its ``unknowns``-th unknown outcome: the quarantine, then twice that, at most 6 h.

    The quarantine is for requests still on their way; the doubling spares books that have been ill for hours.
    """
    seconds = quarantine_seconds * 2 ** min(max(unknowns - 1, 0), 20)
    return dt.timedelta(seconds=max(quarantine_seconds, min(seconds, LONGEST_REST)))


def needs_a_person(unknowns: int) -> bool:
    """Whether the ``unknowns``-th unknown outcome ends the tries: every twelfth, so a person's word buys as many."""
    return unknowns > 0 and unknowns % MOST_UNKNOWNS == 0


def is_breaker_shut(troubles: int) -> bool:
    """Whether all may be sent. If not, one export at a time tries the way once the break is over."""
    return troubles < BREAKER_AT


def break_after(troubles: int, *, luck: int) -> dt.timedelta | None:
    """How long a connection's exports rest after its ``troubles``-th call in a row without a clear answer.

    None before the fifth; then half a minute, doubling up to a quarter of an hour. ``luck`` (0 to 100) takes off
    up to half of it, so that connections that broke together don't come back together.
    """
    if is_breaker_shut(troubles):
        return None
    seconds = min(SHORTEST_BREAK * 2 ** min(troubles - BREAKER_AT, 20), LONGEST_BREAK)
    return dt.timedelta(seconds=seconds) * (200 - luck) // 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A journal of ours as found in the books: ``status`` is draft, posted, voided or deleted."""

    external_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look-up decided. ``orphans`` are drafts of ours that lost: never in the ledger, to be deleted."""

    state: ExportState
    external_id: str | None = None
    orphans: tuple[str, ...] = ()
    problem: str = ""


def judge(found: Sequence[Found], *, stored_id: str | None) -> Verdict:
    """Decides after doubt. Only one id is ever posted: the stored one, else a posted one, else the smallest draft."""
    posted = _ids(found, "posted")
    drafts = _ids(found, "draft")
    voided = _ids(found, "voided")
    if len(posted) > 1:
        return Verdict(
            state=ExportState.REVIEW,
            problem=say(
                "The books hold {count} posted journals of this document: {posted}. Void the extra.",
                count=len(posted),
                posted=", ".join(posted),
            ),
        )
    if posted and stored_id not in (None, posted[0]):
        return Verdict(
            state=ExportState.REVIEW,
            problem=say(
                "Journal {posted} of this document was posted by hand; ours is {stored_id}. Void one of them.",
                posted=posted[0],
                stored_id=stored_id,
            ),
        )
    if posted:
        return Verdict(state=ExportState.POSTED, external_id=posted[0], orphans=tuple(drafts))
    if stored_id is not None:
        return _judge_stored(found, stored_id, drafts)
    if drafts:
        return Verdict(state=ExportState.CREATED, external_id=drafts[0], orphans=tuple(drafts[1:]))
    if voided:  # somebody posted it and took it back: posting it anew would undo that
        return Verdict(
            state=ExportState.REVIEW,
            problem=say(
                "Journal {voided} of this document was voided in the books. Cancel this export and reverse here.",
                voided=voided[0],
            ),
        )
    return Verdict(state=ExportState.PENDING)


def _ids(found: Sequence[Found], status: str) -> list[str]:
    """Each once: a look-up by two ways finds the same journal twice."""
    return sorted({f.external_id for f in found if f.status == status})


def _judge_stored(found: Sequence[Found], stored_id: str, drafts: Sequence[str]) -> Verdict:
    status = next((f.status for f in found if f.external_id == stored_id), "missing")
    if status == "draft":
        return Verdict(
            state=ExportState.CREATED,
            external_id=stored_id,
            orphans=tuple(d for d in drafts if d != stored_id),
        )
    return Verdict(
        state=ExportState.REVIEW,
        external_id=stored_id,
        problem=say(
            "Journal {stored_id} is {status} in the books. Post it anew (Post with other accounts), leave it "
            "out, or cancel it together with its document.",
            stored_id=stored_id,
            status=word(status),
        ),
    )
