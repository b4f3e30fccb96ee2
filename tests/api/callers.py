"""Companies with API tokens, and callers that speak to the API as a program would."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from partsemble_core.api import register_api
from partsemble_core.api.door import PREFIX
from partsemble_core.config import load
from partsemble_core.services.admitting import issue_token
from partsemble_core.services.house import House
from partsemble_core.store.companies import Company, Membership, Role, User
from partsemble_core.store.database import write_anywhere
from partsemble_core.wiring import build_app
from tests.services.makers import Shop

NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Served:
    """The API on a database."""

    app: Flask
    house: House


@dataclass(frozen=True, slots=True)
class Caller:
    """A program with a token, or without one."""

    client: FlaskClient
    token: str | None

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.client.open(f"{PREFIX}{path}", method=method, headers=headers, **options)

    def get(self, path: str) -> Any:
        """The body of a read that succeeds."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json

    def send(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The body of a write that succeeds."""
        answer = self.call(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str | None]:
        """Status, code and field of a refusal, whose message is a sentence."""
        answer = self.call(method, path, json=body)
        error = answer.json["error"]
        assert error["message"].endswith("."), error
        return answer.status_code, error["code"], error["field"]


@dataclass(frozen=True, slots=True)
class Firm:
    """A company of its own on the served database, with callers in every role."""

    served: Served
    company_id: int
    callers: dict[Role, Caller]

    @property
    def owner(self) -> Caller:
        return self.callers[Role.OWNER]

    @property
    def shop(self) -> Shop:
        """The same company, for what a test needs beforehand."""
        return Shop(engine=self.served.house.engine, company_id=self.company_id)

    def anybody(self, token: str | None = None) -> Caller:
        return Caller(self.served.app.test_client(), token)


def serve(url: str, folder: Any) -> Served:
    settings = load({"DATABASE_URL": url, "PARTSEMBLE_PLUGINS": "csv_import,qbo_stub"}, data_dir=folder)
    app, house = build_app(settings)
    register_api(app, house)
    return Served(app, house)


def found_firm(served: Served, *, currency: str = "NZD") -> Firm:
    """A new company with its supplier ACM, and a member with a token in each role. Nobody has a password."""
    number = next(NUMBERS)
    now = served.house.clock()

    def found(session: sa.orm.Session) -> tuple[int, dict[Role, str]]:
        company = Company(name=f"Firm {number}", currency=currency, decimals=2, timezone="UTC", created_at=now)
        session.add(company)
        session.flush()
        tokens = {}
        for role in Role:
            user = User(email=f"{role}.{number}@firm.test", name=role, password_hash="", created_at=now)
            session.add(user)
            session.flush()
            member = Membership(company_id=company.id, user_id=user.id, role=role)
            session.add(member)
            session.flush()
            tokens[role] = issue_token(session, membership_id=member.id, name="test", now=now)
        return company.id, tokens

    company_id, tokens = write_anywhere(served.house.engine, found)
    callers = {role: Caller(served.app.test_client(), token) for role, token in tokens.items()}
    firm = Firm(served, company_id, callers)
    firm.shop.supplier()
    return firm
