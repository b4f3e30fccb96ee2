"""What one request of the console works with: the house, the person, their company, and a transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from flask import current_app, g, request

from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import Person, must_be
from partsemble_core.services.house import House
from partsemble_core.store.audits import Actor, Door
from partsemble_core.store.companies import Role
from partsemble_core.store.session import CompanySession

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFacts:
    """What every page shows of the company. ``decimals`` are those of its currency."""

    name: str
    currency: str
    decimals: int
    zone: ZoneInfo


def the_house() -> House:
    """As the person who is signed in, if there is one."""
    house: House = current_app.extensions["partsemble"]
    return opened_by(house, g.person) if "person" in g else house


def opened_by(house: House, person: Person) -> House:
    """The house as this person, who sits at the console."""
    return house.opened_by(Actor(by=person.by, door=Door.CONSOLE, address=request.remote_addr or ""))


def the_person() -> Person:
    """Who is signed in. The guard lets nobody else in."""
    person: Person = g.person
    return person


def the_company() -> CompanyFacts:
    company: CompanyFacts = g.company
    return company


def act() -> Act:
    """The person's act, now."""
    return the_house().act(the_person().company_id, by=the_person().by)


def reading() -> AbstractContextManager[CompanySession]:
    """A reading session of the person's company."""
    return the_house().reading(the_person().company_id)


def write(work: Callable[[CompanySession], T]) -> T:
    """One transaction of the person's company."""
    return the_house().write(the_person().company_id, work)


def require(roles: frozenset[Role]) -> None:
    """Raises Forbidden unless the person has one of the roles."""
    must_be(the_person(), roles)


def may(roles: frozenset[Role]) -> bool:
    """Whether a button is worth showing. The service's door asks again."""
    return the_person().role in roles
