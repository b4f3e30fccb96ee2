"""What goes in and out of the routes that reconcile."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.fields import Amount, Strict, Text
from partsemble_core.api.schemas import Integer, Nested, String, Time


class ReconcileQuery(Strict):
    on = Text(metadata={"description": "At the end of this day; today if left out."})


class ReconcileIn(Strict):
    on = Text(load_default="", metadata={"description": "At the end of this day; today if left out."})


class TakeBackIn(Strict):
    reason = Text(required=True)
    on = Text(load_default="", metadata={"description": "The day of the opposite posting; today if left out."})


class AccountRowOut(Strict):
    account_id = String(required=True)
    code = String(required=True)
    name = String(required=True)
    stock = Amount(required=True)
    posted = Amount(required=True)
    books = Amount(required=True, allow_none=True)
    books_minus_posted = Amount(required=True, allow_none=True)


class ReasonLineOut(Strict):
    reference = String(required=True)
    amount = Amount(required=True)
    document_kind = String(required=True, allow_none=True)
    document_id = Integer(required=True, allow_none=True)
    external_id = String(required=True)
    export_id = Integer(required=True, allow_none=True)
    note = String(required=True)


class ReasonGroupOut(Strict):
    reason = String(required=True)
    title = String(required=True)
    amount = Amount(required=True)
    lines = ma.fields.List(Nested(ReasonLineOut), required=True)


class ReconciliationOut(Strict):
    on = ma.fields.Date(required=True)
    organisation = String(required=True)
    verdict = String(required=True, metadata={"enum": ["agrees", "differs", "unknown"]})
    stock = Amount(required=True)
    posted = Amount(required=True)
    books = Amount(required=True, allow_none=True)
    books_minus_posted = Amount(required=True, allow_none=True)
    difference = Amount(
        required=True, metadata={"description": "Books minus stock; where books is null, posted minus stock."}
    )
    rounding = Amount(required=True, metadata={"description": "Recorded with the postings; no difference by itself."})
    unexplained = Amount(required=True, metadata={"description": "Of the difference; without what lines cancel out."})
    cancelling_lines = Integer(
        required=True, metadata={"description": "Lines, and the remainder, that cancel each other where it agrees."}
    )
    remainder = Amount(required=True, allow_none=True)
    problem = String(required=True)
    why_no_journals = String(required=True)
    accounts = ma.fields.List(Nested(AccountRowOut), required=True)
    reasons = ma.fields.List(Nested(ReasonGroupOut), required=True)


class TrueUpOut(Strict):
    id = Integer(required=True)
    reference = String(required=True)
    on = ma.fields.Date(required=True)
    amount = Amount(required=True)
    reverses_id = Integer(required=True, allow_none=True)
    reason = String(required=True)
    export_id = Integer(required=True, allow_none=True)
    export_state = String(required=True, allow_none=True)
    created_at = Time(required=True)
    created_by = String(required=True)
