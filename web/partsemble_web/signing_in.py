"""Signing in and out, and the guard that lets nobody else pass."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from partsemble_core.config import Settings
from partsemble_core.errors import Forbidden
from partsemble_core.services.admitting import Person, sign_in
from partsemble_core.services.house import House
from partsemble_core.services.incorporating import has_company
from partsemble_core.services.signing_in import (
    Ended,
    begin_sign_in,
    end_sign_in,
    find_signed_in,
    is_due,
    note_seen,
    why_ended,
)
from partsemble_core.services.vouching import is_vouched_for, mark_of, vouch
from partsemble_core.store.audits import Actor, Door
from partsemble_core.store.companies import get_company
from partsemble_core.store.database import reading_anywhere
from partsemble_web.scope import CompanyFacts, opened_by, the_house, write

NO_COOKIES = ("/api/", "/webhooks/")
"""Whoever calls here brings a token or a signature and no cookie, so there is nothing to forge."""
CALLBACK = "integrations.popup_callback"
"""Its address holds a code that is worth nothing in another session, and belongs in no other address."""
OPEN_ENDPOINTS = frozenset(
    {
        "assets.static",
        "signing_in.show_form",
        "signing_in.enter",
        "signing_in.show_code",
        "signing_in.enter_code",
    }
)
OPEN_AREAS = ("joining.", "founding.")
"""Pages for people who can't sign in yet, or not any more."""
TIME_OUTS = {"socket_connect_timeout": 1, "socket_timeout": 1}
"""Seconds. A counter that can't be reached is replaced by one in memory, not waited for."""
PER_ADDRESS = "20 per minute; 100 per hour"
PER_ACCOUNT = "10 per 15 minutes"
PER_PERSON = "5 per 15 minutes"
"""Wrong codes of a second factor: a million of them are possible, so nobody may try many."""
HALF = "half"
HALF_SECONDS = 600
"""How long a sign-in waits for its code."""

pages = Blueprint("signing_in", __name__, template_folder="templates")
limiter = Limiter(get_remote_address, strategy="sliding-window-counter", in_memory_fallback_enabled=True)


class SignedIn:
    """A person as Flask-Login wants them: the session holds the secret of a sign-in that is kept, and ended, here."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, person: Person, key: str) -> None:
        self.person = person
        self.key = key

    def get_id(self) -> str:
        return self.key


def guard(app: Flask, house: House) -> None:
    """Sign-in, CSRF and rate limits for all of ``app`` but the API and the webhooks, which have doors of their own."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch still works
        RATELIMIT_STORAGE_URI=house.settings.redis_url or "memory://",
        RATELIMIT_HEADERS_ENABLED=True,  # Retry-After says how long
        RATELIMIT_STORAGE_OPTIONS=TIME_OUTS if house.settings.redis_url else {},
        SESSION_COOKIE_NAME=cookie_name(house.settings),
    )
    limiter.init_app(app)
    csrf = CSRFProtect(app)
    logins = LoginManager(app)
    logins.session_protection = "basic"
    logins.user_loader(_loader(house))
    app.before_request(lambda: None if request.path.startswith(NO_COOKIES) else _admit(csrf))


def cookie_name(settings: Settings) -> str:
    """Browsers don't tell ports of a host apart: with a port in it, installations don't sign each other out.

    They keep ``__Host-`` cookies to this very host, and to https.
    """
    port = urlsplit(settings.base_url).port
    name = f"partsemble_{port}" if port else "partsemble"
    return f"__Host-{name}" if settings.secure_cookies else name


def account_tried() -> str:
    """Tries are counted by account too: guesses for one may come from many places."""
    return request.form.get("email", "").strip().lower()[:254]


def was_refused(answer: Response) -> bool:
    """Only a wrong password is a try: people may sign in as often as they like."""
    return answer.status_code == 403


