"""Every list page: search, filters, sort and page live in the address; a download has the same rows as the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import cast
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from flask_babel import gettext as _

from partsemble_core import errors
from partsemble_core.errors import Invalid, NotFound, PartsembleError, say
from partsemble_core.services.admitting import MAY_EXPORT
from partsemble_core.services.downloading import download
from partsemble_core.services.listing import (
    LISTS,
    PAGE_SIZE,
    Column,
    Listing,
    ListQuery,
    Row,
    get_table,
    parse_list_query,
)
from partsemble_core.store.companies import Role, options_of
from partsemble_core.store.session import CompanySession
from partsemble_web.refusals import Answer, refused
from partsemble_web.scope import act, may, reading
from partsemble_web.showing import money, quantity, widest, word
from partsemble_web.speaking import said

TICKED = "ticked"
"""What an address calls the rows that are ticked when the list is opened."""
KEPT = ("search", "sort", "page", "page_size")
"""What of a list's address stays, with its filters and columns, after something was done to its ticked rows."""
OURS = frozenset({"message", "problem", "warning"})
"""Columns that hold texts of ours, not somebody's own words."""
RIGHT = frozenset({"money", "quantity", "number"})
"""Kinds that line up by their digits."""
WRITTEN: Mapping[str, Callable[[Decimal], str]] = {"money": money, "quantity": quantity}
Link = Callable[[Row], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """How one of the lists looks as a page. ``shown`` are column keys; a download always has all columns.

    ``choices`` are the filters to pick from, by the list's own names; ``extra`` are those that only a link sets.
    """

    name: str
    template: str
    shown: tuple[str, ...]
    links: Mapping[str, Link] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    extra: Mapping[str, Callable[[CompanySession, str], str]] = field(default_factory=dict)
    subtitles: Mapping[str, str] = field(default_factory=dict)
    """A second, quieter line in a cell: column key → key of another value of the row."""
    minor: frozenset[str] = frozenset()
    """Columns that a phone leaves out."""
    has_own_currency: bool = False
    """Whether each row says which currency its amounts are in; else they are in the company's."""
    pick: Callable[[Row], bool] | None = None
    """Which rows have a box to tick, for the form ``picked`` of the template."""
    picked_by: frozenset[Role] = MAY_EXPORT
    """Who sees these boxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A list as its template sees it."""

    page: ListPage
    listing: Listing
    columns: tuple[Column, ...]
    extra: Mapping[str, str]
    path: str
    chosen: tuple[str, ...] = ()
    """Columns that the address asks for; none: those that the page shows by itself."""
    ticked: frozenset[str] = frozenset()
    """Ids of rows whose boxes are ticked already."""

    refusal: str = ""
    """Why the search can't be looked for."""

    @property
    def query(self) -> ListQuery:
        return self.listing.query

    @property
    def is_narrowed(self) -> bool:
        """Whether rows may be missing because of a search or filter."""
        return bool(self.query.search or any(self.query.filters.values()))

    @property
    def has_picks(self) -> bool:
        """Whether a row of this page can be ticked by this person."""
        pick = self.page.pick
        return pick is not None and may(self.page.picked_by) and any(pick(row) for row in self.listing.rows)

    @property
    def first(self) -> int:
        return min((self.query.page - 1) * self.query.page_size + 1, self.listing.total)

    @property
    def last(self) -> int:
        return min(self.query.page * self.query.page_size, self.listing.total)

    def address(self, **changes: object) -> str:
        """This list's address with some of its query changed; None takes a part out."""
        return self.path + _query_text(self.query, {"columns": self.chosen, **changes})

    def file_address(self, file_type: str) -> str:
        """Where the same rows are downloaded, all pages of them."""
        return f"{self.path}.{file_type}" + _query_text(self.query, {"page": None})

    def sort_address(self, column: Column) -> str:
        """Sorts by the column; when it is sorted by already, the other way round."""
        turned = self.query.sort == column.key and not self.query.descending
        return self.address(sort=f"-{column.key}" if turned else column.key, page=None)

    def sorting(self, column: Column) -> str:
        """For ``aria-sort``."""
        if self.query.sort != column.key:
            return "none"
        return "descending" if self.query.descending else "ascending"

    def link(self, row: Row, column: Column) -> str | None:
        found = self.page.links.get(column.key)
        return found(row) if found else None

    def subtitle(self, row: Row, column: Column) -> str:
        key = self.page.subtitles.get(column.key, "")
        text = str(row.get(key) or "")
        return said(text) if key in OURS else text

    def places(self, column: Column) -> int:
        """The longest fraction in the column."""
        write = WRITTEN.get(column.kind)
        return widest(write(cast(Decimal, row[column.key])) for row in self.listing.rows) if write else 0

    @property
    def hidden_fields(self) -> list[tuple[str, str]]:
        """What a form has to send along so that search, filters and sort stay."""
        query = self.query
        sort = f"-{query.sort}" if query.descending and query.sort else query.sort
        fields = {"search": query.search, "sort": sort, **query.filters}
        return [(key, value) for key, value in fields.items() if value]

    @property
    def kept_fields(self) -> list[tuple[str, str]]:
        """What a form about ticked rows sends along so that all of the list comes back: see ``kept``."""
        page = str(self.query.page) if self.query.page > 1 else ""
        size = str(self.query.page_size) if self.query.page_size != PAGE_SIZE else ""
        fields = [(key, value) for key, value in (("page", page), ("page_size", size)) if value]
        return [*self.hidden_fields, *fields, *(("columns", key) for key in self.chosen)]

    def is_shown(self, column: Column) -> bool:
        return column in self.columns

    def choice_label(self, value: str) -> str:
        return word(value)

    @staticmethod
    def is_right(column: Column) -> bool:
        return column.kind in RIGHT


def route(pages: Blueprint, page: ListPage, *, path: str, noun: str = "") -> None:
    """Serves the list at ``path`` and its files at ``path.csv`` and ``path.xlsx``. ``noun``: one list of several."""

    def show_list() -> str:
        return show(page, path=path)

    def send_file(file_type: str) -> Response:
        return send_download(page.name, file_type)

    pages.add_url_rule(path, f"show_{noun or 'list'}", show_list)
    pages.add_url_rule(f"{path}.<any(csv, xlsx):file_type>", f"send_{noun or 'file'}", send_file)


def show(page: ListPage, *, path: str, **more: object) -> str:
    """The page that the address asks for; ``more`` is for its template. Raises Invalid naming what can't be."""
    arguments = request.args.to_dict()
    arguments.pop("columns", None)
    ticked = request.args.getlist(TICKED) if arguments.pop(TICKED, None) else ()
    values = _values(page, path, arguments, chosen=tuple(request.args.getlist("columns")), ticked=ticked)
    return render_template(page.template, **values, **more)


def _listing(session: CompanySession, page: ListPage, query: ListQuery) -> tuple[Listing, str]:
    """The rows, and why none can be looked for. Beyond the end it is the last page: rows may have gone meanwhile."""
    try:
        found = LISTS[page.name](session, query)
        if query.page > found.pages:
            found = LISTS[page.name](session, replace(query, page=found.pages))
    except Invalid as error:
        if error.field != "search":
            raise
        table = get_table(page.name)
        none = Listing(
            name=page.name, title=errors.word(table.title), columns=table.columns, rows=[], total=0, query=query
        )
        return none, error.message
    return found, ""


def show_refused(
    page: ListPage,
    error: PartsembleError,
    *,
    path: str,
    **more: object,
) -> tuple[str, int]:
    """The list again, as it was, with the ticks of the form that was refused and what is wrong."""
    chosen = tuple(request.form.getlist("columns"))
    values = _values(page, path, kept(page), chosen=chosen, ticked=request.form.getlist("ids"))
    return refused(page.template, error, **values, **more)


def _values(
    page: ListPage, path: str, arguments: Mapping[str, str], *, chosen: tuple[str, ...] = (), ticked: Sequence[str]
) -> dict[str, object]:
    query = parse_list_query(arguments)
    with reading() as session:
        listing, refusal = _listing(session, page, query)
        shown = Shown(
            page=page,
            listing=listing,
            columns=columns_of(page, listing, chosen),
            extra=_extra(session, page, query),
            path=path,
            chosen=chosen,
            ticked=frozenset(ticked),
            refusal=refusal,
        )
        draw_order = options_of(session).draw_order
    return {"list": shown, "today": act().today, "draw_order": draw_order}


def columns_of(page: ListPage, listing: Listing, chosen: Sequence[str]) -> tuple[Column, ...]:
    """Those chosen in the list's own order, always with the first, which names the row; else those of the page.

    Raises Invalid for a column that the list doesn't have.
    """
    columns = {column.key: column for column in listing.columns}
    for key in chosen:
        if key not in columns:
            known = ", ".join(columns)
            raise Invalid(
                "columns",
                say(
                    "{list} have no column {key!r}. Choose of {known}.",
                    list=errors.word(listing.title),
                    key=key[:40],
                    known=known,
                ),
            )
    if not chosen:
        return tuple(columns[key] for key in page.shown)
    rest = [key for key in columns if key in chosen and key != page.shown[0]]
    return tuple(columns[key] for key in (page.shown[0], *rest))


def kept(page: ListPage) -> dict[str, str]:
    """What a form sent along of its list's address (``kept_fields``), but for the columns."""
    names = (*KEPT, *page.choices, *page.extra)
    return {name: request.form[name] for name in names if request.form.get(name)}


def back_to(page: ListPage, *, path: str) -> Answer:
    """To the list as it was, after something was done to its ticked rows."""
    query = urlencode({**kept(page), "columns": request.form.getlist("columns")}, doseq=True)
    return redirect(f"{path}?{query}" if query else path, code=303)


def send_download(name: str, file_type: str) -> Response:
    """All rows of the address's query as a file."""
    with reading() as session:
        made = download(session, name, parse_list_query(request.args), file_type=file_type)
    answer = Response(made.content, content_type=made.content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.filename}"'
    return answer


def _extra(session: CompanySession, page: ListPage, query: ListQuery) -> dict[str, str]:
    """What the filters that a link set are about, in words: ``product`` → ``PANEL``."""
    found = {}
    for key, name_of in page.extra.items():
        value = query.filters.get(key, "")
        if value:
            try:
                found[key] = name_of(session, value)
            except NotFound:
                found[key] = _("(unknown)")
    return found


def _query_text(query: ListQuery, changes: Mapping[str, object]) -> str:
    parts: dict[str, object] = {
        "search": query.search,
        "sort": f"-{query.sort}" if query.descending and query.sort else query.sort,
        "page": query.page if query.page > 1 else "",
        "page_size": query.page_size if query.page_size != PAGE_SIZE else "",
        **query.filters,
        **changes,
    }
    given = {key: value for key, value in parts.items() if value not in (None, "", ())}
    text = urlencode(given, doseq=True)
    return f"?{text}" if text else ""
