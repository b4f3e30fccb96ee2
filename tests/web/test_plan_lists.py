"""Planned builds as a list and as files: searched, sorted, with what they lack and what is coming of it."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from openpyxl import load_workbook

from partsemble_core.services.acting import Act
from partsemble_core.services.cataloguing import ComponentInput, create_product, save_bom
from partsemble_core.services.planning import cancel_planned, plan_build
from partsemble_core.store.builds import Build
from partsemble_core.store.session import CompanySession
from tests.web.people import Visitor, text_of
from tests.web.shop import Shop, make_lamps, plan_lamps, stock_up
from tests.web.test_columns import headings

Visit = Callable[[Shop, str], Visitor]


def plan_kits(shop: Shop) -> None:
    """Kits of two lamps, which are short; three lamps are planned."""

    def add(session: CompanySession, act: Act) -> Build:
        kit = create_product(session, act, sku="KIT-2", name="Twin", kind="finished_good")
        parts = [ComponentInput(sku="LAMP-01", quantity="2")]
        save_bom(session, act, product_id=kit.id, components=parts)
        return plan_build(session, act, product_id=kit.id, quantity="4", target_on="2026-12-01", assignee="Mia")

    shop.write(add)
    plan_lamps(shop, "3")


def test_planned_builds_are_searched_and_sorted_as_a_list(shop: Shop, visit: Visit) -> None:
    viewer = visit(shop, "viewer")
    assert "Search and sort" not in viewer.get("/planned-builds").text, "there is nothing to search"
    stock_up(shop)
    make_lamps(shop, "2")
    plan_kits(shop)
    page = viewer.get("/planned-builds").text
    link = next(part.split('"')[0] for part in page.split('href="') if part.startswith("/builds?"))
    found = viewer.get(link.replace("&amp;", "&")).text
    assert headings(found) == ["Build", "No.", "Product", "Quantity", "Target day", "For"]
    assert 'name="state" value="planned"' in found, "a search keeps to what is planned"
    text = text_of(viewer.get(link.replace("&amp;", "&")))
    assert "State: Planned" in text
    assert "PSB-000002 1 KIT-2 Twin 4 1 Dec 2026 Mia" in text
    assert "1–2 of 2" in text
    assert 'href="/planned-builds">' in found.split('class="page-actions"')[1].split("</div>")[0], "the way back"
    assert (
        'href="/planned-builds">' not in viewer.get("/builds").text.split('class="page-actions"')[1].split("</div>")[0]
    )
    assert "PSB-000002" in text_of(viewer.get("/builds?state=planned&search=mia"))
    assert viewer.get("/builds?state=dreamt").status_code == 422


def test_planned_builds_and_what_they_lack_are_files(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    make_lamps(shop, "2")
    plan_kits(shop)
    viewer = visit(shop, "viewer")
    page = viewer.get("/planned-builds")
    assert 'href="/builds.csv?state=planned&amp;sort=place"' in page.text
    assert 'href="/planned-builds/shortages.xlsx"' in page.text
    assert "LAMP-01 Workshop lamp, in each 8 2 6 3 –" in text_of(page)
    rows = [line.split(",") for line in viewer.get("/builds.csv?state=planned&sort=-place").text.splitlines()]
    title, kit = rows[0], rows[2]
    assert dict(zip(title, kit, strict=True)) | {"Name": ""} == {
        "\ufeffBuild": "PSB-000002",
        "No.": "1",
        "Product": "KIT-2",
        "Name": "",
        "Quantity": "4",
        "Built": "",
        "Total cost": "",
        "Unit cost": "",
        "State": "planned",
        "Status": "Planned",
        "By": "",
        "Target day": "2026-12-01",
        "For": "Mia",
    }
    short = viewer.get("/planned-builds/shortages.csv")
    assert short.headers["Content-Disposition"] == 'attachment; filename="shortages.csv"'
    lines = short.text.splitlines()
    assert lines[0] == "\ufeffSKU,Name,Unit,Needed,Available,Missing,Coming,On hold"
    assert [line.split(",")[0] for line in lines[1:]] == ["LAMP-01"]
    assert lines[1].endswith(",each,8,2,6,3,0")
    book = load_workbook(BytesIO(viewer.get("/planned-builds/shortages.xlsx").data))
    assert [cell.value for cell in book.worksheets[0][2]][3:] == [8, 2, 6, 3, 0]
    assert viewer.get("/planned-builds/shortages.pdf").status_code == 404


def test_a_planned_build_shows_no_cost_in_the_list(shop: Shop, visit: Visit) -> None:
    stock_up(shop)
    make_lamps(shop, "2")
    plan_lamps(shop, "3")
    given_up = plan_lamps(shop, "4")
    shop.write(lambda session, act: cancel_planned(session, act, given_up))
    text = text_of(visit(shop, "viewer").get("/builds"))
    assert "– Planned 3 – –" in text
    assert "– Cancelled 4 – –" in text
    assert " 0.00 " not in text
