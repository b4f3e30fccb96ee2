"""What a command works with: the settings, a database of the newest schema, one company, and who acts."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from partsemble_core import config
from partsemble_core.domain.products import sku_key
from partsemble_core.errors import Refused, say
from partsemble_core.services.acting import Act
from partsemble_core.services.house import House
from partsemble_core.store.audits import Actor, Door
from partsemble_core.store.companies import Company
from partsemble_core.store.database import migrate, reading_anywhere
from partsemble_core.store.session import CompanySession
from partsemble_core.wiring import build_house

T = TypeVar("T")


class CompanyNotChosen(Refused):
    """A command needs one company, and there is none, or more than one and none was named."""

    code = "company-not-chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One company, opened for a command. Its money has ``decimals`` places at least when it is shown."""

    house: House
    company_id: int
    decimals: int
    act: Act

    def reading(self) -> AbstractContextManager[CompanySession]:
        return self.house.reading(self.company_id)

    def writing(self, work: Callable[[CompanySession], T]) -> T:
        """Runs ``work`` in one transaction."""
        return self.house.write(self.company_id, work)


def settings_of(args: argparse.Namespace) -> config.Settings:
    """Raises BadSetting."""
    return config.load(data_dir=args.data_dir)


@contextmanager
def open_house(args: argparse.Namespace) -> Iterator[House]:
    """The house on a database of the newest schema."""
    settings = settings_of(args)
    migrate(settings.database_url)
    house = build_house(settings).opened_by(Actor(by=whoever(), door=Door.COMMAND_LINE))
    try:
        yield house
    finally:
        house.engine.dispose()


def whoever() -> str:
    """Who types, as histories show it."""
    return f"command line ({getpass.getuser()})"


@contextmanager
def open_office(args: argparse.Namespace) -> Iterator[Office]:
    """The company that the command is about: ``--company``, or the only one. Raises CompanyNotChosen."""
    with open_house(args) as house:
        company = _chosen(house, args.company)
        yield Office(
            house=house,
            company_id=company.id,
            decimals=company.decimals,
            act=house.act(company.id, by=whoever()),
        )


def _chosen(house: House, wanted: str | None) -> Company:
    with reading_anywhere(house.engine) as session:
        companies = session.scalars(sa.select(Company).order_by(Company.id)).all()
    if not companies:
        raise CompanyNotChosen("There is no company yet. Found one: partsemble init NAME --currency NZD --email YOU")
    if wanted is None:
        if len(companies) == 1:
            return companies[0]
        raise CompanyNotChosen(
            say("There is more than one company. Say which: --company ID of {listed}.", listed=_listed(companies))
        )
    for company in companies:
        if wanted == str(company.id) or sku_key(wanted) == sku_key(company.name):
            return company
    raise CompanyNotChosen(
        say("There is no company {wanted!r}. Use one of {listed}.", wanted=wanted[:60], listed=_listed(companies))
    )


def _listed(companies: object) -> str:
    return ", ".join(f"{c.id} ({c.name})" for c in companies)  # type: ignore[attr-defined]
