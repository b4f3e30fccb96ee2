"""Batching: many exports of one connection in one call, drafts first, each settled by itself.

The protocol is that of `posting`: an attempt for each is committed before the call leaves, under a claim of its own,
and what the answer says of one is that one's alone. A call without a clear answer leaves all of it in doubt.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from partsemble_core.domain.exports import Found, StepKind, Verdict, judge
from partsemble_core.errors import PartsembleError
from partsemble_core.plugin_api.entries import check_entry
from partsemble_core.plugin_api.errors import Rejected, SignedOut
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.sign_in import Feature
from partsemble_core.plugin_api.types import (
    BackendContext,
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    Posting,
    PostStep,
)
from partsemble_core.services.addressing import context_of
from partsemble_core.services.claiming import Step, prepare, release
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.services.posting import STEPS, do_step, entry_of, post_export, token_of, verdict_of
from partsemble_core.services.scoping import check_allowed
from partsemble_core.services.settling import SentAlone, SentTooLate, settle, settle_error
from partsemble_core.services.tidying import discard_drafts
from partsemble_core.store.connections import Connection
from partsemble_core.store.exports import Export, ExportAttempt
from partsemble_core.store.session import CompanySession, LockRank

log = logging.getLogger(__name__)
T = TypeVar("T")
Outcome = Verdict | PartsembleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One export of a batch: its committed attempt, and what it posts."""

    step: Step
    entry: JournalEntry


def can_batch(house: House, backend: str) -> bool:
    """With drafts alone: there the worst that a batch leaves behind are drafts."""
    able = house.host.info(backend).capabilities
    return (
        able.batch_size > 1
        and able.posting == Posting.DRAFT_THEN_POST
        and house.host.has_hook(backend, "post_journals")
        and house.host.has_hook(backend, "find_journals")
    )


def post_together(house: House, company_id: int, export_ids: Sequence[int]) -> int:
    """Works on these exports until each is posted, waits, or needs a person. Returns how many a step was made for.

    Safe to call any number of times, at any time, from anywhere: what somebody else has, or isn't due, is left alone.
    """
    owner = secrets.token_hex(8)
    claims: dict[int, int] = {}
    members: Mapping[int, int] = dict.fromkeys(sorted(export_ids), 0)
    alone: list[int] = []
    for _ in range(STEPS):
        crashpoint("batching.before_claim")
        steps = house.write(company_id, lambda session, m=members: _prepare_all(house, session, owner, m))  # type: ignore[misc]
        if not steps:
            break
        claims |= {step.export_id: step.epoch for step in steps}
        crashpoint("batching.after_attempts")
        alone += _work(house, company_id, steps)
        crashpoint("batching.after_settle")
        members = {step.export_id: step.epoch for step in steps if step.export_id not in alone}
    if claims:
        house.write(company_id, lambda session: _release_all(session, claims))
        crashpoint("batching.after_release")
    for export_id in alone:
        post_export(house, company_id, export_id)
    return len(claims)


def _prepare_all(house: House, session: CompanySession, owner: str, members: Mapping[int, int]) -> list[Step]:
    """Claims in the order of ids, as everybody does, so that two workers never wait for each other in a ring."""
    key = secrets.token_hex(16)
    steps = [
        prepare(house, session, export_id=export_id, owner=owner, epoch=epoch, batch_key=key)
        for export_id, epoch in members.items()
    ]
    return [step for step in steps if step is not None]


def _release_all(session: CompanySession, claims: Mapping[int, int]) -> None:
    for export_id, epoch in sorted(claims.items()):
        release(session, export_id=export_id, epoch=epoch)


def _work(house: House, company_id: int, steps: Sequence[Step]) -> list[int]:
    """Each kind of step in one call, and settled. Returns what has to be sent alone."""
    alone: list[int] = []
    for kind in StepKind:
        members = [_member(house, company_id, step) for step in steps if step.kind == kind]
        group = [member for member in members if member is not None]
        if len(group) == 1:
            do_step(house, company_id, group[0].step)
        elif kind == StepKind.LOOK_UP and group:
            _look_up_together(house, company_id, group)
        elif group:
            alone += _send_together(house, company_id, group, kind)
    return alone


