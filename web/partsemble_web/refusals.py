"""How a refusal looks on a page: the API's code and message, what to do next, and an id for what is our own fault."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response

from partsemble_core.api.errors import ServerFault, refusal_of, status_of
from partsemble_core.errors import PartsembleError, say
from partsemble_core.services.noticing import Change, ChangedMeanwhile
from partsemble_web.speaking import mark

Answer = Response | str | tuple[str, int]
TITLES = {
    400: mark("That didn’t arrive as it should"),
    403: mark("You may not do this"),
    404: mark("Nothing here"),
    405: mark("Not this way"),
    409: mark("That doesn’t fit how things are now"),
    413: mark("Too large"),
    422: mark("Something has to be corrected"),
    429: mark("Too many tries"),
    500: mark("Something broke on our side"),
    502: mark("The accounting system said no"),
}
NEXT_STEPS = {
    400: mark("Load the page again, then repeat what you did."),
    403: mark("Ask an owner or admin of your company if you need this."),
    404: mark("It may never have existed, or belong to another company. Look for it in its list."),
    405: mark("Open the page from the menu instead."),
    409: mark("Look at how things are now, then decide again."),
    413: mark("Send it in smaller parts."),
    422: mark("Go back and correct it."),
    429: mark("Wait, then try again: a minute, or a quarter of an hour after ten wrong passwords or five wrong codes."),
    500: mark("Nothing was changed. If it happens again, tell whoever runs this installation the error id."),
    502: mark("Nothing is lost here. Try again; if it stays so, look at the accounting system itself."),
}
CHANGED = frozenset({"bom-changed", "changed-meanwhile", "conflict", "wrong-state"})
"""Refusals of status 409 where things became other than the page showed; all others say their own cure."""
CORRECT_HERE = mark("Correct it, then send it again.")
IN_OWN_WORDS = {
    "sign-in-refused": (
        mark("Nothing was connected"),
        mark("Nothing is changed here, and nothing that waits is lost."),
    ),
    "currency-differs": (mark("These books are in another currency"), mark("Nothing was connected.")),
}
"""Title and next step of refusals that the ones of their status would lead astray."""
HTTP_MESSAGES = {
    404: mark("There is no page at this address."),
    405: mark("This address can’t be opened like that."),
    413: mark("What was sent is larger than is taken."),
    429: mark("There were too many tries in a short time."),
}
FORM_EXPIRED = mark("This form wasn’t sent from a page of your session, or the session has ended meanwhile.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A refusal as pages show it. ``field`` names what was typed wrong, as the form calls it; else it is empty."""

    status: int
    code: str
    message: str
    field: str = ""
    error_id: str = ""
    changes: tuple[Change, ...] = ()
    """What somebody else changed meanwhile."""

    @property
    def title(self) -> str:
        if self.code in IN_OWN_WORDS:
            return IN_OWN_WORDS[self.code][0]
        return TITLES.get(self.status, HTTPStatus(self.status).phrase)

    @property
    def next_here(self) -> str:
        """What to do next where the form that was sent still stands below."""
        return CORRECT_HERE if self.next_step == NEXT_STEPS[422] else self.next_step

    @property
    def next_step(self) -> str:
        """Empty where the message says it all."""
        if self.code in IN_OWN_WORDS:
            return IN_OWN_WORDS[self.code][1]
        if self.status == HTTPStatus.CONFLICT and self.code not in CHANGED:
            return ""
        return NEXT_STEPS.get(self.status, "")


def explained(error: PartsembleError) -> Failure:
    """The refusal in the same words and with the same status as the API's."""
    field = getattr(error, "field", None)
    return Failure(
        status=status_of(error),
        code=error.code,
        message=error.message,
        field=field if isinstance(field, str) else "",
        changes=error.changes if isinstance(error, ChangedMeanwhile) else (),
    )


def refused(template: str, error: PartsembleError, **values: object) -> tuple[str, int]:
    """The form again, as it was typed, with what is wrong. A fault of ours is not for forms: it is raised on."""
    failure = explained(error)
    if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    if "seen" in request.form:  # whoever was told of a change has seen it; of any other refusal nothing new was shown
        values["seen"] = error.seen if isinstance(error, ChangedMeanwhile) else request.form["seen"]
    return render_template(template, failure=failure, **values), failure.status


def register(app: Flask) -> None:
    """Pages for all that goes wrong outside of the API, which answers in JSON by handlers of its own."""
    app.register_error_handler(HTTPException, _show_http)
    app.register_error_handler(Exception, _show_error)


def _show_error(error: Exception) -> Answer:
    """A refusal in its own words. Of what broke on our side nothing is said but an id; the log tells the rest."""
    refusal = refusal_of(error)
    if isinstance(refusal, ServerFault):
        message = mark("An unexpected error stopped this page.")
        return _page(Failure(status=500, code=refusal.code, message=message, error_id=refusal.error_id))
    return _page(explained(refusal))


def _show_http(error: HTTPException) -> Answer | HTTPException:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    if isinstance(error, SecurityError) or not _host_is_sane():
        return "This host name isn’t served here.", HTTPStatus.BAD_REQUEST  # no address can be made for a page's links
    if status >= 500:
        return _show_error(error.__cause__ if isinstance(error.__cause__, Exception) else RuntimeError(str(error)))
    if isinstance(error, CSRFError):
        return _page(Failure(status=400, code="form-expired", message=FORM_EXPIRED))
    phrase = HTTPStatus(status).phrase
    message = HTTP_MESSAGES.get(status, say("The request was refused: {why}.", why=phrase.lower()))
    return _page(Failure(status=status, code=phrase.lower().replace(" ", "-"), message=message))


def _host_is_sane() -> bool:
    """Whether addresses can be made of the Host header: a label of it has at most 63 characters."""
    return all(len(label) <= 63 for label in request.environ.get("HTTP_HOST", "").split("."))


def _page(failure: Failure) -> tuple[str, int]:
    if (request.endpoint or "").startswith("integrations.popup_"):
        template = "refusals/window.html"
    else:
        template = "refusals/page.html" if "person" in g else "refusals/stranger.html"
    return render_template(template, failure=failure), failure.status
