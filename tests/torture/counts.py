"""The counts that must hold when all has come to rest, taken from the sandbox's own books."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from partsemble_core.domain.exports import ExportState
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.services.comparing import compare_with_books
from partsemble_core.services.janitor import tidy_round
from partsemble_core.store.exports import Export
from tests.faults.xero_stage import ORGANISATION, XeroStage

Journal = Mapping[str, Any]


def broken_counts(stage: XeroStage, exports: Sequence[Export]) -> list[str]:
    """C1 to C8 and C10, as far as they don't hold; empty when all is well."""
    stage.age_attempts()
    for _ in range(5):
        tidy_round(stage.house)
    journals: list[Journal] = stage.journals()
    laws: tuple[Callable[[XeroStage, Sequence[Export], list[Journal]], list[str]], ...] = (
        c1_each_done_row_has_its_journal,
        c2_no_other_journal_is_posted,
        c3_no_draft_is_left,
        c4_no_attempt_is_left_in_the_dark,
        c5_the_amounts_are_ours,
        c7_nobody_holds_a_lease,
        c8_all_ended,
        c10_nothing_is_posted_without_an_attempt,
        doctor_agrees,
    )
    return [f"{law.__name__}: {words}" for law in laws for words in law(stage, exports, journals)]


def c1_each_done_row_has_its_journal(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    broken = []
    for export in exports:
        found = [each["journal_id"] for each in books if export.token in each["narration"] and is_posted(each)]
        wanted = [export.external_id] if export.state == ExportState.POSTED else []
        if found != wanted:
            broken.append(f"{export.reference} is {export.state} as {export.external_id}, the books hold {found}")
    return broken


def c2_no_other_journal_is_posted(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    done = sorted(str(each.external_id) for each in exports if each.state == ExportState.POSTED)
    posted = sorted(each["journal_id"] for each in books if is_posted(each))
    doubled = [
        f"{document} has {number} journals"
        for document, number in Counter(
            (each.document_kind, each.document_id) for each in exports if each.state == ExportState.POSTED
        ).items()
        if number > 1
    ]
    return doubled + ([] if done == posted else [f"{len(posted)} are posted, {len(done)} of them by us"])


def c3_no_draft_is_left(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    return [f"{each['journal_id']} {each['narration']}" for each in books if each["status"] == "DRAFT"]


def c4_no_attempt_is_left_in_the_dark(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    """A killed worker's attempt has no outcome for ever; a look-up after it says what became of it."""
    broken = []
    for export in exports:
        dark = False
        for attempt in stage.attempts(export.id):
            is_open = attempt.outcome in (None, "unknown") and attempt.step != "look_up"
            dark = is_open or (dark and not (attempt.step == "look_up" and attempt.outcome == "ok"))
        if dark and export.state == ExportState.POSTED:
            broken.append(f"{export.reference}: nobody looked after the last attempt")
    return broken


def c5_the_amounts_are_ours(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    broken = [f"{each['journal_id']} isn't balanced" for each in books if each["total_debit"] != each["total_credit"]]
    ours: defaultdict[str, Decimal] = defaultdict(Decimal)
    for export in exports:
        if export.state == ExportState.POSTED:
            for line in entry_from_bytes(export.body).lines:
                ours[line.account_code] += line.amount
    for code, amount in ours.items():
        theirs = Decimal(stage.sandbox.balance(ORGANISATION, code=code))
        if theirs != amount:
            broken.append(f"account {code} holds {theirs}, posted were {amount}")
    return broken


def c7_nobody_holds_a_lease(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    now = dt.datetime.now(dt.UTC)
    return [each.reference for each in exports if each.lease_until is not None and each.lease_until > now]


def c8_all_ended(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    """None was left behind by others."""
    at_rest = (ExportState.POSTED, ExportState.SKIPPED, ExportState.CANCELLED)
    return [f"{each.reference} is {each.state}" for each in exports if each.state not in at_rest]


def c10_nothing_is_posted_without_an_attempt(
    stage: XeroStage, exports: Sequence[Export], books: list[Journal]
) -> list[str]:
    """The attempts are the log of an export: what made it posted stands there, with the id."""
    return [
        export.reference
        for export in exports
        if export.state == ExportState.POSTED
        and not any(
            each.outcome == "ok" and each.external_id == export.external_id for each in stage.attempts(export.id)
        )
    ]


def doctor_agrees(stage: XeroStage, exports: Sequence[Export], books: list[Journal]) -> list[str]:
    """And so does what the product says itself when it compares. Where it waits for Xero's next minute, time passes."""
    found = compare_with_books(stage.house, stage.company_id, wait=lambda seconds: stage.age())
    return [each.message for each in found]


def is_posted(journal: Journal) -> bool:
    return bool(journal["status"] == "POSTED")


def call_rate(stage: XeroStage) -> int:
    """C6, told and not judged: the most calls that came to the books within 60 s."""
    times = sorted(
        dt.datetime.fromisoformat(each["machine_at"])
        for each in stage.sandbox.requests()
        if each["path"].startswith("/api.xro/")
    )
    minute = dt.timedelta(seconds=60)
    return max((sum(1 for each in times if first <= each < first + minute) for first in times[::20]), default=0)
