"""How a refusal looks on a page: the API's code and message, what to do next, and an id for what is our own fault."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response

from partsemble_core.api.errors import ServerFault, refusal_of, status_of
from partsemble_core.errors import PartsembleError

Answer = Response | str | tuple[str, int]
TITLES = {
    400: "That didn’t arrive as it should",
    403: "You may not do this",
    404: "Nothing here",
    405: "Not this way",
    409: "That doesn’t fit how things are now",
    413: "Too large",
    422: "Something has to be corrected",
    429: "Too many tries",
    500: "Something broke on our side",
    502: "The accounting system said no",
}
NEXT_STEPS = {
    400: "Load the page again, then repeat what you did.",
    403: "Ask an owner or admin of your company if you need this.",
    404: "It may never have existed, or belong to another company. Look for it in its list.",
    405: "Open the page from the menu instead.",
    409: "Look at how things are now, then decide again.",
    413: "Send it in smaller parts.",
    422: "Go back and correct it.",
    429: "Wait, then try again: a minute, or a quarter of an hour after ten wrong passwords or five wrong codes.",
    500: "Nothing was changed. If it happens again, tell whoever runs this installation the error id.",
    502: "Nothing is lost here. Try again; if it stays so, look at the accounting system itself.",
}
IN_OWN_WORDS = {
    "sign-in-refused": ("Nothing was connected", "Nothing is changed here, and nothing that waits is lost."),
    "currency-differs": ("These books are in another currency", "Nothing was connected."),
}
"""Title and next step of refusals that the ones of their status would lead astray."""
HTTP_MESSAGES = {
    404: "There is no page at this address.",
    405: "This address can’t be opened like that.",
    413: "What was sent is larger than is taken.",
    429: "There were too many tries in a short time.",
}
FORM_EXPIRED = "This form wasn’t sent from a page of your session, or the session has ended meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A refusal as pages show it. ``field`` names what was typed wrong, as the form calls it; else it is empty."""

    status: int
    code: str
    message: str
    field: str = ""
    error_id: str = ""

    @property
    def title(self) -> str:
        if self.code in IN_OWN_WORDS:
            return IN_OWN_WORDS[self.code][0]
        return TITLES.get(self.status, HTTPStatus(self.status).phrase)

    @property
    def next_step(self) -> str:
        if self.code in IN_OWN_WORDS:
            return IN_OWN_WORDS[self.code][1]
        return NEXT_STEPS.get(self.status, "")


def explained(error: PartsembleError) -> Failure:
    """The refusal in the same words and with the same status as the API's."""
    field = getattr(error, "field", None)
    return Failure(
        status=status_of(error),
        code=error.code,
        message=str(error),
        field=field if isinstance(field, str) else "",
    )


def refused(template: str, error: PartsembleError, **values: object) -> tuple[str, int]:
    """The form again, as it was typed, with what is wrong. A fault of ours is not for forms: it is raised on."""
    failure = explained(error)
    if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    return render_template(template, failure=failure, **values), failure.status


def register(app: Flask) -> None:
    """Pages for all that goes wrong outside of the API, which answers in JSON by handlers of its own."""
    app.register_error_handler(HTTPException, _show_http)
    app.register_error_handler(Exception, _show_error)


def _show_error(error: Exception) -> Answer:
    """A refusal in its own words. Of what broke on our side nothing is said but an id; the log tells the rest."""
    refusal = refusal_of(error)
    if isinstance(refusal, ServerFault):
        message = "An unexpected error stopped this page."
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
    message = HTTP_MESSAGES.get(status, f"The request was refused: {phrase.lower()}.")
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
