"""Connecting an organisation: where to sign in, which organisations there are, and whether ours still is."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace

from partsemble_core.plugin_api import (
    BackendContext,
    BackendError,
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

CURRENCIES_READ = 12
"""Organisations whose currency is shown beside their name: each costs a call."""


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
    consent = _consent_of(ctx)
    return tuple(
        Organisation(
            external_id=text_of(row, "tenantId"),
            name=text_of(row, "tenantName"),
            link_id=text_of(row, "id"),
            is_new=bool(consent) and text_of(row, "authEventId") == consent,
        )
        for row in rows
        if isinstance(row, dict) and text_of(row, "tenantType") == "ORGANISATION"
    )


def _choices(ctx: BackendContext) -> ConnectResult:
    found = organisations(ctx)
    if not found:
        raise NotPermitted("No Xero organisation was connected; connect again and choose one in Xero.")
    shown = tuple(_with_currency(ctx, each) for each in found[:CURRENCIES_READ])
    return ConnectResult(state=ConnectState.CHOOSE, organisations=(*shown, *found[CURRENCIES_READ:]))


def _with_currency(ctx: BackendContext, found: Organisation) -> Organisation:
    """What helps to choose. Where it can't be read the choice is offered without."""
    try:
        row = organisation_row(ctx, found.external_id)
    except BackendError:
        return found
    return replace(found, base_currency=text_of(row, "BaseCurrency"), country=text_of(row, "CountryCode"))


def _consent_of(ctx: BackendContext) -> str:
    """The id of the consent that the token came from; empty where it can't be read. It only says what to preselect."""
    parts = ctx.access_token.reveal().split(".") if ctx.access_token else []
    if len(parts) != 3:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return ""
    return text_of(claims, "authentication_event_id") if isinstance(claims, dict) else ""


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