def half_of() -> str:
    """Codes are counted by person, wherever the tries come from."""
    half = _half()
    return f"code of {half['member']}" if half else "nobody's code"


def _half() -> Any:
    """What the first half of a sign-in left in this browser, while it is fresh."""
    half = session.get(HALF)
    is_fresh = isinstance(half, dict) and 0 <= the_house().clock().timestamp() - half["at"] <= HALF_SECONDS
    return half if is_fresh else None


@pages.get("/sign-in")
def show_form() -> AnyResponse | str:
    """On an installation without a company nobody can sign in: the first company is founded instead."""
    if not has_company(the_house()):
        return redirect(url_for("founding.show"))
    return render_template("signing_in/form.html", email="", next=safe_path(request.args.get("next", "")))


@pages.post("/sign-in")
@limiter.limit(PER_ADDRESS, deduct_when=was_refused)
@limiter.limit(PER_ACCOUNT, key_func=account_tried, deduct_when=was_refused)
def enter() -> AnyResponse | tuple[str, int]:
    """Starts a fresh session. Raises nothing: wrong words are said beside the form."""
    email = request.form.get("email", "")
    wanted = safe_path(request.form.get("next", ""))
    try:
        with reading_anywhere(the_house().engine) as reader:
            person = sign_in(reader, email=email, password=request.form.get("password", ""))
            takes_code, mark = is_vouched_for(reader, person.user_id), mark_of(reader, person.user_id)
    except Forbidden as refusal:
        if not has_company(the_house()):
            return redirect(url_for("founding.show"), code=303)
        page = render_template("signing_in/form.html", email=email[:254], next=wanted, refusal=refusal)
        return page, 403
    if takes_code:
        session.clear()
        begun_at = int(the_house().clock().timestamp())
        session[HALF] = {"member": person.membership_id, "mark": mark, "at": begun_at, "next": wanted}
        return redirect(url_for("signing_in.show_code"), code=303)
    return let_in(person, wanted)


@pages.get("/sign-in/code")
def show_code() -> str:
    return render_template("signing_in/code.html", has_begun=_half() is not None)


@pages.post("/sign-in/code")
@limiter.limit(PER_ADDRESS, deduct_when=was_refused)
@limiter.limit(PER_PERSON, key_func=half_of, deduct_when=was_refused)
def enter_code() -> AnyResponse | tuple[str, int]:
    """The second half of a sign-in."""
    half = _half()
    if half is None:
        flash(_("That took too long. Begin again."), "info")
        return redirect(url_for("signing_in.show_form"), code=303)
    house = the_house().opened_by(Actor(by="sign-in", door=Door.CONSOLE, address=request.remote_addr or ""))
    try:
        person = vouch(house, half["member"], mark=half["mark"], code=request.form.get("code", ""))
    except Forbidden as refusal:
        return render_template("signing_in/code.html", has_begun=True, refusal=refusal), 403
    return let_in(person, half["next"])


def let_in(person: Person, wanted: str) -> AnyResponse:
    """A fresh session in the browser, and the row that it lives by."""
    key = secrets.token_urlsafe(24)
    house = opened_by(the_house(), person)
    now, agent = house.clock(), request.headers.get("User-Agent", "")
    house.write(
        person.company_id,
        lambda writer: begin_sign_in(
            writer, person, key=key, address=request.remote_addr or "", agent=agent, now=now, idle=idle_time(house)
        ),
    )
    session.clear()
    session.permanent = True
    session["key"] = key
    login_user(SignedIn(person, key))
    return redirect(wanted or url_for("home.show"), code=303)


@pages.post("/sign-out")
def leave() -> AnyResponse:
    """Ends the sign-in here, so that a copy of the cookie is worth nothing."""
    key, now = session_key(), the_house().clock()
    write(lambda writer: end_sign_in(writer, key=key, now=now))
    logout_user()
    session.clear()
    flash(_("You are signed out."), "info")
    return redirect(url_for("signing_in.show_form"), code=303)


