"""Which columns a list shows: chosen in the address, kept while paging and sorting, refused where unknown."""

from __future__ import annotations

from collections.abc import Callable

from tests.web.people import Visitor, text_of
from tests.web.shop import Shop

Visit = Callable[[Shop, str], Visitor]


def headings(page: str) -> list[str]:
    """The titles over the columns, in order."""
    head = page.split("<thead>")[1].split("</thead>")[0]
    return [cell.split("<")[0].strip() for cell in head.split('class="sort')[1:] for cell in [cell.split(">", 1)[1]]]


def test_a_list_shows_the_columns_that_its_address_names(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    usual = viewer.get("/lots").text
    assert "Expires" in headings(usual)
    chosen = viewer.get("/lots?columns=state&columns=received_on&search=ACM").text
    assert headings(chosen) == ["Lot", "Received", "State"]
    assert "/lots?search=ACM&amp;sort=number&amp;columns=state&amp;columns=received_on" in chosen
    assert '<input type="hidden" name="search" value="ACM">' in chosen


def test_a_column_that_is_not_there_is_refused_by_name(full_shop: Shop, visit: Visit) -> None:
    answer = visit(full_shop, "viewer").get("/lots?columns=colour")
    assert answer.status_code == 422
    assert "Lots have no column 'colour'" in text_of(answer)


def test_a_file_has_all_columns_whatever_the_page_shows(full_shop: Shop, visit: Visit) -> None:
    viewer = visit(full_shop, "viewer")
    page = viewer.get("/lots?columns=state").text
    files = [part.split('"')[0] for part in page.split('href="') if part.startswith("/lots.csv")]
    assert files == ["/lots.csv"]
    assert "Received" in viewer.get("/lots.csv").text.splitlines()[0]
