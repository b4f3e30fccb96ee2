"""Connecting a company to its books: sign-in, choice of the organisation, accounts and their roles."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress

import requests
import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError

from partsemble_core.domain.exports import Doubt, ExportState
from partsemble_core.errors import Conflict, Refused, say, word
from partsemble_core.plugin_api.errors import NotPermitted
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.plugin_api.sign_in import SignIn
from partsemble_core.plugin_api.types import (
    BackendContext,
    ConnectRequest,
    ConnectResult,
    ConnectState,
    ConnectStep,
    InventoryMode,
    Organisation,
)
from partsemble_core.services.acting import Act
from partsemble_core.services.addressing import backend_context
from partsemble_core.services.advising import NOTHING_CHOSEN, advice_for
from partsemble_core.services.house import House
from partsemble_core.services.mapping import missing_roles, sync_accounts
from partsemble_core.services.refreshing import access_token
from partsemble_core.services.token_asking import App, app_of, oauth_session
from partsemble_core.services.token_keeping import SignInBroken, keep_tokens
from partsemble_core.store.companies import get_company
from partsemble_core.store.connections import (
    Connection,
    ConnectionState,
    Grant,
    GrantState,
    SignInFlow,
    find_live,
    get_connection,
)
from partsemble_core.store.database import database_now, reading_anywhere
from partsemble_core.store.exports import Export
from partsemble_core.store.session import CompanySession
from partsemble_core.vault import Place

FLOW_LIFE = dt.timedelta(minutes=10)
CHOICE_LIFE = dt.timedelta(minutes=15)
"""As long as somebody may take to choose an organisation."""


class SignInRefused(Refused):
    """The sign-in didn't end in a connection: cancelled, too old, used twice, or begun by another session."""

    code = "sign-in-refused"


class CurrencyDiffers(Refused):
    """The organisation keeps its books in another currency than the company its stock."""

    code = "currency-differs"


def begin(house: House, act: Act, company_id: int, *, backend: str, session_key: str, redirect_uri: str) -> str | None:
    """Starts a sign-in: the address to send the browser to, or None where the backend needs none (go on to `choose`).

    The flow is bound to ``session_key``, used once and forgotten after ten minutes.
    """
    sign_in = _begin_step(house, company_id, backend).sign_in
    if sign_in is None:
        return None
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    client = oauth_session(_app(house, backend), scope=" ".join(sign_in.scopes), redirect_uri=redirect_uri)
    url, _ = client.create_authorization_url(sign_in.authorize_url, state=state, code_verifier=verifier)
    client.close()
    flow = SignInFlow(
        backend=backend,
        state_sha256=_digest(state),
        session_key=_digest(session_key),
        verifier_sealed=house.vault.seal(Secret(verifier), _flow_place(company_id, state)),
        redirect_uri=redirect_uri,
        begun_by=act.by,
        begun_at=act.at,
    )
    house.write(company_id, lambda session: session.add(flow))
    return str(url)


def complete(
    house: House, act: Act, company_id: int, *, backend: str, session_key: str, params: Mapping[str, str]
) -> tuple[int, tuple[Organisation, ...]]:
    """Ends a sign-in with the callback's parameters: (grant id, organisations to choose from).

    Raises SignInRefused saying what to do next.
    """
    flow = house.write(company_id, lambda session: _use_flow(session, act, params.get("state", ""), session_key))
    if params.get("error"):  # only now: words that came with a state of nobody's are shown to nobody
        raise SignInRefused(advice_for(params["error"], params.get("error_description", "")))
    if flow.backend != backend:
        raise SignInRefused(
            say(
                "This sign-in was begun for {flow_backend}, not for {backend}. Start again.",
                flow_backend=flow.backend,
                backend=backend,
            )
        )
    sign_in = _begin_step(house, company_id, flow.backend).sign_in
    if sign_in is None:
        raise SignInRefused(say("{backend} no longer needs a sign-in. Start again.", backend=flow.backend))
    verifier = house.vault.unseal(flow.verifier_sealed, _flow_place(company_id, params["state"]))
    app = _app(house, flow.backend)
    answer = _exchange(app, flow, sign_in, verifier, params.get("code", ""))
    grant_id = house.write(company_id, lambda session: _keep_grant(house, session, app, flow, sign_in, answer))
    ctx = backend_context(house, flow.backend, company_id=company_id, token=access_token(house, grant_id))
    try:
        found = _ask(house, flow.backend, ctx, ConnectRequest(step=ConnectStep.COMPLETE)).organisations
    except NotPermitted as error:
        raise SignInRefused(say("{error} {advice}", error=word(error.message), advice=word(NOTHING_CHOSEN))) from error
    if not found:
        raise SignInRefused(NOTHING_CHOSEN)
    offered = [organisation.external_id for organisation in found]
    house.write(company_id, lambda session: _keep_offer(session, flow.id, offered))
    _resume(house, grant_id, offered)
    return grant_id, found


