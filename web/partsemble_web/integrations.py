"""Integrations: connecting the books in a window of its own, and the accounts that postings go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

from partsemble_core.config import PLUGIN_PREFIX
from partsemble_core.domain.journals import REQUIRED_ROLES, AccountRole
from partsemble_core.errors import Invalid, PartsembleError
from partsemble_core.plugin_api.types import BackendInfo, Organisation
from partsemble_core.services import connecting, disconnecting, labelling, mapping, noticing
from partsemble_core.services.admitting import MAY_EXPORT, MAY_SET_UP
from partsemble_core.services.answering import listening_of
from partsemble_core.services.cautioning import cautions_of
from partsemble_core.services.configuring import missing_settings
from partsemble_core.services.hearing import KEY
from partsemble_core.services.picking import pickable_accounts
from partsemble_core.services.registering import FILENAME, has_register, journal_register
from partsemble_core.services.scoping import lacks_of
from partsemble_core.services.sounding import health_of
from partsemble_core.services.token_keeping import SignInBroken
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    find_live,
    get_connection,
    mapped_accounts,
)
from partsemble_core.store.session import CompanySession
from partsemble_web import lists, sales_documents, syncs
from partsemble_web.export_accounts import by_class, role_choices
from partsemble_web.first_steps import accounts_step
from partsemble_web.heard import HEARD
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, reading, require, the_house, the_person, write
from partsemble_web.signing_in import safe_path, session_key
from partsemble_web.speaking import mark

pages = Blueprint("integrations", __name__, template_folder="templates")
lists.route(pages, syncs.RUNS, path="/integrations/syncs", noun="syncs")
lists.route(pages, syncs.ITEMS, path="/integrations/items", noun="items")
lists.route(pages, syncs.CONTACTS, path="/integrations/contacts", noun="contacts")
lists.route(pages, sales_documents.PAGE, path="/integrations/sales-documents", noun="sales")
pages.add_url_rule("/integrations/sales-documents/<id:sale_id>", view_func=sales_documents.show_sale)
lists.route(pages, HEARD, path="/integrations/heard", noun="heard")

STATE_WORDS = {
    "setup": mark("Accounts missing"),
    "active": mark("Connected"),
    "reconnect_needed": mark("Reconnect needed"),
}
WELL, UNWELL = mark("Healthy"), mark("Needs attention")
SHOWN_OF_A_CHOICE = ("external_id", "name", "base_currency", "country", "is_new")


@pages.get("/integrations")
def show() -> str:
    """The connection with its accounts, and what else could be connected."""
    return render_template("integrations/integrations.html", **_page())


def _page(accounts_typed: Mapping[AccountRole, str] | None = None) -> dict[str, object]:
    with reading() as session:
        connection = find_live(session)
        seen_accounts = noticing.last_number(session, noticing.accounts(connection.id)) if connection else ""
        seen_tracking = noticing.last_number(session, noticing.tracking(connection.id)) if connection else ""
        chosen = mapped_accounts(session, connection.id) if connection else {}
        accounts = pickable_accounts(session, connection.id) if connection else ()
        sync_rows = syncs.sync_rows(session, connection.id) if connection else ()
        listening = listening_of(the_house(), session, connection) if connection else None
        cautions = cautions_of(session, connection) if connection else ()
        health = health_of(the_house(), session, connection) if connection else None
        tracking = labelling.categories_of(session, connection.id) if connection else ()
    host = the_house().host
    return {
        "connection": connection,
        "syncs": sync_rows,
        "listening": listening,
        "cautions": cautions,
        "tracking": tracking,
        "typed_tracking": request.form if request.method == "POST" else {},
        "seen_accounts": seen_accounts,
        "seen_tracking": seen_tracking,
        "key_setting": f"{PLUGIN_PREFIX}{connection.backend}_{KEY}".upper() if connection else "",
        "info": _info_of(connection),
        "backends": sorted(host.infos.values(), key=lambda info: info.title),
        "lacks": lacks_of(the_house(), connection) if connection else (),
        "unreturned": connecting.unreturned(the_house(), the_person().company_id),
        "unset": {name: missing_settings(the_house(), name) for name in host.infos},
        "failures": host.failures,
        "account_groups": by_class(accounts),
        "roles": role_choices(chosen, typed=accounts_typed, accounts=accounts),
        "health": health,
        "health_word": WELL if health and health.is_well else UNWELL,
        "words": STATE_WORDS,
        "has_register": connection is not None and has_register(the_house(), connection.backend),
    }


@pages.get("/integrations/syncs/progress")
def show_syncs_progress() -> str:
    """The part of the page that follows syncs while one runs."""
    with reading() as session:
        connection = find_live(session)
        sync_rows = syncs.sync_rows(session, connection.id) if connection else ()
    return render_template("integrations/sync_section.html", connection=connection, syncs=sync_rows)


@pages.get("/integrations/register.csv")
def register() -> Response:
    """The journal register of books that are kept here."""
    content = journal_register(the_house(), the_person().company_id)
    answer = Response(content, content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=FILENAME)
    return answer


@pages.post("/integrations/<backend>/connect")
def popup_begin(backend: str) -> str:
    """Begins a sign-in. The answer is a page that leads on: a redirected form may not leave for another site."""
    require(MAY_SET_UP)
    house, company_id = the_house(), the_person().company_id
    info = house.host.info(backend)
    with _in_words():
        url = connecting.begin(
            house,
            act(),
            company_id,
            backend=backend,
            session_key=session_key(),
            redirect_uri=redirect_uri(backend),
        )
    if url is not None:
        return render_template("integrations/leaving.html", info=info, url=url)
    offered = connecting.organisations(house, company_id, backend=backend)
    return _choice_page(info, offered, grant_id=None)


@pages.get("/integrations/<backend>/callback")
def popup_callback(backend: str) -> str:
    """Where the accounting system sends the person back to. What it says is checked before it counts."""
    require(MAY_SET_UP)
    house = the_house()
    info = house.host.info(backend)
    params = {key: request.args[key] for key in request.args if len(request.args[key]) <= 4000}
    with _in_words():
        grant_id, offered = connecting.complete(
            house, act(), the_person().company_id, backend=backend, session_key=session_key(), params=params
        )
    return _choice_page(info, offered, grant_id=grant_id)


@pages.post("/integrations/<backend>/organisation")
def popup_choose(backend: str) -> Answer:
    """Connects the organisation that was chosen. Where its currency is another, the choice is offered again."""
    require(MAY_SET_UP)
    grant_id, offered = _offer(request.form.get("offer", ""), backend)
    try:
        connection = connecting.choose(
            the_house(),
            act(),
            the_person().company_id,
            backend=backend,
            organisation_id=request.form.get("organisation", ""),
            grant_id=grant_id,
        )
    except connecting.CurrencyDiffers as error:
        again = _choice(the_house().host.info(backend), offered, grant_id=grant_id)
        return refused("integrations/choice.html", error, **again)
    return render_template("integrations/connected.html", connection=connection, info=_info_of(connection))


@pages.post("/integrations/connections/<id:connection_id>/accounts")
def set_accounts(connection_id: int) -> Answer:
    """Chooses accounts for all roles at once. An empty optional role is unset; an empty required one stays as it is."""
    require(MAY_SET_UP)
    wanted = {role: request.form[role.value].strip() for role in AccountRole if role.value in request.form}

    def save(session: CompanySession) -> str:
        noticing.check_unchanged(session, noticing.accounts(connection_id), seen=request.form.get("seen"))
        return _map_all(session, connection_id, wanted)

    way_back = safe_path(request.form.get("next", ""))
    try:
        state = write(save)
    except PartsembleError as error:
        if way_back == url_for("first_steps.show_step", step="accounts"):
            return refused("first_steps/accounts.html", error, **accounts_step(wanted))
        return refused("integrations/integrations.html", error, asked="accounts", **_page(wanted))
    ready = state == ConnectionState.ACTIVE
    flash(_("Accounts saved. New documents are exported from now on.") if ready else _("Accounts saved."), "success")
    return redirect(way_back or url_for("integrations.show"), code=303)


@pages.post("/integrations/connections/<id:connection_id>/tracking")
def set_tracking(connection_id: int) -> Answer:
    """Chooses a tracking option for each category that is sent; an empty one is unset."""
    require(MAY_SET_UP)

    def choose(session: CompanySession) -> None:
        noticing.check_unchanged(session, noticing.tracking(connection_id), seen=request.form.get("seen"))
        for category in labelling.categories_of(session, connection_id):
            field = f"tracking-{category.category_id}"
            option_id = request.form.get(field)
            if option_id is not None and option_id != (category.chosen.external_id if category.chosen else ""):
                with _field_of_the_page(field):
                    labelling.choose_tracking(
                        session, connection_id=connection_id, category_id=category.category_id, option_id=option_id
                    )

    try:
        write(choose)
    except PartsembleError as error:
        return refused("integrations/integrations.html", error, asked="tracking", **_page())
    flash(_("Tracking saved. It counts from the next document on."), "success")
    return redirect(url_for("integrations.show"), code=303)


@contextmanager
def _field_of_the_page(name: str) -> Iterator[None]:
    """What the service calls an option is one of several fields here."""
    try:
        yield
    except Invalid as error:
        error.field = name
        raise


@pages.post("/integrations/connections/<id:connection_id>/sync")
def sync(connection_id: int) -> Answer:
    """Reads accounts, items or contacts: at once, or by a worker whose progress the page shows."""
    require(MAY_EXPORT)
    syncs.sync_now(connection_id, request.form.get("kind", "accounts"))
    return redirect(url_for("integrations.show"), code=303)


@pages.post("/integrations/connections/<id:connection_id>/schedule")
def schedule(connection_id: int) -> Answer:
    """Says how often one of them is read by itself."""
    require(MAY_EXPORT)
    syncs.plan(connection_id, request.form.get("kind", ""), request.form.get("every", "").strip())
    return redirect(url_for("integrations.show"), code=303)


@pages.post("/integrations/connections/<id:connection_id>/disconnect")
def disconnect(connection_id: int) -> Answer:
    require(MAY_SET_UP)
    disconnecting.disconnect(the_house(), the_person().company_id, connection_id)
    flash(_("Disconnected. Everything that was recorded here stays."), "success")
    return redirect(url_for("integrations.show"), code=303)


@contextmanager
def _in_words() -> Iterator[None]:
    """A sign-in service that is away or not set up is no fault of this page: its message says what to do."""
    try:
        yield
    except SignInBroken as error:
        raise connecting.SignInRefused(str(error)) from error


def _map_all(session: CompanySession, connection_id: int, wanted: Mapping[AccountRole, str]) -> str:
    chosen = mapped_accounts(session, connection_id)
    for role, code in wanted.items():
        now = chosen.get(role)
        if code and (now is None or now.code != code):
            mapping.map_account(session, connection_id=connection_id, role=role.value, code=code)
        elif not code and now is not None and role not in REQUIRED_ROLES:
            mapping.unmap_account(session, connection_id=connection_id, role=role.value)
    return get_connection(session, connection_id).state


def _info_of(connection: Connection | None) -> BackendInfo | None:
    """None too for a connection whose plugin isn't loaded any more."""
    return the_house().host.infos.get(connection.backend) if connection else None


