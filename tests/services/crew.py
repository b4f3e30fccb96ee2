"""A company with people who can sign in, on either database."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from partsemble_core.config import load
from partsemble_core.plugin_host import PluginHost
from partsemble_core.services.admitting import Person, add_member, found_company, sign_in
from partsemble_core.services.house import House
from partsemble_core.store import database
from partsemble_core.store.audits import Actor, Door
from partsemble_core.vault import Vault
from tests.services.makers import NOW

PASSWORD = "correct horse battery"
NUMBERS = itertools.count(1)


@dataclass(slots=True)
class Crew:
    """``now`` can be moved on. People are called by their role."""

    house: House
    company_id: int
    number: int

    def email(self, role: str) -> str:
        return f"{role}.{self.number}@crew.test"

    def write(self, work: Any) -> Any:
        return self.house.write(self.company_id, work)

    def enter(self, role: str, *, password: str = PASSWORD) -> Person:
        with database.reading_anywhere(self.house.engine) as session:
            return sign_in(session, email=self.email(role), password=password)

    @property
    def act(self) -> Any:
        return self.house.act(self.company_id, by=self.email("owner"))

    def at(self, now: Any) -> Crew:
        """The same crew at another time."""
        return Crew(_house(self.house.engine, now), self.company_id, self.number)


def a_crew(engine: sa.Engine, *roles: str) -> Crew:
    """An owner, and a member of each role."""
    number = next(NUMBERS)
    crew = Crew(_house(engine, NOW), 0, number)
    company, _ = database.write_anywhere(
        engine,
        lambda s: found_company(
            s, name=f"Crew {number}", currency="NZD", email=crew.email("owner"), password=PASSWORD, now=NOW
        ),
    )
    crew.company_id = company.id
    for role in roles:
        crew.write(
            lambda s, r=role: add_member(
                s, company_id=company.id, email=crew.email(r), password=PASSWORD, role=r, name=r.title(), now=NOW
            )
        )
    return crew


def _house(engine: sa.Engine, now: Any) -> House:
    settings = load(
        {"PARTSEMBLE_BASE_URL": "https://stock.test", "PARTSEMBLE_SECRET_KEY": "s" * 40, "PARTSEMBLE_KEYS": KEY}
    )
    return House(
        settings=settings,
        engine=engine,
        host=PluginHost(),
        vault=Vault(settings.keys),
        clock=lambda: now,
        ring=lambda company_id, export_id: None,
        actor=Actor(by="tester", door=Door.CONSOLE, address="192.0.2.1"),
    )


KEY = "k1:" + "A" * 43 + "="
