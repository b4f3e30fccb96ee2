"""Which columns a list shows: chosen in the address, kept while paging and sorting, refused where unknown."""

from __future__ import annotations

import re
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


def test_columns_and_page_size_stay_after_something_was_done_to_ticked_rows(full_shop: Shop, visit: Visit) -> None:
    builder = visit(full_shop, "builder")
    for path, column in (("products", "unit"), ("suppliers", "phone")):
        query = f"sort=-name&page_size=1&page=2&columns={column}&columns=state"
        page = builder.get(f"/{path}?{query}").text
        form = page[page.index('<form id="picked"') :].split("</form>")[0]
        kept = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        fields: dict[str, str | list[str]] = {
            name: [value for key, value in kept if key == name] for name, _ in kept if name != "csrf_token"
        }
        answer = builder.post(f"/{path}/activate", {**fields, "ids": ["1"]})
        assert answer.status_code == 303
        told, wanted = (sorted(text.split("?")[1].split("&")) for text in (answer.location, f"?{query}"))
        assert told == wanted
        refused = builder.post(f"/{path}/activate", {**fields, "ids": ["999"]})
        assert refused.status_code == 404
        assert len(headings(refused.text)) == 3
        assert f"/{path}?" in refused.text
        assert "page_size=1" in refused.text
