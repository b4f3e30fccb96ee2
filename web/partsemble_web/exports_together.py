"""Exports together: how the queue stands, and one decision about all that were ticked, asked about once more first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from partsemble_core.domain.exports import WORKABLE, ExportState
from partsemble_core.errors import Invalid, PartsembleError
from partsemble_core.services import deciding, deciding_together
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.exporting import is_untouched
from partsemble_core.services.forecasting import Queue, foresee
from partsemble_core.services.listing import export_label
from partsemble_core.store.exports import Export, get_export
from partsemble_web.each import way_back
from partsemble_web.forms import Form
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.speaking import mark, said

PATH = "/exports"
STOP_ASKING = 286
"""The status by which htmx asks no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One that can be made about many. ``fits`` says about which; the texts are said on the page that asks."""

    name: str
    title: str
    means: str
    button: str
    others: str
    fits: Callable[[Export], bool]
    tone: str = "primary"


DECISIONS: Mapping[str, Decision] = {
    each.name: each
    for each in (
        Decision(
            name="post",
            title=mark("Post what is held?"),
            means=mark("Each goes to the books, exactly as its page shows it."),
            button=mark("Post"),
            others=mark("These aren’t held. They stay as they are."),
            fits=lambda export: export.state == ExportState.HELD,
        ),
        Decision(
            name="retry",
            title=mark("Try these again?"),
            means=mark("What was clearly refused is sent again; all else is looked up in the books first."),
            button=mark("Try again"),
            others=mark("These didn’t fail. They stay as they are."),
            fits=lambda export: export.state == ExportState.REVIEW,
        ),
        Decision(
            name="hold",
            title=mark("Hold these back?"),
            means=mark("Nothing of them was sent yet. They wait until somebody posts them."),
            button=mark("Hold back"),
            others=mark("These are held already, on their way, or done. They stay as they are."),
            fits=lambda export: export.state == ExportState.PENDING and is_untouched(export),
        ),
        Decision(
            name="skip",
            title=mark("Leave these out of the books?"),
            means=mark(
                "They are never posted, and that can’t be taken back. Stock here stays as it is, so the books differ."
            ),
            button=mark("Leave out"),
            others=mark("These are on their way or done. They stay as they are."),
            fits=lambda export: export.state == ExportState.REVIEW or is_untouched(export),
            tone="danger",
        ),
    )
}


def queue_values() -> dict[str, object]:
    """How the queue stands now, and what the page needs to follow it."""
    return _values(_queue())


def _queue() -> Queue:
    with reading() as session:
        return foresee(the_house(), session)


def _values(queue: Queue) -> dict[str, object]:
    began = max(_number(request.args.get("began", "")), queue.waiting)
    seen = _number(request.args["posted"]) if "posted" in request.args else queue.posted
    return {
        "queue": queue,
        "queue_words": _forecast_words(queue),
        "began": began,
        "posted_then": seen,
        "went_out": max(0, queue.posted - seen),
    }


def show_queue() -> Response:
    """The part of the page that follows the queue. It asks no more once nothing waits."""
    queue = _queue()
    is_over = not queue.waiting and "HX-Request" in request.headers
    return make_response(render_template("exports/queue.html", **_values(queue)), STOP_ASKING if is_over else 200)


def show_progress(export_id: int) -> Response:
    """Tells a page that shows an export on its way when there is something new to see: it is loaded again."""
    with reading() as session:
        export = get_export(session, export_id)
    answer = make_response("")
    if request.args.get("seen", progress_of(export)) != progress_of(export):
        answer.headers["HX-Refresh"] = "true"
    return answer


def progress_of(export: Export) -> str:
    """Changes when anything happens to an export on its way."""
    return f"{export.state}-{export.attempts}"


def is_on_its_way(export: Export) -> bool:
    return export.state in WORKABLE


def ask() -> str:
    """What would become of the ticked ones. Nothing is done yet."""
    return render_template(
        "exports/decide.html", **_page(request.args.get("decision", ""), ticked(request.args.getlist("ids")))
    )


def retry() -> Answer:
    return _decide("retry", lambda ids: len(write(lambda session: deciding_together.retry_together(session, ids))))


def hold() -> Answer:
    return _decide("hold", lambda ids: len(write(lambda session: deciding_together.put_back(session, ids))))


def skip() -> Answer:
    """Each stands for itself: what couldn't be left out is said, the others are."""

    stayed: list[int] = []

    def leave_out(ids: Sequence[int]) -> int:
        found = deciding_together.skip_together(
            the_house(), act(), the_person().company_id, ids, reason=request.form.get("reason", "")
        )
        for each in found:
            if each.problem:
                stayed.append(each.export_id)
                flash(
                    _("%(reference)s wasn’t left out: %(why)s", reference=each.reference, why=said(each.problem)),
                    "warning",
                )
        return sum(1 for each in found if not each.problem)

    return _decide("skip", leave_out, stayed=stayed)