def _member(house: House, company_id: int, step: Step) -> Member | None:
    """None for one that can't be sent at all, which is settled and is in nobody's way."""
    try:
        entry = entry_of(step)
        check_entry(entry, house.host.info(step.connection.backend).capabilities)
        return Member(step=step, entry=entry)
    except PartsembleError as error:
        refusal = error
    house.write(company_id, lambda session: settle_error(house, session, step, refusal))
    return None


def _send_together(house: House, company_id: int, members: Sequence[Member], kind: StepKind) -> list[int]:
    """One call, with no transaction open. What is refused as a whole, or when it is posted, goes alone after it."""
    answers = _asked(house, members, lambda ctx: _answers(house, ctx, members, kind))
    outcomes: list[Outcome] = []
    alone: list[int] = []
    for member, answer in zip(members, answers, strict=True):
        is_whole = len(members) > 1 and all(each is answer for each in answers)
        if isinstance(answer, Rejected) and (is_whole or kind == StepKind.POST):
            alone.append(member.step.export_id)
            outcomes.append(SentAlone(answer.message, after=0))
        else:
            outcomes.append(answer)
    _settle_all(house, company_id, members, outcomes)
    return alone


def _answers(house: House, ctx: BackendContext, members: Sequence[Member], kind: StepKind) -> list[Outcome]:
    backend = members[0].step.connection.backend
    if kind == StepKind.POST:
        _tidy_together(house, ctx, [member for member in members if member.step.has_strays])
    crashpoint("batching.before_call")
    wanted = [
        (
            member.entry,
            JournalStep(kind=PostStep(kind.value), key=members[0].step.key, external_id=member.step.external_id),
        )
        for member in members
    ]
    answers = house.host.post_journals(backend, ctx, entries=wanted)
    return [verdict_of(answer) if isinstance(answer, JournalResult) else answer for answer in answers]


def _tidy_together(house: House, ctx: BackendContext, members: Sequence[Member]) -> None:
    """Deletes other drafts of what is about to be posted, as far as one look finds any; the janitor looks again."""
    sent_at = _sent_at(house, members)
    if not sent_at:
        return
    try:
        found = house.host.find_journals(
            members[0].step.connection.backend,
            ctx,
            entries=[member.entry for member in members],
            since=min(sent_at.values()),
        )
    except PartsembleError:
        return
    for member, hits in zip(members, found, strict=True):
        drafts = {hit.external_id for hit in hits if hit.status == JournalStatus.DRAFT} - {member.step.external_id}
        discard_drafts(house, member.step.connection, ctx, entry=member.entry, orphans=sorted(drafts))


def _look_up_together(house: House, company_id: int, members: Sequence[Member]) -> None:
    """All by one look at what changed since the first was sent. What needs a look of its own gets one."""
    sent_at = _sent_at(house, members)
    known = [member for member in members if member.step.export_id in sent_at]
    found: list[Verdict | PartsembleError | None] = []
    if known:
        since = min(sent_at[member.step.export_id] for member in known)
        found = _asked(house, known, lambda ctx: _found(house, ctx, known, since))
    settled = [(member, outcome) for member, outcome in zip(known, found, strict=True) if outcome is not None]
    _settle_all(house, company_id, [member for member, _ in settled], [outcome for _, outcome in settled])
    done = {member.step.export_id for member, _ in settled}
    for member in members:
        if member.step.export_id not in done:
            do_step(house, company_id, member.step)


