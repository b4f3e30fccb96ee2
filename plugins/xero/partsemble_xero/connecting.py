"""Connecting an organisation: where to sign in, which organisations there are, and whether ours still is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from partsemble_core.plugin_api import (
    BackendContext,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    NotPermitted,
    Organisation,
    RetryLater,
    SignIn,
)
from partsemble_xero.client import Missing, identity_call, read, rows_of, setting, text_of
from partsemble_xero.wire import calendar_date

GRACE_SECONDS = 1800
"""How long Xero lets the previous refresh token be tried again after a lost answer."""


def connect(ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
    """One step; what each does is told at ``ConnectStep``."""
    if request.step is ConnectStep.BEGIN:
        return ConnectResult(state=ConnectState.SIGN_IN, sign_in=sign_in(ctx))
    if request.step is ConnectStep.COMPLETE:
        return _choices(ctx)
    wanted = request.organisation_id or ctx.organisation_id or ""
    if request.step is ConnectStep.DISCONNECT:
        return _disconnected(ctx, wanted)
    return _ready(ctx, wanted)


def sign_in(ctx: BackendContext) -> SignIn:
    """Xero's OAuth endpoints; a token set belongs to the user, so the user's id is the subject."""
    return SignIn(
        authorize_url=setting(ctx, "authorize_url"),
        token_url=setting(ctx, "token_url"),
        revoke_url=setting(ctx, "revoke_url"),
        scopes=tuple(setting(ctx, "scopes").split()),
        subject_claim="xero_userid",
        refresh_grace_seconds=GRACE_SECONDS,
    )


def organisations(ctx: BackendContext) -> tuple[Organisation, ...]:
    """Every organisation that the signed-in user connected; a practice has no books and is left out."""
    answer = identity_call(ctx, "GET", "connections")
    rows = answer.json()
    if not isinstance(rows, list):
        raise RetryLater("Xero's answer is not a list of connections; it will be asked again.")
    return tuple(
        Organisation(external_id=text_of(row, "tenantId"), name=text_of(row, "tenantName"), link_id=text_of(row, "id"))
        for row in rows
        if isinstance(row, dict) and text_of(row, "tenantType") == "ORGANISATION"
    )


def _choices(ctx: BackendContext) -> ConnectResult:
    found = organisations(ctx)
    if not found:
        raise NotPermitted("No Xero organisation was connected; connect again and choose one in Xero.")
    return ConnectResult(state=ConnectState.CHOOSE, organisations=found)


def _ready(ctx: BackendContext, wanted: str) -> ConnectResult:
    linked = next((each for each in organisations(ctx) if each.external_id == wanted), None)
    if linked is None:
        raise NotPermitted("This organisation is not connected to us in Xero any more; connect it again.")
    row = organisation_row(ctx, wanted)
    ready = Organisation(
        external_id=wanted,
        name=text_of(row, "Name") or linked.name,
        link_id=linked.link_id,
        base_currency=text_of(row, "BaseCurrency"),
        country=text_of(row, "CountryCode"),
        timezone=text_of(row, "Timezone"),
        locked_through=lock_date(row),
    )
    return ConnectResult(state=ConnectState.READY, organisations=(ready,))


def organisation_row(ctx: BackendContext, tenant_id: str) -> Mapping[str, object]:
    """``GET /Organisation`` of one tenant."""
    rows = rows_of(read(ctx, "Organisation", tenant_id=tenant_id), "Organisations")
    if len(rows) != 1:
        raise RetryLater("Xero's answer doesn't hold exactly one organisation; it will be asked again.")
    return rows[0]


def lock_date(row: Mapping[str, object]) -> dt.date | None:
    """The later of both lock dates: a user who may pass one may still be held by the other."""
    days = [calendar_date(text_of(row, name)) for name in ("PeriodLockDate", "EndOfYearLockDate")]
    return max((day for day in days if day is not None), default=None)


def _disconnected(ctx: BackendContext, wanted: str) -> ConnectResult:
    """Takes our link away in Xero, found by its organisation; one that is gone already is what was wanted."""
    for linked in organisations(ctx):
        if linked.external_id == wanted:
            try:
                identity_call(ctx, "DELETE", f"connections/{linked.link_id}")
            except Missing:
                break
    return ConnectResult(state=ConnectState.DISCONNECTED)