def choose(
    house: House,
    act: Act,
    company_id: int,
    *,
    backend: str,
    organisation_id: str,
    grant_id: int | None = None,
) -> Connection:
    """Connects the company to one organisation and reads its accounts. The same one again reconnects it.

    Raises CurrencyDiffers, Conflict while another organisation is connected, SignInRefused.
    """
    token: Secret | None = None
    if grant_id is not None:
        with house.reading(company_id) as session:
            _check_offered(session, act, grant_id, organisation_id)
        token = access_token(house, grant_id)
    ctx = backend_context(house, backend, company_id=company_id, token=token, organisation_id=organisation_id)
    request = ConnectRequest(step=ConnectStep.CHOOSE, organisation_id=organisation_id)
    result = _ask(house, backend, ctx, request)
    if result.state != ConnectState.READY or not result.organisations:
        raise SignInRefused("The organisation can't be connected. Start again and choose one that is listed.")
    organisation = result.organisations[0]
    mode = _only_mode(house, backend)
    connection = house.write(
        company_id,
        lambda session: _connect(session, act, backend, organisation, grant_id=grant_id, mode=mode),
    )
    sync_accounts(house, connection)
    return connection


def unreturned(house: House, company_id: int) -> str | None:
    """The backend of a sign-in of the last minutes that never came back: its page may have ended on an error there."""
    with house.reading(company_id) as session:
        last = session.scalar(sa.select(SignInFlow).order_by(SignInFlow.id.desc()).limit(1))
    is_open = last is not None and last.used_at is None and last.begun_at > house.clock() - FLOW_LIFE
    return last.backend if last is not None and is_open else None


def organisations(house: House, company_id: int, *, backend: str) -> tuple[Organisation, ...]:
    """What a backend without sign-in offers to connect."""
    return _begin_step(house, company_id, backend).organisations


def _begin_step(house: House, company_id: int, backend: str) -> ConnectResult:
    ctx = backend_context(house, backend, company_id=company_id)
    return _ask(house, backend, ctx, ConnectRequest(step=ConnectStep.BEGIN))


def _ask(house: House, backend: str, ctx: BackendContext, request: ConnectRequest) -> ConnectResult:
    with closing(ctx.http):
        return house.host.connect(backend, ctx, request)


def _app(house: House, backend: str) -> App:
    with reading_anywhere(house.engine) as session:
        return app_of(session, house, backend)


def _use_flow(session: CompanySession, act: Act, state: str, session_key: str) -> SignInFlow:
    flow = session.scalar(sa.select(SignInFlow).where(SignInFlow.state_sha256 == _digest(state)).with_for_update())
    if flow is None or flow.session_key != _digest(session_key):
        raise SignInRefused("This sign-in wasn't begun here. Start again from Integrations.")
    if flow.used_at is not None or flow.begun_at + FLOW_LIFE < act.at:
        raise SignInRefused("This sign-in was used already or is older than ten minutes. Start again.")
    flow.used_at = act.at
    return flow


def _exchange(app: App, flow: SignInFlow, sign_in: SignIn, verifier: Secret, code: str) -> Mapping[str, object]:
    client = oauth_session(app, redirect_uri=flow.redirect_uri)
    try:
        answer = client.fetch_token(
            sign_in.token_url,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier.reveal(),
            allow_redirects=False,
        )
    except AuthlibBaseError as error:
        raise SignInRefused(advice_for(str(error.error or ""), "")) from None
    except (requests.RequestException, ValueError) as error:
        raise SignInBroken(
            say("The sign-in service did not answer ({type}). Start again.", type=type(error).__name__)
        ) from None
    finally:
        client.close()
    return dict(answer)


def _keep_grant(
    house: House,
    session: CompanySession,
    app: App,
    flow: SignInFlow,
    sign_in: SignIn,
    answer: Mapping[str, object],
) -> int:
    """One grant for each person and app, in the whole installation: a second consent adds a set of tokens to it."""
    subject = _claim(str(answer.get("access_token", "")), sign_in.subject_claim)
    key = {"backend": flow.backend, "client_id": app.client_id, "subject": subject}
    found = sa.select(Grant).filter_by(**key).with_for_update()
    grant = session.scalar(found)
    if grant is None:
        fresh = Grant(
            **key,
            lease_epoch=0,
            created_at=house.clock(),
            state=GrantState.ACTIVE,
            token_url=sign_in.token_url,
            revoke_url=sign_in.revoke_url,
            grace_seconds=sign_in.refresh_grace_seconds,
        )
        with suppress(sa.exc.IntegrityError), session.begin_nested():  # another company may be a moment faster
            session.add(fresh)
        grant = session.scalars(found.execution_options(populate_existing=True)).one()
    grant.token_url, grant.revoke_url = sign_in.token_url, sign_in.revoke_url
    grant.state, grant.quarantine_until = GrantState.ACTIVE, None
    keep_tokens(house, session, grant.id, answer)
    session.get_one(SignInFlow, flow.id).grant_id = grant.id
    return grant.id


