"""Signing in and out, and the guard that lets nobody else pass."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, flash, g, redirect, render_template, request, session, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import SecurityError
from werkzeug.wrappers import Response as AnyResponse

from partsemble_core.errors import Forbidden
from partsemble_core.services.admitting import Person, find_person, sign_in
from partsemble_core.services.house import House
from partsemble_core.store.companies import get_company
from partsemble_core.store.database import reading_anywhere
from partsemble_web.scope import CompanyFacts, the_house

NO_COOKIES = ("/api/", "/webhooks/")
"""Whoever calls here brings a token or a signature and no cookie, so there is nothing to forge."""
CALLBACK = "integrations.popup_callback"
"""Its address holds a code that is worth nothing in another session, and belongs in no other address."""
OPEN_ENDPOINTS = frozenset({"assets.static", "signing_in.show_form", "signing_in.enter"})
TIME_OUTS = {"socket_connect_timeout": 1, "socket_timeout": 1}
"""Seconds. A counter that can't be reached is replaced by one in memory, not waited for."""
PER_ADDRESS = "20 per minute; 100 per hour"
PER_ACCOUNT = "10 per 15 minutes"

pages = Blueprint("signing_in", __name__, template_folder="templates")
limiter = Limiter(get_remote_address, strategy="sliding-window-counter", in_memory_fallback_enabled=True)


class SignedIn:
    """A person as Flask-Login wants them: the session holds the membership's id and a mark of the password."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, person: Person) -> None:
        self.person = person

    def get_id(self) -> str:
        return f"{self.person.membership_id}.{self.person.password_mark}"


def guard(app: Flask, house: House) -> None:
    """Sign-in, CSRF and rate limits for all of ``app`` but the API and the webhooks, which have doors of their own."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch still works
        RATELIMIT_STORAGE_URI=house.settings.redis_url or "memory://",
        RATELIMIT_STORAGE_OPTIONS=TIME_OUTS if house.settings.redis_url else {},
        # Browsers keep __Host- cookies to this very host, and to https.
        SESSION_COOKIE_NAME="__Host-partsemble" if house.settings.secure_cookies else "partsemble",
    )
    limiter.init_app(app)
    csrf = CSRFProtect(app)
    logins = LoginManager(app)
    logins.session_protection = "basic"
    logins.user_loader(_loader(house))
    app.before_request(lambda: None if request.path.startswith(NO_COOKIES) else _admit(csrf))


def account_tried() -> str:
    """Tries are counted by account too: guesses for one may come from many places."""
    return request.form.get("email", "").strip().lower()[:254]


def was_refused(answer: Response) -> bool:
    """Only a wrong password is a try: people may sign in as often as they like."""
    return answer.status_code == 403


@pages.get("/sign-in")
def show_form() -> str:
    return render_template("signing_in/form.html", email="", next=_safe_path(request.args.get("next", "")))


@pages.post("/sign-in")
@limiter.limit(PER_ADDRESS, deduct_when=was_refused)
@limiter.limit(PER_ACCOUNT, key_func=account_tried, deduct_when=was_refused)
def enter() -> AnyResponse | tuple[str, int]:
    """Starts a fresh session. Raises nothing: wrong words are said beside the form."""
    email = request.form.get("email", "")
    wanted = _safe_path(request.form.get("next", ""))
    try:
        with reading_anywhere(the_house().engine) as reader:
            person = sign_in(reader, email=email, password=request.form.get("password", ""))
    except Forbidden as refusal:
        page = render_template("signing_in/form.html", email=email[:254], next=wanted, refusal=refusal)
        return page, 403
    session.clear()
    session.permanent = True
    session["key"] = secrets.token_urlsafe(24)
    login_user(SignedIn(person))
    return redirect(wanted or url_for("home.show"), code=303)


@pages.post("/sign-out")
def leave() -> AnyResponse:
    logout_user()
    session.clear()
    flash("You are signed out.", "info")
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
    if request.endpoint is None or request.endpoint in OPEN_ENDPOINTS:
        return None
    is_page = request.method == "GET" and request.endpoint != CALLBACK
    wanted = request.full_path.rstrip("?") if is_page else ""
    form = url_for("signing_in.show_form", next=wanted or None)
    if "HX-Request" in request.headers:  # a part of a page was asked for: the whole page has to go
        return Response(status=401, headers={"HX-Redirect": form})
    return redirect(form, code=303)


def _loader(house: House) -> Callable[[str], SignedIn | None]:
    def load(session_id: str) -> SignedIn | None:
        membership_id, _, password_mark = session_id.partition(".")
        with reading_anywhere(house.engine) as reader:
            person = find_person(reader, int(membership_id))
        return SignedIn(person) if person and person.password_mark == password_mark else None

    return load


def _facts(company_id: int) -> CompanyFacts:
    with the_house().reading(company_id) as reader:
        company = get_company(reader)
        return CompanyFacts(
            name=company.name,
            currency=company.currency,
            decimals=company.decimals,
            zone=ZoneInfo(company.timezone),
        )


def _safe_path(text: str) -> str:
    """A path of ours to go on to, or nothing: never another site's address."""
    try:
        parts = urlsplit(text)
    except ValueError:  # such as //[x
        return ""
    is_ours = text.startswith("/") and not text.startswith("//") and not parts.scheme and not parts.netloc
    is_plain = text.isprintable() and "\\" not in text
    return text if is_ours and is_plain else ""
