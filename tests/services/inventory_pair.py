"""A shop and the oracle side by side: everything is done in both, and both must say the same."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from partsemble_core.errors import Refused
from partsemble_core.services import building, doctoring, planning, reversing, reviewing
from partsemble_core.services.cataloguing import ComponentInput, CostInput
from partsemble_core.services.receiving import LineInput
from partsemble_core.services.reversing import DocumentInUse
from partsemble_core.store.adjustments import StockCount
from partsemble_core.store.lots import Lot
from tests.services import inventory_undoing
from tests.services.inventory_cards import ZERO, No, Recipe
from tests.services.inventory_laws import Ledger, broken_laws, ledger_of
from tests.services.inventory_oracle import PRODUCTS, Oracle
from tests.services.makers import Shop, connect
from tests.services.stockroom import adjust, cancel_count, confirm_count, enter, hold, release, split, start_count
from tests.services.workshop import set_options

F, D = Fraction, Decimal
BOARDS = (  # three boards of seven chips, or two of five: no board takes a number of chips that can be written down
    Recipe(components=(("chip", F(7), ZERO, False),), work=F("6.25"), makes=F(3)),
    Recipe(components=(("chip", F(5), F("2.5"), False),), makes=F(2)),
)
KITS = (
    Recipe(components=(("label", F(1), ZERO, True), ("board", F(1), ZERO, False), ("screw", F(3), F(10), False))),
    Recipe(components=(("screw", F("2.5"), ZERO, False), ("board", F(2), ZERO, False)), work=F("0.333333")),
)
BOX = Recipe(components=(("kit", F(2), ZERO, False), ("board", F(1), ZERO, False)), work=F("1.1"), makes=F(1))
VARIANTS = {"board": BOARDS, "kit": KITS, "box": (BOX,)}
QUERIES = {
    "lots": """SELECT id, product_id, received_on, quantity_in, cost_in, quantity_left, cost_left, state
        FROM lots WHERE company_id = :c ORDER BY id""",
    "builds": """SELECT id, product_id, quantity, state, components_cost, added_cost, waste_cost
        FROM builds WHERE company_id = :c ORDER BY id""",
    "draws": """SELECT d.document_id, d.line, d.lot_id, d.quantity, d.cost, r.quantity AS back, r.cost AS back_cost
        FROM draws d LEFT JOIN returns r ON r.company_id = d.company_id AND r.draw_id = d.id
        WHERE d.company_id = :c AND d.document_kind = 'build' ORDER BY d.document_id, d.id""",
    "receipts": "SELECT id, state, reference FROM receipts WHERE company_id = :c ORDER BY id",
    "adjustments": "SELECT id, lot_id, quantity, cost, state FROM adjustments WHERE company_id = :c ORDER BY id",
    "balances": """SELECT p.sku, b.quantity, b.value FROM products p JOIN stock_balances b
        ON b.company_id = p.company_id AND b.product_id = p.id WHERE p.company_id = :c""",
    "products": "SELECT id, sku FROM products WHERE company_id = :c",
}
STATEMENTS = {name: sa.text(sql) for name, sql in QUERIES.items()}
Rows = dict[str, list[Any]]


@dataclass
class Pair:
    """``done`` counts what was done, and what was refused, by name. The doctor comes after every so many of them."""

    shop: Shop
    stock: Oracle
    counts: list[StockCount] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=dict)
    doctor_every: int = 1

    @property
    def today(self) -> dt.date:
        return self.stock.today

    def both(self, name: str, rule: Callable[[], object], service: Callable[[], object]) -> object:
        """What the service answers, None for a refusal that the rules ask for as well."""
        expected = No("")
        try:
            rule()
        except No as no:
            expected = no
        before, answer, refusal = self.ledger, None, None
        try:
            answer = service()
        except Refused as error:
            refusal = error
        code = refusal.code if refusal else ""
        assert code == expected.code, f"{name}: {refusal or 'done'}; by the rules: {expected.code or 'done'}"
        if expected.in_the_way and isinstance(refusal, DocumentInUse):
            assert refusal.references == tuple(self.reference(*document) for document in expected.in_the_way)
        self.done[f"{name} {code}".strip()] += 1
        self.check()
        if code:
            assert self.ledger == before, f"{name} was refused, and yet the ledger moved"
        return answer

    def reference(self, kind: str, number: int) -> str:
        table = {"receipt": "receipts", "build": "builds", "adjustment": "adjustments"}[kind]
        statement = sa.text(f"SELECT reference FROM {table} WHERE company_id = :c ORDER BY id")
        with self.shop.reading() as session:
            return str(session.execute(statement, {"c": self.shop.company_id}).scalars().all()[number])

    def id_of(self, table: str, number: int) -> int:
        with self.shop.reading() as session:
            statement = sa.text(f"SELECT id FROM {table} WHERE company_id = :c ORDER BY id")
            return int(session.execute(statement, {"c": self.shop.company_id}).scalars().all()[number])

    def lot(self, number: int) -> Lot:
        return self.shop.rows(sa.select(Lot).where(Lot.id == self.id_of("lots", number)))[0]

    # What people do

    def receive(self, lines: Sequence[tuple[str, Decimal, Decimal]], on: dt.date) -> None:
        typed = [LineInput(sku=sku, quantity=quantity, total_cost=cost) for sku, quantity, cost in lines]
        exact = [(sku, F(quantity), F(cost)) for sku, quantity, cost in lines]
        self.both("receive", lambda: self.stock.receive(on, exact), lambda: self.shop.receive(*typed, on=on))

    def build(self, sku: str, quantity: Decimal, on: dt.date, *, below: bool) -> None:
        product_id = self.shop.find(sku).id
        self.both(
            "build below" if below else "build",
            lambda: self.stock.build(sku, F(quantity), on, below=below),
            lambda: self.shop.write(
                lambda s: building.build_now(
                    s,
                    self.shop.act,
                    product_id=product_id,
                    quantity=quantity,
                    built_on=on,
                    build_subassemblies=below,
                )
            ),
        )

    def plan(self, sku: str, quantity: Decimal) -> None:
        product_id = self.shop.find(sku).id
        self.both(
            "plan",
            lambda: self.stock.plan(sku, F(quantity)),
            lambda: self.shop.write(
                lambda s: planning.plan_build(s, self.shop.act, product_id=product_id, quantity=quantity)
            ),
        )

    def execute(self, number: int, on: dt.date, *, below: bool) -> None:
        build_id = self.id_of("builds", number)
        self.both(
            "execute",
            lambda: self.stock.execute(number, on, below=below),
            lambda: self.shop.write(
                lambda s: building.execute_planned(s, self.shop.act, build_id, built_on=on, build_subassemblies=below)
            ),
        )

    def revise(self, sku: str, variant: int) -> None:
        recipe = VARIANTS[sku][variant]
        self.stock.recipes[sku] = recipe
        save_recipe(self.shop, sku, recipe)
        self.check()

    def review(self, *, on: bool) -> None:
        self.stock.under_review = on
        set_options(self.shop, qa_review=on)

    def approve(self, number: int) -> None:
        build_id = self.id_of("builds", number)
        self.both(
            "approve",
            lambda: self.stock.approve(number),
            lambda: self.shop.write(lambda s: reviewing.approve(s, self.shop.act, build_id)),
        )

    def reject(self, number: int, recovery: str, recovered: Mapping[int, Decimal] | None = None) -> None:
        build_id = self.id_of("builds", number)
        exact = {line: F(quantity) for line, quantity in (recovered or {}).items()}
        self.both(
            f"reject {recovery}",
            lambda: self.stock.reject(number, recovery, exact),
            lambda: self.shop.write(
                lambda s: reviewing.reject(
                    s,
                    self.shop.act,
                    build_id,
                    reason="process_error",
                    recovery=recovery,
                    recovered=recovered,
                )
            ),
        )

    def adjust(self, number: int, quantity: Decimal, on: dt.date) -> None:
        lot = self.lot(number)
        self.both(
            "adjust up" if quantity > 0 else "adjust down",
            lambda: self.stock.adjust(number, F(quantity), on),
            lambda: adjust(self.shop, lot, quantity, adjusted_on=on),
        )

    def start_count(self, numbers: Sequence[int], on: dt.date) -> None:
        lots = [self.lot(number) for number in numbers]
        found = self.both(
            "start count",
            lambda: self.stock.start_count(numbers, on),
            lambda: start_count(self.shop, lots=lots, counted_on=on),
        )
        if isinstance(found, StockCount):
            self.counts.append(found)

    def cancel_count(self, number: int) -> None:
        self.both(
            "cancel count",
            lambda: self.stock.cancel_count(number),
            lambda: cancel_count(self.shop, self.counts[number]),
        )

    def confirm_count(self, number: int, counted: Mapping[int, Decimal]) -> None:
        """What was entered stays on the count, also when it can't be confirmed yet."""
        if self.stock.counts[number].is_open:
            enter(self.shop, self.counts[number], {self.lot(card): value for card, value in counted.items()})
            self.stock.counts[number].counted.update({card: F(value) for card, value in counted.items()})
        self.both(
            "count",
            lambda: self.stock.confirm_count(number),
            lambda: confirm_count(self.shop, self.counts[number]),
        )

    def hold(self, number: int) -> None:
        lot = self.lot(number)
        self.both("hold", lambda: self.stock.hold(number), lambda: hold(self.shop, lot))

    def release(self, number: int) -> None:
        lot = self.lot(number)
        self.both("release", lambda: self.stock.release(number), lambda: release(self.shop, lot))

    def split(self, number: int, quantity: Decimal) -> None:
        lot = self.lot(number)
        self.both("split", lambda: self.stock.split(number, F(quantity)), lambda: split(self.shop, lot, quantity))

    def undo(self, kind: str, number: int, on: dt.date) -> None:
        document_id = self.id_of(f"{kind}s", number)
        self.both(
            f"reverse {kind}",
            lambda: inventory_undoing.undo(self.stock, kind, number, on),
            lambda: self.shop.write(
                lambda s: reversing.reverse(s, self.shop.act, kind, document_id, reason="A slip", reversed_on=on)
            ),
        )

    def sleep(self) -> None:
        """The next morning."""
        self.stock.today += dt.timedelta(days=1)
        act = self.shop.act
        self.shop = replace(
            self.shop, act=replace(act, at=act.at + dt.timedelta(days=1), today=act.today + dt.timedelta(days=1))
        )

    # What must be so

    def check(self) -> None:
        """The shop is what the oracle says, and every law holds: by its own doctor, and by plain SQL."""
        found = self.rows()
        self._compare_lots(found)
        self._compare_documents(found)
        balances = {sku: (millionths(quantity), millionths(value)) for sku, quantity, value in found["balances"]}
        assert {sku: balances.get(sku, (0, 0)) for sku in PRODUCTS} == {sku: self.stock.stock(sku) for sku in PRODUCTS}
        assert broken_laws(self.shop) == {}
        if self.done.total() % self.doctor_every == 0:
            self.examine()
        ledger = ledger_of(self.shop)
        changed = {key for key, row in self.ledger.items() if ledger.get(key) != row}
        assert not changed, f"law 6: lines {changed} of the ledger were changed"
        self.ledger = ledger

    def examine(self) -> None:
        with self.shop.reading() as session:
            assert doctoring.examine(session, replay=True) == []

    def rows(self) -> Rows:
        with self.shop.reading() as session:
            company = {"c": self.shop.company_id}
            return {name: list(session.execute(statement, company)) for name, statement in STATEMENTS.items()}

    def _compare_lots(self, found: Rows) -> None:
        skus = {product.id: product.sku for product in found["products"]}
        ours = [
            (skus[row.product_id], str(row.received_on), *map(millionths, row[3:7]), row.state) for row in found["lots"]
        ]
        cards = self.stock.cards
        theirs = [(c.product, str(c.received_on), c.quantity_in, c.cost_in, c.quantity, c.cost, c.state) for c in cards]
        assert ours == theirs

    def _compare_documents(self, found: Rows) -> None:
        makings, lots = self.stock.makings, {row.id: i for i, row in enumerate(found["lots"])}
        assert [(millionths(b.quantity), b.state, *map(millionths, b[4:7])) for b in found["builds"]] == [
            (m.quantity, m.state, m.components_cost, m.added, m.waste) for m in makings
        ]
        builds = {row.id: i for i, row in enumerate(found["builds"])}
        assert [
            (builds[d.document_id], d.line, lots[d.lot_id], *map(millionths, (d.quantity, d.cost, d.back, d.back_cost)))
            for d in found["draws"]
        ] == [(i, t.line, t.card, t.quantity, t.cost, *t.back) for i, m in enumerate(makings) for t in m.takings]
        assert [row.state for row in found["receipts"]] == [state for _, state in self.stock.receipts]
        assert [
            (lots[a.lot_id], millionths(a.quantity), millionths(a.cost), a.state) for a in found["adjustments"]
        ] == [(c.card, c.quantity, c.cost, c.state) for c in self.stock.changes]


def open_pair(shop: Shop, *, has_books: bool) -> Pair:
    """A shop with the products and BOMs that the oracle knows, and its books connected if wanted."""
    shop.products(*PRODUCTS)
    recipes = {sku: variants[0] for sku, variants in VARIANTS.items()}
    for sku, recipe in recipes.items():
        save_recipe(shop, sku, recipe)
    if has_books:
        connect(shop)
    return Pair(shop=shop, stock=Oracle(today=shop.act.today, recipes=recipes))


def save_recipe(shop: Shop, sku: str, recipe: Recipe) -> None:
    lines = [
        ComponentInput(sku=part, quantity=plain(each), scrap_percent=plain(scrap), optional=optional)
        for part, each, scrap, optional in recipe.components
    ]
    work = [CostInput(kind="labour", label="Work", amount=plain(recipe.work))] if recipe.work else []
    shop.save(sku, *lines, costs=work, makes=plain(recipe.makes))


def plain(value: Fraction) -> Decimal:
    """A Fraction of whole millionths as people write it."""
    return D(value.numerator) / D(value.denominator)


def millionths(value: int | Decimal | None) -> Fraction:
    """An amount as it is kept."""
    return F(int(value or 0), 10**6)