def session_key() -> str:
    """A secret of this browser session, for what must end where it began."""
    return str(session["key"])


def _admit(csrf: CSRFProtect) -> Response | AnyResponse | None:
    """Refuses forged forms first, then sends strangers to the sign-in page."""
    if isinstance(request.routing_exception, SecurityError):
        return None  # it was sent to a host that we don't answer for, and is refused as such
    csrf.protect()
    if current_user.is_authenticated and "key" in session:
        g.person = current_user.person
        g.company = _facts(current_user.person.company_id)
        return None
    if "key" in session and request.endpoint != "assets.static":
        _say_why_it_ended()
    if request.endpoint is None or request.endpoint in OPEN_ENDPOINTS or request.endpoint.startswith(OPEN_AREAS):
        return None
    is_page = request.method == "GET" and request.endpoint != CALLBACK
    wanted = request.full_path.rstrip("?") if is_page else ""
    form = url_for("signing_in.show_form", next=wanted or None)
    if "HX-Request" in request.headers:  # a part of a page was asked for: the whole page has to go
        return Response(status=401, headers={"HX-Redirect": form})
    return redirect(form, code=303)


def _loader(house: House) -> Callable[[str], SignedIn | None]:
    def load(key: str) -> SignedIn | None:
        now = house.clock()
        with reading_anywhere(house.engine) as reader:
            person = find_signed_in(reader, key, now=now)
            is_click = person is not None and _is_click() and is_due(reader, key, now=now)
        if is_click:
            note_seen(house.engine, key, now=now, idle=idle_time(house), lasts=_lasting_time(house))
        return SignedIn(person, key) if person else None

    return load


def _is_click() -> bool:
    """A page that is left open and asks by itself what is new keeps nobody signed in."""
    if request.method != "GET" or "HX-Boosted" in request.headers:
        return True
    return "HX-Request" not in request.headers and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def idle_time(house: House) -> dt.timedelta:
    """How long a browser stays signed in without a click."""
    return dt.timedelta(minutes=house.settings.idle_minutes)


def _lasting_time(house: House) -> dt.timedelta:
    return dt.timedelta(days=house.settings.sign_in_days)


def _say_why_it_ended() -> None:
    """Once, on the sign-in page: somebody who is signed out without a word thinks that something broke."""
    house, key = the_house(), session_key()
    with reading_anywhere(house.engine) as reader:
        ended = why_ended(reader, key, now=house.clock(), lasts=_lasting_time(house))
    session.clear()
    if ended == Ended.IDLE:
        flash(
            _("You were signed out because nothing was done here for a while. Nothing is lost. Sign in again."), "info"
        )
    elif ended == Ended.OLD:
        flash(_("You were signed out because you signed in long ago. Nothing is lost. Sign in again."), "info")
    elif ended == Ended.BY_SOMEBODY:
        flash(_("This browser was signed out. Sign in again."), "info")


def _facts(company_id: int) -> CompanyFacts:
    with the_house().reading(company_id) as reader:
        company = get_company(reader)
        return CompanyFacts(
            name=company.name,
            currency=company.currency,
            decimals=company.decimals,
            zone=ZoneInfo(company.timezone),
        )


def safe_path(text: str) -> str:
    """A page of ours to go on to, or nothing: never another site's address, nor one that only takes forms."""
    try:
        parts = urlsplit(text)
    except ValueError:  # such as //[x
        return ""
    is_ours = text.startswith("/") and not text.startswith("//") and not parts.scheme and not parts.netloc
    is_plain = text.isprintable() and "\\" not in text
    return text if is_ours and is_plain and _is_page(parts.path) else ""


def _is_page(path: str) -> bool:
    try:
        current_app.url_map.bind("localhost").match(path, method="GET")
    except HTTPException:  # also where it would lead elsewhere, such as to one slash for two
        return False
    return True
