"""The label of a lot: what stands on it, and its codes as drawings."""

from __future__ import annotations

import marshmallow as ma

from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, the_house
from partsemble_core.api.fields import Amount, Strict
from partsemble_core.api.schemas import Integer, Nested, String
from partsemble_core.services.tagging import Tag, tags_of

area = Area("labels", "The label of a lot, to print with a program of your own.")


class DrawingOut(Strict):
    path = String(required=True)
    width = Integer(required=True)
    height = Integer(required=True)


class TagOut(Strict):
    lot_id = Integer(required=True)
    number = String(required=True)
    sku = String(required=True)
    name = String(required=True)
    quantity = Amount(required=True)
    unit = String(required=True)
    received_on = ma.fields.Date(required=True)
    expires_on = ma.fields.Date(required=True, allow_none=True)
    supplier = String(required=True)
    address = String(required=True)
    qr = Nested(DrawingOut, required=True)
    bars = Nested(DrawingOut, required=True, allow_none=True)


@area.route("GET", "/lots/<id:lot_id>/label", gives=TagOut)
def show_label(lot_id: int) -> Json:
    """What the lot's label says; its QR code (`address`) and bars (`number`) as SVG paths, one unit a module. `bars` is
    null for a number that Code 128 can't hold."""
    with reading() as session:
        tag: Tag = tags_of(session, [lot_id], base_url=the_house().settings.base_url)[0]
        return {key: getattr(tag, key) for key in TagOut._declared_fields}