def redirect_uri(backend: str) -> str:
    """One for each backend, and from the settings: what the browser says of our host isn't asked."""
    path = url_for("integrations.popup_callback", backend=backend)
    return f"{the_house().settings.base_url}{path}"


def _choice_page(info: BackendInfo, offered: Sequence[Organisation], *, grant_id: int | None) -> str:
    return render_template("integrations/choice.html", **_choice(info, offered, grant_id=grant_id))


def _choice(info: BackendInfo, offered: Sequence[Organisation], *, grant_id: int | None) -> dict[str, object]:
    """``offer`` carries what was offered, so that it can be shown again without asking the books again."""
    shown = [{name: getattr(each, name) for name in SHOWN_OF_A_CHOICE} for each in offered]
    offer = _signer().dumps({"backend": info.name, "grant": grant_id, "offered": shown})
    return {"info": info, "offered": offered, "offer": offer}


def _offer(text: str, backend: str) -> tuple[int | None, list[Organisation]]:
    """Grant and organisations of a choice that was offered to this session a few minutes ago. Raises SignInRefused."""
    try:
        offer = _signer().loads(text, max_age=int(connecting.CHOICE_LIFE.total_seconds()))
    except BadSignature:
        offer = {}
    if offer.get("backend") != backend:
        raise connecting.SignInRefused(mark("This choice is too old. Close this window and connect again."))
    return offer["grant"], [Organisation(**each) for each in offer["offered"]]


def _signer() -> URLSafeTimedSerializer:
    """Bound to this browser session: an offer is worth nothing in another."""
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=f"organisation-choice {session_key()}")