def _keep_offer(session: CompanySession, flow_id: int, offered: list[str]) -> None:
    session.get_one(SignInFlow, flow_id).offered = offered


def _check_offered(session: CompanySession, act: Act, grant_id: int, organisation_id: str) -> None:
    """A grant may reach other companies' organisations: this company gets what its own sign-in showed it."""
    flows = session.scalars(
        sa.select(SignInFlow).where(SignInFlow.grant_id == grant_id, SignInFlow.used_at >= act.at - CHOICE_LIFE)
    )
    if not any(organisation_id in flow.offered for flow in flows):
        raise SignInRefused("No sign-in of the last minutes offered this organisation. Start again from Integrations.")


def _resume(house: House, grant_id: int, offered: Sequence[str]) -> None:
    """Connections that waited for this person go on, other companies' too: their sign-in is this one."""
    with reading_anywhere(house.engine) as session:
        waiting = session.execute(
            sa.select(Connection.company_id, Connection.id).where(
                Connection.grant_id == grant_id,
                Connection.organisation_id.in_(offered),
                Connection.state == ConnectionState.RECONNECT_NEEDED,
            )
        ).all()
    for company_id, connection_id in waiting:
        house.write(company_id, lambda session, waited=connection_id: _go_on(session, waited))  # type: ignore[misc]


def _go_on(session: CompanySession, connection_id: int) -> None:
    connection = get_connection(session, connection_id)
    connection.problem, connection.paused_until = "", None
    connection.state = ConnectionState.SETUP if missing_roles(session, connection.id) else ConnectionState.ACTIVE
    _wake_exports(session, connection.id)


def _wake_exports(session: CompanySession, connection_id: int) -> None:
    """What only waited for the sign-in is due now; what rests after a lost answer goes on resting."""
    session.execute(
        sa.update(Export)
        .where(
            Export.connection_id == connection_id,
            Export.state.in_([ExportState.PENDING, ExportState.CREATED]),
            Export.doubt == Doubt.NONE,
        )
        .values(not_before=database_now(session))
    )


def _connect(
    session: CompanySession,
    act: Act,
    backend: str,
    organisation: Organisation,
    *,
    grant_id: int | None,
    mode: InventoryMode,
) -> Connection:
    company = get_company(session)
    if organisation.base_currency and organisation.base_currency != company.currency:
        raise CurrencyDiffers(
            say(
                "{organisation_name} keeps its books in {base_currency}, {company_name} its stock in "
                "{currency}. Choose an organisation in {currency}.",
                organisation_name=organisation.name,
                base_currency=organisation.base_currency,
                company_name=company.name,
                currency=company.currency,
            )
        )
    live = find_live(session)
    if live is not None and (live.backend, live.organisation_id) != (backend, organisation.external_id):
        raise Conflict(
            say("{organisation_name} is connected. Disconnect it first.", organisation_name=live.organisation_name)
        )
    found = live or session.scalar(
        sa.select(Connection).where(
            Connection.backend == backend, Connection.organisation_id == organisation.external_id
        )
    )
    if found is None:
        found = Connection(backend=backend, organisation_id=organisation.external_id, created_at=act.at)
        session.add(found)
    found.organisation_name = organisation.name
    found.base_currency = organisation.base_currency or company.currency
    found.link_id = organisation.link_id
    found.grant_id = grant_id
    found.inventory_mode = mode
    found.locked_through = organisation.locked_through
    found.problem = ""
    found.paused_until = None
    found.state = ConnectionState.SETUP
    session.flush()
    if not missing_roles(session, found.id):
        found.state = ConnectionState.ACTIVE
        _wake_exports(session, found.id)
    return found


def _only_mode(house: House, backend: str) -> InventoryMode:
    modes = house.host.info(backend).capabilities.inventory_modes
    return InventoryMode.JOURNAL_ONLY if InventoryMode.JOURNAL_ONLY in modes else next(iter(modes))


def _claim(token: str, name: str) -> str:
    """A claim of a JWT, read without verifying: it only tells whose grant this is, and authorises nothing."""
    parts = token.split(".")
    if len(parts) == 3:
        with suppress(ValueError):
            body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
            if isinstance(body, dict) and isinstance(body.get(name), str):
                return str(body[name])
    raise SignInBroken(say("The access token doesn't say whose it is ({name}). Report this as a fault.", name=name))


def _flow_place(company_id: int, state: str) -> Place:
    return Place(table="sign_in_flows", column="verifier_sealed", row_key=_digest(state), company_id=company_id)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
