"""What becomes of a document: a build is executed, cancelled, approved or rejected; a build or receipt is reversed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _

from partsemble_core.domain.builds import BuildState
from partsemble_core.domain.quality import Recovery
from partsemble_core.errors import PartsembleError, WrongState
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_SET_UP, MAY_WRITE
from partsemble_core.services.building import execute_planned
from partsemble_core.services.planning import cancel_planned
from partsemble_core.services.reversing import reverse
from partsemble_core.services.reviewing import approve, reject
from partsemble_core.store.builds import Build
from partsemble_core.store.lots import DocumentKind
from partsemble_core.store.session import CompanySession
from partsemble_web.builds import build_page, check_expected
from partsemble_web.forms import Form
from partsemble_web.plans import execution_page
from partsemble_web.receipts import receipt_page
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, require, write

pages = Blueprint("decisions", __name__, template_folder="templates")


@pages.post("/builds/<id:build_id>/execute")
def execute(build_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, "built_on", "first", "expected")
    who = act()
    try:
        build = write(lambda session: _execute(session, who, build_id, form))
    except WrongState as error:  # somebody was faster: the page is that of the build as it is now
        return _build_refused(error, build_id, asked="", form=None)
    except PartsembleError as error:
        return refused("plans/execute.html", error, **_without_failure(execution_page(build_id, form)))
    waits = build.state == BuildState.PENDING_QA
    if waits:
        flash(_("%(reference)s is executed and waits for review.", reference=build.reference), "success")
    else:
        flash(_("%(reference)s is executed.", reference=build.reference), "success")
    return _to_build(build_id)


def _execute(session: CompanySession, who: Act, build_id: int, form: Form) -> Build:
    """Raises Conflict, and so undoes everything, when the cost isn't the one that the person agreed to."""
    build = execute_planned(
        session,
        who,
        build_id,
        built_on=form.values["built_on"],
        build_subassemblies=bool(form.values["first"]),
    )
    check_expected(build, form.values["expected"])
    return build


def _without_failure(values: dict[str, object]) -> dict[str, object]:
    """What the person has to mend is in the refusal already."""
    return {name: value for name, value in values.items() if name != "failure"}


@pages.post("/builds/<id:build_id>/cancel")
def cancel(build_id: int) -> Answer:
    require(MAY_WRITE)
    who = act()
    try:
        build = write(lambda session: cancel_planned(session, who, build_id))
    except WrongState as error:
        return _build_refused(error, build_id, asked="", form=None)
    flash(_("%(reference)s is cancelled.", reference=build.reference), "success")
    return _to_build(build_id)


@pages.post("/builds/<id:build_id>/approve")
def approve_build(build_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form.of(request.form, "note")
    who = act()
    try:
        build = write(lambda session: approve(session, who, build_id, note=form.values["note"]))
    except PartsembleError as error:
        return _build_refused(error, build_id, asked="approve", form=form)
    flash(_("%(reference)s is approved: its lot is in stock.", reference=build.reference), "success")
    return _to_build(build_id)


@pages.post("/builds/<id:build_id>/reject")
def reject_build(build_id: int) -> Answer:
    require(MAY_WRITE)
    form = Form(
        values={name: request.form.get(name, "") for name in ("reason", "recovery", "note")},
        rows={"recovered": tuple({"quantity": text} for text in request.form.getlist("recovered")[:2_000])},
    )
    who = act()
    try:
        build = write(
            lambda session: reject(
                session,
                who,
                build_id,
                reason=form.values["reason"],
                recovery=form.values["recovery"],
                recovered=_recovered(form),
                note=form.values["note"],
            )
        )
    except PartsembleError as error:
        return _build_refused(error, build_id, asked="reject", form=form)
    flash(_("%(reference)s is rejected.", reference=build.reference), "success")
    return _to_build(build_id)


@pages.post("/builds/<id:build_id>/reverse")
def reverse_build(build_id: int) -> Answer:
    require(MAY_SET_UP)
    form = Form.of(request.form, "reason", "reversed_on")
    try:
        reference = _reverse(DocumentKind.BUILD, build_id, form)
    except PartsembleError as error:
        return _build_refused(error, build_id, asked="reverse", form=form)
    flash(_("Reversed by %(reference)s: stock is as if it had not been.", reference=reference), "success")
    return _to_build(build_id)


@pages.post("/receipts/<id:receipt_id>/reverse")
def reverse_receipt(receipt_id: int) -> Answer:
    require(MAY_SET_UP)
    form = Form.of(request.form, "reason", "reversed_on")
    try:
        reference = _reverse(DocumentKind.RECEIPT, receipt_id, form)
    except PartsembleError as error:
        return refused("receipts/receipt.html", error, asked="reverse", **receipt_page(receipt_id, form))
    flash(_("Reversed by %(reference)s: stock is as if it had not been.", reference=reference), "success")
    return redirect(url_for("receipts.show_receipt", receipt_id=receipt_id), code=303)


def _reverse(kind: DocumentKind, document_id: int, form: Form) -> str:
    """The reference of the reversal."""
    who = act()
    return write(lambda session: reverse(session, who, kind.value, document_id, **form.values)).reference


def _recovered(form: Form) -> Mapping[int, object] | None:
    """What comes back by line, counted from 0; of any other than a partial recovery nothing is said."""
    if form.values["recovery"] != Recovery.PARTIAL:
        return None
    return {line: row["quantity"] for line, row in enumerate(form.rows["recovered"]) if row["quantity"].strip()}


def _to_build(build_id: int) -> Answer:
    return redirect(url_for("builds.show_build", build_id=build_id), code=303)


def _build_refused(error: PartsembleError, build_id: int, *, asked: str, form: Form | None) -> Answer:
    """The build's page with the dialog open again. A build that there isn't is no page: NotFound is raised on."""
    return refused("builds/build.html", error, asked=asked, **build_page(build_id, form))
