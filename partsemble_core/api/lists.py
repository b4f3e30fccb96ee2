"""Every list as pages of JSON, and every list as a file."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response

from partsemble_core.api.areas import EVERYBODY, Area
from partsemble_core.api.door import Json, reading, the_person
from partsemble_core.api.fields import Strict, Text
from partsemble_core.api.schemas import page_schema, query_schema
from partsemble_core.services.admitting import MAY_AUDIT, MAY_MANAGE, MAY_SET_UP, must_be
from partsemble_core.services.downloading import download
from partsemble_core.services.listing import LISTS, Listing, ListQuery, get_table, parse_list_query

WHO_SEES = {
    **dict.fromkeys(("event_deliveries", "api_tokens"), MAY_SET_UP),
    "audit_log": MAY_AUDIT,
    **dict.fromkeys(("members", "invitations", "sign_ins"), MAY_MANAGE),
}
"""Lists that not everybody may read."""
area = Area("downloads", "Every list as a file: all rows that its filters leave, whatever the page.")


def list_route(area: Area, name: str, *, path: str) -> None:
    """Adds ``GET path``: a page of the list ``name``."""
    table = get_table(name)

    def show_list(arguments: Mapping[str, str]) -> Json:
        return page_of(name, parse_list_query(arguments))

    show_list.__doc__ = f"{table.title}, a page at a time, searched, sorted and filtered."
    add = area.route("GET", path, asks=query_schema(table), gives=page_schema(table), endpoint=f"list_{name}")
    add(show_list)


def page_of(name: str, query: ListQuery) -> Json:
    """The body of a page."""
    with reading() as session:
        return page_body(LISTS[name](session, query))


def page_body(listing: Listing) -> Json:
    return {
        "rows": listing.rows,
        "page": listing.query.page,
        "page_size": listing.query.page_size,
        "pages": listing.pages,
        "total": listing.total,
        "has_more": listing.has_more,
    }


class DownloadQuery(Strict):
    """Search and sort of any list; filters are named like those of the list itself."""

    class Meta:
        unknown = "include"

    search = Text()
    sort = Text()


@area.route("GET", f"/<any({','.join(LISTS)}):name>.<any(csv,xlsx):file_type>", asks=DownloadQuery, gives=None)
def download_list(arguments: Mapping[str, str], name: str, file_type: str) -> Response:
    """A list as CSV or XLSX, with its search, sort and filters and without paging, for those who may see the list."""
    must_be(the_person(), WHO_SEES.get(name, EVERYBODY))
    with reading() as session:
        found = download(session, name, parse_list_query(arguments), file_type=file_type)
    answer = Response(found.content, content_type=found.content_type)
    answer.headers["Content-Disposition"] = f"attachment; filename={found.filename}"
    return answer
