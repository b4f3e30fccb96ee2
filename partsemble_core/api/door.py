"""The way into the API: a Bearer token opens one company, a role what may be done, one transaction what is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue

from partsemble_core.api.errors import TokenRefused, error_body, refusal_of, status_of
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import Person, find_token_holder, must_be
from partsemble_core.services.house import House
from partsemble_core.services.issuing import is_use_due, note_use
from partsemble_core.store.audits import Actor, Door
from partsemble_core.store.companies import Role
from partsemble_core.store.database import reading_anywhere
from partsemble_core.store.session import CompanySession

PREFIX = "/api/v1"
BODY_SIZE = 2 * 1024 * 1024
P = ParamSpec("P")
T = TypeVar("T")
Json = dict[str, Any]


def answer_error(error: Exception) -> ResponseReturnValue:
    """The JSON answer to whatever was raised."""
    refusal = refusal_of(error)
    answer = jsonify(error_body(refusal))
    answer.status_code = status_of(refusal)
    if isinstance(refusal, TokenRefused):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Partsemble"'
    return answer


def guard_addresses(app: Flask) -> None:
    """Answers what no route takes (404, 405) as JSON below the API's prefix, whatever error pages the app has."""

    def refuse() -> ResponseReturnValue | None:
        if request.path.startswith(f"{PREFIX}/") and request.routing_exception is not None:
            return answer_error(request.routing_exception)
        return None

    app.before_request(refuse)


def needs(roles: frozenset[Role]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Refuses (Forbidden) everybody else before anything of the request is read."""

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            must_be(the_person(), roles)
            return view(*args, **kwargs)

        return guarded

    return decorate


def the_house() -> House:
    """As the holder of the token, once that is known."""
    house = cast(House, current_app.extensions["partsemble"])
    if "api_person" not in g:
        return house
    return house.opened_by(Actor(by=g.api_person.by, door=Door.API, address=request.remote_addr or ""))


def the_person() -> Person:
    """Whose token came with the request."""
    return cast(Person, g.api_person)


def reading() -> AbstractContextManager[CompanySession]:
    """A session for reading in the company of the token."""
    return the_house().reading(the_person().company_id)


def writing(work: Callable[[CompanySession, Act], T]) -> T:
    """Runs ``work`` in one transaction of the token's company, as its holder, now."""
    person, house = the_person(), the_house()
    act = house.act(person.company_id, by=person.by)
    return house.write(person.company_id, lambda session: work(session, act))


def act_of() -> Act:
    """The act of the token's holder, now."""
    person = the_person()
    return the_house().act(person.company_id, by=person.by)


def today() -> dt.date:
    """The calendar day of the token's company."""
    person = the_person()
    return the_house().act(person.company_id, by=person.by).today


def admit() -> None:
    """Lets in the holder of a valid token. Raises TokenRefused."""
    request.max_content_length = BODY_SIZE
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused
    house = the_house()
    now, token = house.clock(), token.strip()
    with reading_anywhere(house.engine) as session:
        person = find_token_holder(session, token, now=now)
        is_due = person is not None and is_use_due(session, token, now=now)
    if person is None:
        raise TokenRefused
    g.api_person = person
    if is_due:
        note_use(house.engine, token, now=now)