def ticked(given: Sequence[str]) -> list[int]:
    """Raises Invalid."""
    if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in given):
        raise Invalid("ids", mark("These are no exports. Tick some in the list."))
    return [int(text) for text in given]


def _decide(name: str, decide: Callable[[Sequence[int]], int], *, stayed: Sequence[int] = ()) -> Answer:
    """The list again, where what ``stayed`` as it was is ticked still; a refusal on the page that asked."""
    require(MAY_EXPORT)
    ids = ticked(request.form.getlist("ids"))
    try:
        done = decide(ids)
    except PartsembleError as error:
        return show_refused(name, error, ids)
    if done:
        flash(_done_words(name, done), "success")
    return redirect(way_back(PATH, stayed)["back"], code=303)


def show_refused(name: str, error: PartsembleError, ids: Sequence[int]) -> Answer:
    return refused("exports/decide.html", error, **_page(name, ids))


def _done_words(name: str, count: int) -> str:
    words = {
        "retry": lambda: ngettext("%(num)s export is tried again.", "%(num)s exports are tried again.", count),
        "hold": lambda: ngettext("%(num)s export is held back.", "%(num)s exports are held back.", count),
        "skip": lambda: ngettext("%(num)s export is left out.", "%(num)s exports are left out.", count),
    }
    return str(words[name]())


def _page(name: str, ids: Sequence[int]) -> dict[str, object]:
    decision = DECISIONS.get(name, DECISIONS["post"])
    with reading() as session:
        exports = deciding_together.chosen_exports(session, ids) if ids else []
        held = len(deciding.held_exports(session)) if decision.name == "post" else 0
    meant = [export for export in exports if decision.fits(export)]
    return {
        "decision": decision,
        "meant": meant,
        "others": [export for export in exports if not decision.fits(export)],
        "held": held,
        "export_label": export_label,
        **way_back(PATH, ids),
        "address": url_for("exports.post_held" if decision.name == "post" else f"exports.{decision.name}_ticked"),
        "form": Form.of(request.form, "reason"),
    }


def _forecast_words(queue: Queue) -> str:
    """``About 12 minutes: 1,200 calls, at most 55 a minute.``"""
    found = queue.forecast
    if found is None:
        return said(queue.held_up)
    calls = ngettext("%(num)s call", "%(num)s calls", found.calls)
    words = _("%(time)s: %(calls)s.", time=_about(found.takes), calls=calls)
    if found.per_minute is not None:
        words = _(
            "%(time)s: %(calls)s, at most %(limit)s a minute.",
            time=_about(found.takes),
            calls=calls,
            limit=found.per_minute,
        )
    return str(words)


def _about(takes: dt.timedelta) -> str:
    minutes = -(-int(takes.total_seconds()) // 60)
    hours = -(-minutes // 60)
    if minutes <= 1:
        words = _("Less than a minute")
    elif minutes < 120:
        words = ngettext("About %(num)s minute", "About %(num)s minutes", minutes)
    elif hours < 48:
        words = ngettext("About %(num)s hour", "About %(num)s hours", hours)
    else:
        words = ngettext("About %(num)s day", "About %(num)s days", -(-hours // 24))
    return str(words)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
