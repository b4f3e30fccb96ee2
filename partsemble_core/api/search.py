"""Search over everything."""

from __future__ import annotations

from collections.abc import Mapping

import marshmallow as ma

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading
from partsemble_core.api.fields import Flag, Strict, Text
from partsemble_core.api.schemas import Integer, Nested, String
from partsemble_core.services.searching import search

area = Area("search", "One search over products, lots, documents and suppliers.")


class SearchQuery(Strict):
    search = Text(load_default="")


class HitOut(Strict):
    kind = String(required=True)
    id = Integer(required=True)
    title = String(required=True)
    subtitle = String(required=True)
    is_exact = Flag(required=True)


class HitsOut(Strict):
    rows = ma.fields.List(Nested(HitOut), required=True)


@area.route("GET", "/search", asks=SearchQuery, gives=HitsOut)
def find_anything(query: Mapping[str, str]) -> Json:
    """What holds every word: products, lots, documents, suppliers, and exports by their token; up to six of a kind."""
    with reading() as session:
        return {"rows": search(session, query["search"])}
