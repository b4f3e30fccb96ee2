"""What is asked of a list, and the page that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from partsemble_core.domain.products import clean_text
from partsemble_core.errors import Invalid, say

PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
MAX_PAGE = 1_000_000
SEARCH_LENGTH = 200
SEARCH_WORDS = 16
"""Each word is looked for in all that the list holds."""
Kind = Literal["text", "quantity", "money", "date", "time", "state", "number"]
Row = dict[str, object]
"""Decimal, date, aware datetime, str, int, bool or None by key; every row has ``id``, and ids to link by."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it is shown and downloaded. ``kind`` says how a value is written and aligned."""

    key: str
    title: str
    kind: Kind = "text"
    sortable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """``sort`` is a column's key, empty for the list's own order; filters are those of the list, empty ones ignored."""

    search: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    page_size: int = PAGE_SIZE
    filters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page. ``total`` counts the rows of all pages, ``query`` is what was answered.

    ``has_more``: a search of a long list finds more rows than its pages hold; a download has them all.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: list[Row]
    total: int
    query: ListQuery
    has_more: bool = False

    @property
    def pages(self) -> int:
        """At least one, so that an empty list has a page to show."""
        return max(1, -(-self.total // self.query.page_size))


def parse_list_query(arguments: Mapping[str, str]) -> ListQuery:
    """A query from an address: ``search``, ``sort`` (``-name`` descends), ``page``, ``page_size``; all others filter.

    Raises Invalid naming the argument.
    """
    known = dict(arguments)
    sort = known.pop("sort", "")
    return ListQuery(
        search=known.pop("search", ""),
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        page=_whole(known.pop("page", ""), field="page", default=1),
        page_size=_whole(known.pop("page_size", ""), field="page_size", default=PAGE_SIZE),
        filters=known,
    )


def check_page(query: ListQuery) -> None:
    """Raises Invalid for a page that can't be."""
    if not 1 <= query.page <= MAX_PAGE:
        raise Invalid("page", say("A page is a whole number from 1 to {max_page}.", max_page=MAX_PAGE))
    if not 1 <= query.page_size <= MAX_PAGE_SIZE:
        raise Invalid("page_size", say("A page has 1 to {max_page_size} rows.", max_page_size=MAX_PAGE_SIZE))


def search_words(text: str) -> list[str]:
    """The words that a row must hold, each in any of its texts; what is said twice is asked once. Raises Invalid."""
    words = clean_text(text, field="search", length=SEARCH_LENGTH, required=False).split()
    found = list({word.casefold(): word for word in words}.values())
    if len(found) > SEARCH_WORDS:
        raise Invalid("search", say("A search has at most {most} words. Leave some out.", most=SEARCH_WORDS))
    return found


def _whole(text: str, *, field: str, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid(field, say("{text!r} isn't a whole number from 1 to {most}.", text=text[:20], most=10**9 - 1))
    return int(text)
