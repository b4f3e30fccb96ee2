"""The part of the contract about sales, for backends whose capabilities promise them."""

from __future__ import annotations

import pytest

from partsemble_core.plugin_api import Page, SalesDocument, SalesStatus
from partsemble_core.plugin_host import PluginHost
from partsemble_core.plugin_testing.contract_reading import ContractFixtures
from partsemble_core.plugin_testing.harness import Harness

PAGES = 1000


class SalesContract(ContractFixtures):
    """A document may come more than once; the last version that came is the one that counts."""

    @pytest.fixture
    def seller(self, host: PluginHost, harness: Harness) -> Seller:
        if not host.info(harness.name).capabilities.sales:
            pytest.skip("The backend knows no sales.")
        return Seller(host, harness)

    def test_small_pages_bring_what_one_large_page_brings(self, seller: Seller) -> None:
        made = {seller.harness.make_sale() for _ in range(5)}
        whole, _ = seller.read_all(limit=1000)
        parts, _ = seller.read_all(limit=2)
        assert made <= whole.keys()
        assert parts == whole

    def test_a_sale_is_told_whole(self, seller: Seller) -> None:
        made = seller.harness.make_sale()
        sale = seller.read_all()[0][made]
        assert sale.status in {SalesStatus.OPEN, SalesStatus.PAID}
        assert len(sale.currency) == 3
        assert sale.rate > 0
        assert sale.updated_at is None or sale.updated_at.tzinfo is not None
        assert sum(line.quantity for line in sale.lines) == 2
        assert [bool(line.item_id or line.item_code) for line in sale.lines] == [True]

    def test_the_same_cursor_brings_the_same_or_newer(self, seller: Seller) -> None:
        for _ in range(3):
            seller.harness.make_sale()
        first = seller.page(None, limit=2)
        again = seller.page(None, limit=2)
        assert [each.external_id for each in again.records] == [each.external_id for each in first.records]
        rest, end = seller.read_all(first.next_cursor)
        assert seller.read_all(first.next_cursor)[0] == rest
        assert seller.read_all()[0].keys() == rest.keys() | {each.external_id for each in first.records}
        assert end is not None, "the last page's cursor goes on with what changes later"

    def test_a_void_comes_as_a_status_after_the_last_cursor(self, seller: Seller) -> None:
        voided, other = seller.harness.make_sale(), seller.harness.make_sale()
        before, end = seller.read_all()
        assert {before[voided].status, before[other].status} <= {SalesStatus.OPEN, SalesStatus.PAID}
        seller.harness.void_sale(voided)
        after, end = seller.read_all(end)
        assert after[voided].status is SalesStatus.VOIDED
        assert after.get(other, before[other]).status is before[other].status
        again, _ = seller.read_all(end)
        assert again.get(voided, after[voided]).status is SalesStatus.VOIDED

    def test_what_is_new_comes_after_the_last_cursor(self, seller: Seller) -> None:
        _, end = seller.read_all()
        made = seller.harness.make_sale()
        assert made in seller.read_all(end)[0]


class Seller:
    """Reads the sales of a harness's connection."""

    def __init__(self, host: PluginHost, harness: Harness) -> None:
        self.host = host
        self.harness = harness

    def page(self, cursor: str | None, *, limit: int = 100) -> Page[SalesDocument]:
        return self.host.fetch_sales(self.harness.name, self.harness.ctx, cursor=cursor, limit=limit)

    def read_all(self, cursor: str | None = None, *, limit: int = 100) -> tuple[dict[str, SalesDocument], str | None]:
        """The last version of each document from ``cursor`` on, and the cursor of the last page."""
        found: dict[str, SalesDocument] = {}
        for _ in range(PAGES):
            page = self.page(cursor, limit=limit)
            found |= {each.external_id: each for each in page.records}
            cursor = page.next_cursor
            if not page.has_more:
                return found, cursor
        pytest.fail("paging doesn't end")
