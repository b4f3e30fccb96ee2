"""Versions of a BOM: drafts, the way from one to the next, and where a product is used."""

from __future__ import annotations

from typing import Any

from partsemble_core.api import schemas
from partsemble_core.api.areas import Area
from partsemble_core.api.door import Json, reading, writing
from partsemble_core.api.products import recipe_of
from partsemble_core.services.acting import Act
from partsemble_core.services.admitting import MAY_WRITE
from partsemble_core.services.versioning import activate_draft, bom_history, drop_draft, save_draft, where_used
from partsemble_core.store.session import CompanySession

area = Area("versions", "Versions of BOMs and drafts of them, and what each product goes into.")


@area.route("GET", "/products/<id:product_id>/where-used", gives=schemas.WhereUsedOut)
def show_where_used(product_id: int) -> Json:
    """What a product goes into by active BOMs, directly and over all levels, nearest first."""
    with reading() as session:
        return {
            "rows": [
                {
                    "product_id": found.product.id,
                    "sku": found.product.sku,
                    "name": found.product.name,
                    "levels": found.levels,
                    "bom_version": found.version,
                    "quantity": found.quantity,
                }
                for found in where_used(session, product_id)
            ]
        }


@area.route("GET", "/products/<id:product_id>/bom/versions", gives=schemas.VersionsOut)
def list_versions(product_id: int) -> Json:
    """Every version, newest first, with what it changed against the one before, in words."""
    with reading() as session:
        return _versions_body(session, product_id)


@area.route(
    "POST",
    "/products/<id:product_id>/bom/drafts",
    takes=schemas.BomIn,
    gives=schemas.VersionsOut,
    status=201,
    roles=MAY_WRITE,
)
def add_draft(body: dict[str, Any], product_id: int) -> Json:
    """Saves the next version as a draft. Nothing is built by it yet."""
    recipe = recipe_of(body)

    def save(session: CompanySession, act: Act) -> Json:
        save_draft(session, act, product_id=product_id, **recipe)
        return _versions_body(session, product_id)

    return writing(save)


@area.route(
    "PUT",
    "/products/<id:product_id>/bom/drafts/<id:version_id>",
    takes=schemas.BomIn,
    gives=schemas.VersionsOut,
    roles=MAY_WRITE,
)
def put_draft(body: dict[str, Any], product_id: int, version_id: int) -> Json:
    """Saves a draft anew."""
    recipe = recipe_of(body)

    def save(session: CompanySession, act: Act) -> Json:
        save_draft(session, act, product_id=product_id, version_id=version_id, **recipe)
        return _versions_body(session, product_id)

    return writing(save)


@area.route(
    "POST",
    "/products/<id:product_id>/bom/drafts/<id:version_id>/activate",
    gives=schemas.VersionsOut,
    roles=MAY_WRITE,
)
def activate(product_id: int, version_id: int) -> Json:
    """Makes a draft the active version. Planned builds stay as they were planned."""

    def make_active(session: CompanySession, act: Act) -> Json:
        activate_draft(session, act, product_id=product_id, version_id=version_id)
        return _versions_body(session, product_id)

    return writing(make_active)


@area.route(
    "DELETE",
    "/products/<id:product_id>/bom/drafts/<id:version_id>",
    gives=schemas.VersionsOut,
    roles=MAY_WRITE,
)
def delete_draft(product_id: int, version_id: int) -> Json:
    """Throws away the newest version, if it is a draft."""

    def drop(session: CompanySession, act: Act) -> Json:
        drop_draft(session, act, product_id=product_id, version_id=version_id)
        return _versions_body(session, product_id)

    return writing(drop)


def _versions_body(session: CompanySession, product_id: int) -> Json:
    session.flush()
    same = schemas.VersionOut._declared_fields.keys() - {"changes"}
    return {
        "rows": [
            {**{key: getattr(story.version, key) for key in same}, "changes": story.words}
            for story in bom_history(session, product_id)
        ]
    }
