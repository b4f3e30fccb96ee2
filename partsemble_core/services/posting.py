"""Posting: takes one export from the outbox to the books, draft first, one committed step at a time.

The protocol and its proof stand in ``docs/explanation/exactly-once.md``. Each step is: a transaction that writes the
attempt ahead, the call with no transaction open, a transaction that settles. What a dead worker left behind is in
doubt and looked up; only the id that was stored by compare-and-set is ever posted.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from contextlib import closing

from partsemble_core.domain.exports import (
    ExportState,
    Found,
    StepKind,
    Verdict,
    judge,
)
from partsemble_core.errors import InvariantBroken, PartsembleError
from partsemble_core.plugin_api.entries import entry_from_bytes
from partsemble_core.plugin_api.errors import (
    BackendError,
    RetryLater,
    SignedOut,
)
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.sign_in import Feature
from partsemble_core.plugin_api.types import (
    JournalEntry,
    JournalResult,
    JournalStatus,
    JournalStep,
    PostStep,
)
from partsemble_core.services.addressing import context_of, token_for
from partsemble_core.services.claiming import Step, prepare, release
from partsemble_core.services.crashing import crashpoint
from partsemble_core.services.house import House
from partsemble_core.services.scoping import check_allowed
from partsemble_core.services.settling import SentTooLate, settle, settle_error
from partsemble_core.services.tidying import discard_drafts, tidy_drafts

STEPS = 8
"""Steps of one run; a straight path takes two."""
OUR_FAULT_SECONDS = 300


def post_export(house: House, company_id: int, export_id: int) -> ExportState | None:
    """Works on one export until it is posted, waits, or needs a person. None when it isn't due or somebody has it.

    Safe to call any number of times, at any time, from anywhere.
    """
    owner = secrets.token_hex(8)
    state: ExportState | None = None
    epoch = 0
    for _ in range(STEPS):
        crashpoint("posting.before_claim")
        step = house.write(
            company_id,
            lambda session, e=epoch: prepare(house, session, export_id=export_id, owner=owner, epoch=e),  # type: ignore[misc]
        )
        if step is None:
            break
        epoch = step.epoch
        crashpoint("posting.after_attempt")
        state = do_step(house, company_id, step)
        crashpoint("posting.after_settle")
    if epoch:
        crashpoint("posting.before_release")
        house.write(company_id, lambda session: release(session, export_id=export_id, epoch=epoch))
        crashpoint("posting.after_release")
    return state


def do_step(house: House, company_id: int, step: Step) -> ExportState:
    """The call, with no transaction open, and the transaction that settles what came of it."""
    try:
        entry = entry_of(step)
        check_allowed(house, step.connection, Feature.JOURNALS)
        token = token_of(house, step)
        try:
            verdict = _call(house, step, entry, token)
        except SignedOut:
            token = token_of(house, step, refused=token)
            verdict = _call(house, step, entry, token)
    except PartsembleError as error:
        refusal = error
        return house.write(company_id, lambda session: settle_error(house, session, step, refusal))
    crashpoint("posting.after_call")
    settled = house.write(company_id, lambda session: settle(house, session, step, verdict))
    if settled.orphans:
        crashpoint("posting.before_discard")
        ctx = context_of(house, step.connection, token=token)
        with closing(ctx.http):
            discard_drafts(house, step.connection, ctx, entry=entry, orphans=settled.orphans)
    return settled.state


def entry_of(step: Step) -> JournalEntry:
    if hashlib.sha256(step.body).hexdigest() != step.body_sha256:
        raise InvariantBroken("The frozen posting was changed in the database; nothing was sent. Look at the backups.")
    return entry_from_bytes(step.body)


def token_of(house: House, step: Step, *, refused: Secret | None = None) -> Secret | None:
    """The access token. What is wrong on our side of the sign-in makes the connection wait; the posting is fine."""
    try:
        return token_for(house, step.connection, refused=refused)
    except BackendError:
        raise
    except PartsembleError as error:
        raise RetryLater(error.message, after=OUR_FAULT_SECONDS, whole_organisation=True) from error


def _call(house: House, step: Step, entry: JournalEntry, token: Secret | None) -> Verdict:
    ctx = context_of(house, step.connection, token=token)
    with closing(ctx.http):
        if time.monotonic() > step.send_before:
            raise SentTooLate("The claim was running out before the call left; nothing was sent.", after=1)
        crashpoint("posting.before_call")
        backend = step.connection.backend
        if step.kind == StepKind.LOOK_UP:
            found = house.host.find_journal(backend, ctx, entry=entry, external_id=step.external_id)
            return judge(
                [Found(external_id=f.external_id, status=f.status.value) for f in found], stored_id=step.external_id
            )
        if step.external_id and step.has_strays:
            tidy_drafts(house, step.connection, ctx, entry=entry, kept=step.external_id)
        wanted = JournalStep(kind=PostStep(step.kind.value), key=step.key, external_id=step.external_id)
        return verdict_of(house.host.post_journal(backend, ctx, entry=entry, step=wanted))


def verdict_of(result: JournalResult) -> Verdict:
    state = ExportState.POSTED if result.status == JournalStatus.POSTED else ExportState.CREATED
    return Verdict(state=state, external_id=result.external_id)