def _found(house: House, ctx: BackendContext, members: Sequence[Member], since: dt.datetime) -> list[Verdict | None]:
    """None for one whose stored id was not among what was found: it is asked for by that id."""
    crashpoint("batching.before_call")
    entries = [member.entry for member in members]
    answers = house.host.find_journals(members[0].step.connection.backend, ctx, entries=entries, since=since)
    return [_judged(hits, member.step.external_id) for member, hits in zip(members, answers, strict=True)]


def _judged(hits: Sequence[JournalResult], stored_id: str | None) -> Verdict | None:
    if stored_id is not None and stored_id not in {hit.external_id for hit in hits}:
        return None
    found = [Found(external_id=hit.external_id, status=hit.status.value) for hit in hits]
    return judge(found, stored_id=stored_id)


def _sent_at(house: House, members: Sequence[Member]) -> dict[int, dt.datetime]:
    """When each was first sent. One that we never sent, as after a restore, isn't among them."""
    if not members:
        return {}
    ids = [member.step.export_id for member in members]
    with house.reading(members[0].step.connection.company_id) as session:
        rows = session.execute(
            sa.select(ExportAttempt.export_id, sa.func.min(ExportAttempt.sent_at).label("first"))
            .where(ExportAttempt.export_id.in_(ids), ExportAttempt.step == StepKind.CREATE)
            .group_by(ExportAttempt.export_id)
        )
        return {row.export_id: row.first for row in rows}


def _asked(
    house: House, members: Sequence[Member], ask: Callable[[BackendContext], list[T]]
) -> list[T | PartsembleError]:
    """The answers, or for each the error that is about all. A token that is refused is renewed once."""
    first = members[0].step
    try:
        check_allowed(house, first.connection, Feature.JOURNALS)
        token = token_of(house, first)
        try:
            return [*_ask(house, members, token, ask)]
        except SignedOut:
            return [*_ask(house, members, token_of(house, first, refused=token), ask)]
    except PartsembleError as error:
        return [error] * len(members)


def _ask(
    house: House, members: Sequence[Member], token: Secret | None, ask: Callable[[BackendContext], list[T]]
) -> list[T]:
    ctx = context_of(house, members[0].step.connection, token=token)
    with closing(ctx.http):
        if time.monotonic() > min(member.step.send_before for member in members):
            raise SentTooLate("The claims were running out before the call left; nothing was sent.", after=1)
        answers = ask(ctx)
        crashpoint("batching.after_call")
        return answers


def _settle_all(house: House, company_id: int, members: Sequence[Member], outcomes: Sequence[Outcome]) -> None:
    """All in one transaction; drafts that lost are deleted after it. One call is one trouble, whatever it carried."""
    if not members:
        return
    pairs = sorted(zip(members, outcomes, strict=True), key=lambda pair: pair[0].step.export_id)

    def settle_each(session: CompanySession) -> list[tuple[Member, tuple[str, ...]]]:
        session.locking(LockRank.EXPORT)
        ids = [member.step.export_id for member, _ in pairs]
        session.execute(sa.select(Export.id).where(Export.id.in_(ids)).order_by(Export.id).with_for_update())
        lost, has_counted = [], False
        for member, outcome in pairs:
            if isinstance(outcome, Verdict):
                lost.append((member, settle(house, session, member.step, outcome).orphans))
                continue
            settle_error(house, session, member.step, outcome, counts=not has_counted)
            has_counted = True
        return lost

    crashpoint("batching.before_settle")
    lost = house.write(company_id, settle_each)
    for member, orphans in lost:
        if orphans:
            _discard(house, member.step.connection, member, orphans)


def _discard(house: House, connection: Connection, member: Member, orphans: Sequence[str]) -> None:
    """All is settled by now, so what fails here stops nothing: the janitor looks again."""
    crashpoint("batching.before_discard")
    try:
        ctx = context_of(house, connection, token=token_of(house, member.step))
    except PartsembleError as error:
        log.warning("the drafts of %s that lost stay for now (%s)", member.entry.reference, error.code)
        return
    with closing(ctx.http):
        discard_drafts(house, connection, ctx, entry=member.entry, orphans=orphans)
