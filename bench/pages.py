"""How long the console's pages take in a company with 100,000 products, 100,000 lots and a million ledger entries.

The company is made by copying a small one that the services made (`pattern`, `multiplying`), and the doctor finds it
sound before anything is measured. Every list is asked for its first, middle and last page, sorted by each column both
ways, searched and filtered; then the pages of single things, home, the palette and a download.

Each page is told in wall time and in time on the processor, ours and PostgreSQL's, with its number of statements. The
floors are a page that reads nothing of stock (`/settings/permissions`) and a bare ``SELECT … LIMIT 50`` by the driver.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.multiplying import multiply
from bench.pattern import COMMON, add_what_waits, make_pattern
from partsemble_core.cli import settle
from partsemble_core.domain.builds import BuildState
from partsemble_core.services import valuing
from partsemble_core.services.doctoring import examine, report_lines
from partsemble_core.services.listing import LISTS, TABLES, ListQuery
from partsemble_core.store import database
from tests.servers import postgres
from tests.web.people import Visitor
from tests.web.shop import NOW, Shop

COPIES, QUICK_COPIES = 499, 9
LISTED = {
    "products": "/products",
    "lots": "/lots",
    "entries": "/stock-ledger",
    "receipts": "/receipts",
    "builds": "/builds",
    "exports": "/exports",
    "suppliers": "/suppliers",
    "adjustments": "/adjustments",
    "counts": "/counts",
    "audit_log": "/settings/audit-log",
    "items": "/integrations/items",
}
SEARCHED = ("PART-042-123", "part", "part resistor", "PSB part", "resistor kit", "rcv kit", "nothing-like-this")
"""Words that find one, many, or none; and two that find many each, together or never together."""
FLOOR = "/settings/permissions"
TARGET = 300


@dataclass
class Measured:
    """One address: milliseconds of each visit, by the clock and on the processor; statements of the last one.

    ``server`` is the mean of PostgreSQL's processes; on SQLite there is none, and all the work is ours.
    """

    address: str
    wall: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    server: float = 0
    statements: int = 0

    @property
    def p50(self) -> float:
        return statistics.median(self.wall)

    @property
    def p95(self) -> float:
        return sorted(self.wall)[max(0, -(-len(self.wall) * 95 // 100) - 1)]


class ServerClock:
    """How long PostgreSQL's processes have been on the processor, where they run on this machine."""

    def __init__(self, engine: sa.Engine) -> None:
        self.backends: list[int] = []
        self.parent = 0
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                found = connection.exec_driver_sql(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                ).scalars()
                self.backends = [pid for pid in found if Path(f"/proc/{pid}/stat").exists()]
        if self.backends:
            self.parent = int(_stat(self.backends[0])[1])

    def milliseconds(self) -> float:
        """Of the company's backends, and of helpers that ended: these count to the parent of all."""
        ticks = sum(int(ticks) for pid in self.backends for ticks in _stat(pid)[11:13])
        ended = sum(int(ticks) for ticks in _stat(self.parent)[13:15]) if self.parent else 0
        return (ticks + ended) * 1000 / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The state of a process, what comes after its name."""
    path = Path(f"/proc/{pid}/stat")
    return path.read_text().rpartition(")")[2].split() if path.exists() else ["0"] * 20


@dataclass
class Meter:
    """Visits pages of one shop as its owner."""

    shop: Shop
    visits: int
    visitor: Visitor = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.visitor = Visitor.signed_in(self.shop, "owner")
        event.listen(self.shop.house.engine, "before_cursor_execute", self._counted)

    def _counted(self, *_: object) -> None:
        self.count += 1

    def visit(self, address: str, *, visits: int = 0) -> Measured:
        """One visit that warms up, then those that count."""
        measured = Measured(address)
        self.visitor.get(address)
        clock = ServerClock(self.shop.house.engine)
        begun, turns = clock.milliseconds(), visits or self.visits
        for _ in range(turns):
            self.count, start, used = 0, time.perf_counter(), time.process_time()
            answer = self.visitor.get(address)
            wall, ours = time.perf_counter() - start, time.process_time() - used
            if answer.status_code not in (200, 302):
                raise RuntimeError(f"{address} answered {answer.status_code}: {answer.text[:300]}")
            measured.statements = self.count
            measured.wall.append(wall * 1000)
            measured.ours.append(ours * 1000)
        measured.server = (clock.milliseconds() - begun) / turns
        return measured


def list_addresses(shop: Shop) -> Iterator[str]:
    """Every way of asking for every list."""
    for name, path in LISTED.items():
        table = TABLES[name]
        with shop.house.reading(shop.company_id) as session:
            pages = LISTS[name](session, ListQuery()).pages
        yield path
        yield from (f"{path}?page={page}" for page in (max(1, pages // 2), pages))
        for column in table.columns:
            if column.sortable:
                yield from (f"{path}?sort={turn}{column.key}" for turn in ("", "-"))
        yield from (f"{path}?search={words.replace(' ', '+')}" for words in SEARCHED)
        yield from (f"{path}?{chosen}" for chosen in _filters(name))


def _filters(name: str) -> Sequence[str]:
    days = f"from={NOW.date():%Y-%m}-01"
    return {
        "products": ("kind=component", "state=inactive", "kind=finished_good&sort=-value"),
        "lots": ("state=open", "state=held", "product=3", days, "product=3&sort=-quantity_left"),
        "entries": ("kind=adjustment", "product=3", days, "product=3&sort=-cost", "lot=1"),
        "receipts": ("supplier=3", "state=draft", "label=Synced", days),
        "builds": ("state=pending_qa", "label=Pending+export", "label=Synced", days),
        "exports": ("state=pending", "label=Failed", "kind=build"),
        "suppliers": ("state=active", "link=not+linked"),
        "adjustments": ("reason=other", "state=reversed"),
        "counts": ("state=draft",),
        "audit_log": ("kind=product", "action=changed", days),
        "items": ("matched=matched", "tracked=tracked"),
    }.get(name, ())


def other_addresses(shop: Shop) -> Iterator[str]:
    """Single things, the biggest of each kind, and what sums things up."""
    with shop.house.engine.connect() as connection:

        def one(statement: str) -> int:
            return int(connection.execute(sa.text(statement)).scalar_one())

        product = one(f"SELECT id FROM products WHERE sku = '{COMMON}'")  # noqa: S608 - our own name
        build = one("SELECT build_id FROM build_lines GROUP BY build_id ORDER BY COUNT(*) DESC, build_id LIMIT 1")
        lot = one("SELECT lot_id FROM draws GROUP BY lot_id ORDER BY COUNT(*) DESC, lot_id LIMIT 1")
        waiting = one(f"SELECT MIN(id) FROM builds WHERE state = '{BuildState.PENDING_QA}'")  # noqa: S608 - our own
        count = one("SELECT MAX(id) FROM stock_counts")
        planned = one("SELECT MIN(id) FROM builds WHERE state = 'planned'")
        kit = one("SELECT id FROM products WHERE sku = 'KIT-000'")
    yield from ("/", "/planned-builds", f"/planned-builds/{planned}/execute", f"/planned-builds/{planned}/edit")
    yield from (f"/products/{product}", f"/products/{kit}", f"/products/{kit}/bom", f"/products/{product}/bom/versions")
    yield from (f"/builds/{build}", f"/builds/{waiting}", "/builds/new", f"/builds/new?product_id={kit}&quantity=1")
    yield from (f"/lots/{lot}", f"/lots/{lot}/trace", "/receipts/1", "/receipts/new", "/opening-stock/new")
    yield from ("/exports/1", "/suppliers/2", "/suppliers/2/edit", "/counts/new", f"/counts/{count}", "/adjustments/1")
    yield from ("/search?search=PSB-000042", "/search/hits?search=PSB-0000", "/search/hits?search=resistor")
    yield from (
        "/search/hits?search=nothing-like-this",
        "/integrations",
        "/settings",
        "/settings/webhooks",
    )


def long_addresses() -> Sequence[str]:
    """What reads everything, and may take as long as that takes."""
    return ("/valuation", "/reconcile?now=1", "/receipts.csv", "/products.csv")


def bare_select(shop: Shop) -> float:
    """Milliseconds of the plainest page of products, by the driver alone."""
    with shop.house.engine.connect().execution_options(read_only=True) as connection:
        return statistics.median(_seconds(lambda: _first_fifty(connection)) for _ in range(20)) * 1000


def _first_fifty(connection: sa.Connection) -> object:
    return connection.exec_driver_sql("SELECT * FROM products ORDER BY company_id, sku_key LIMIT 50").fetchall()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(shop: Shop, *, visits: int, only: Sequence[str]) -> None:
    meter = Meter(shop, visits)
    settle()  # as the server does
    bare = bare_select(shop)
    floor = meter.visit(FLOOR, visits=20)
    print(f"floors: SELECT … LIMIT 50 {bare:.1f} ms; {FLOOR} p50 {floor.p50:.0f} ms, p95 {floor.p95:.0f} ms")
    print(f"{'p50 ms':>8} {'p95 ms':>8} {'our cpu':>8} {'db cpu':>7} {'floors':>7} {'statements':>10}")
    slow, asked = [], 0
    lists = [(address, 0, True) for address in list_addresses(shop)]
    others = [(address, 0, False) for address in other_addresses(shop)]
    for address, turns, is_list in [*lists, *others, *((each, 2, False) for each in long_addresses())]:
        if not only or address in only or any(text in address for text in only if text != "/"):
            found = meter.visit(address, visits=turns)
            ours = statistics.median(found.ours)
            ratio = found.p50 / floor.p50
            times = f"{found.p50:8.0f} {found.p95:8.0f} {ours:8.0f} {found.server:7.0f}"
            line = f"{times} {ratio:7.1f} {found.statements:10} {address}"
            print(line, flush=True)
            asked += is_list
            slow += [line] if found.p95 > TARGET and is_list else []
    print(f"{len(slow)} of {asked} ways of asking for a list have a p95 over {TARGET} ms", *slow, sep="\n")
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"at most {used.ru_maxrss // 1024} MB of memory")


def make_company(url: str, folder: Path, *, copies: int) -> Shop:
    """The big company, found sound."""
    database.migrate(url)
    shop = make_pattern(url, folder)
    taken = _seconds(lambda: multiply(shop.house.engine, copies=copies, shared_sku=COMMON))
    add_what_waits(shop)
    shop.house.write(shop.company_id, lambda s: valuing.refresh_month_ends(s, today=NOW.date()))
    database.sample_tables(shop.house.engine)  # as the janitor does every hour
    with shop.house.reading(shop.company_id) as session:
        examined = _seconds(lambda: print(*report_lines(examine(session)), sep="\n"))
    with shop.house.engine.connect() as connection:
        sizes = {
            table: connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one()  # noqa: S608 - own names
            for table in (
                "products",
                "lots",
                "stock_entries",
                "draws",
                "builds",
                "receipts",
                "exports",
                "audit_entries",
            )
        }
    print(", ".join(f"{count:,} {table}" for table, count in sizes.items()))
    print(f"loaded in {taken:.0f} s, examined in {examined:.0f} s")
    return shop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the size, to see that all works")
    parser.add_argument("--visits", type=int, default=20, help="of each page, after one that warms up")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), help="only there")
    parser.add_argument("--only", nargs="*", default=(), help="only addresses that hold one of these texts; / is home")
    asked = parser.parse_args()
    copies = QUICK_COPIES if asked.quick else COPIES
    for name in (asked.on,) if asked.on else ("sqlite", "postgresql"):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = f"sqlite:///{folder / 'company.sqlite3'}"
            if name == "postgresql":
                postgres.FAST_AND_FORGETFUL["shared_buffers"] = "128MB"  # what PostgreSQL takes by itself
                url = stack.enter_context(stack.enter_context(postgres.running_postgres()).new_database())
            print(f"== {name}")
            shop = make_company(url, folder, copies=copies)
            report(shop, visits=asked.visits, only=asked.only)
            shop.house.engine.dispose()


if __name__ == "__main__":
    main()
