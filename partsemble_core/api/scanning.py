"""What a scanned code means, for a scanner's own program."""

from __future__ import annotations

from collections.abc import Mapping

import marshmallow as ma

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading
from partsemble_core.api.fields import Strict, Text
from partsemble_core.api.schemas import Nested, String
from partsemble_core.api.search import HitOut
from partsemble_core.services.scanning import read_code, scan

area = Area("scan", "What a scanned code means.")


class ScanQuery(Strict):
    code = Text(load_default="")
    sku = Text(load_default="")


class ScanOut(Strict):
    code = String(required=True)
    sku = String(required=True)
    found = Nested(HitOut, required=True, allow_none=True)
    rows = ma.fields.List(Nested(HitOut), required=True)


@area.route("GET", "/scan", asks=ScanQuery, gives=ScanOut)
def scan_code(query: Mapping[str, str]) -> Json:
    """What goes by exactly this code: a lot, SKU, document, or the address on a label; ``found`` where that is one."""
    with reading() as session:
        found = scan(session, read_code(query["code"], sku=query["sku"]))
        return {"code": found.code.text, "sku": found.code.sku, "found": found.only, "rows": list(found.hits)}
