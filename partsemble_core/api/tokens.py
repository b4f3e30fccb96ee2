"""API tokens over REST: who may have programs work in their name issues and revokes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partsemble_core.api import token_schemas as schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, the_person, writing
from partsemble_core.api.lists import page_of
from partsemble_core.api.schemas import page_schema, query_schema
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_SET_UP
from partsemble_core.services.issuing import issue, revoke
from partsemble_core.services.listing import get_table, parse_list_query
from partsemble_core.store.companies import ApiToken
from partsemble_core.store.session import CompanySession

TOKENS = get_table("api_tokens")
area = Area("tokens", "API tokens: what programs work with.")


@area.route("GET", "/api-tokens", asks=query_schema(TOKENS), gives=page_schema(TOKENS), roles=MAY_SET_UP)
def list_api_tokens(arguments: Mapping[str, str]) -> Json:
    """The company's API tokens, a page at a time; never what they read."""
    return page_of("api_tokens", parse_list_query(arguments))


@area.route("POST", "/api-tokens", takes=schemas.TokenIn, gives=schemas.TokenIssued, roles=MAY_SET_UP, status=201)
def issue_api_token(body: Mapping[str, Any]) -> Json:
    """Issues one that works in the caller's name. ``token`` is answered this once."""
    person = the_person()

    def work(session: CompanySession, act: Act) -> Json:
        made, text = issue(session, act, person, name=body["name"], role=body.get("role"), days=body.get("days"))
        return {**_token_body(made), "token": text}

    return writing(work)


@area.route("POST", "/api-tokens/<id:token_id>/revoke", gives=schemas.TokenOut, roles=MAY_SET_UP)
def revoke_api_token(token_id: int) -> Json:
    """From the next request on it opens nothing."""
    return writing(lambda session, act: _token_body(revoke(session, token_id, now=act.at)))


def _token_body(token: ApiToken) -> Json:
    return {key: getattr(token, key) for key in schemas.TokenOut._declared_fields}
