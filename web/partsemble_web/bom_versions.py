"""Versions of a BOM: all of them, and what tells any two apart."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from partsemble_core.services.differing import difference_of
from partsemble_core.services.versioning import bom_history
from partsemble_core.store.boms import versions_of
from partsemble_core.store.products import get_product
from partsemble_web.scope import reading


def route(pages: Blueprint) -> None:
    """Serves them among the pages of products."""
    path = "/products/<id:product_id>/bom"
    pages.add_url_rule(f"{path}/versions", view_func=show_bom_versions)
    pages.add_url_rule(f"{path}/difference", view_func=show_difference)


def show_bom_versions(product_id: int) -> str:
    with reading() as session:
        product = get_product(session, product_id)
        versions = bom_history(session, product_id)
    return render_template("products/bom_versions.html", product=product, versions=versions)


def show_difference(product_id: int) -> str:
    """``before`` and ``after`` in the address are numbers of versions; left out, the last change is shown."""
    with reading() as session:
        product = get_product(session, product_id)
        versions = versions_of(session, product_id)
        found = difference_of(
            session, product_id, before=request.args.get("before", ""), after=request.args.get("after", "")
        )
    return render_template("products/bom_difference.html", product=product, versions=versions, found=found)
