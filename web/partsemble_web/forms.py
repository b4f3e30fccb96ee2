"""What was typed into a form, kept so that a refused form comes back as it was.

Numbers are typed in the way of the page that they are typed into, which its form says: the person may have turned to
another language since. They are read here, once, before any page sees them; what a page holds from then on is the plain
text that services and the API know, and it shows itself in the person's way again. An address that doesn't say in
which way its numbers are written holds plain ones: it says the same to whoever opens it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Flask, request
from markupsafe import escape
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from partsemble_core.domain.amounts import Misread
from partsemble_core.errors import Invalid
from partsemble_core.services.preferring import LOCALES
from partsemble_web.speaking import locale, mark
from partsemble_web.writing import read_plain, read_typed, write_typed

WRITTEN_IN = "written_in"
"""The field by which a form says in which locale its page was."""
ROWS = 2_000
NUMBERS = frozenset(
    {
        "build_point",
        "build_target",
        "charge_amount",
        "cost_amount",
        "cost_hours",
        "cost_rate",
        "counted",
        "line_quantity",
        "line_scrap_percent",
        "output_quantity",
        "per_purchase_unit",
        "quantity",
        "rate",
        "recovered",
        "reorder_point",
        "scrap_percent",
        "total_cost",
        "unit_cost",
        "weight",
    }
)
"""Fields of numbers, by the names that they have in forms."""
CELLS = NUMBERS | {"amount", "hours"}
"""The same, and what they are called in rows, without the prefix of their table."""


class Typed(str):
    """A number as services know it, ``1234.5``, which a page shows as the person would type it: ``1234,5``."""

    __slots__ = ()

    def __html__(self) -> str:
        return escape(write_typed(str(self), locale()))

    def strip(self, chars: str | None = None) -> Typed:
        """It has nothing around it."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Texts by field name, and for each table of lines its rows."""

    values: Mapping[str, str]
    rows: Mapping[str, Sequence[dict[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = {name: tuple(_shown(row) for row in rows) for name, rows in self.rows.items()}
        object.__setattr__(self, "values", _shown(self.values))
        object.__setattr__(self, "rows", rows)

    @classmethod
    def of(cls, given: Mapping[str, str], *names: str) -> Form:
        """The fields of these names; one that wasn't sent is empty."""
        return cls(values={name: given.get(name, "") for name in names})


def register(app: Flask, *, but: tuple[str, ...]) -> None:
    """Reads the numbers of every form of ``app``, but for those sent to addresses that begin like ``but``."""
    app.before_request(lambda: None if request.path.startswith(but) else _read_numbers())


def read_number(text: str, written_in: str) -> Typed | Misread:
    """What was typed in the way of a locale, or plainly where that is empty, as services know it.

    What is no number in that way is kept, for services to refuse.
    """
    found = read_typed(text, written_in) if written_in else read_plain(text)
    return Typed(found or "") if found or not text.strip() else Misread(text.strip())


def rows_of(
    given: MultiDict[str, str], names: Sequence[str], *, key: str, prefix: str = ""
) -> tuple[dict[str, str], ...]:
    """The lines of a table whose cells share their names, such as ``sku``. Lines without anything typed fall away.

    Every cell of a line has to be sent, so a line has no checkboxes: an empty one isn't sent at all.
    """
    columns = {name: given.getlist(prefix + name)[:ROWS] for name in names}
    count = len(columns[key])
    rows = []
    for i in range(count):
        row = {name: cells[i].strip() if i < len(cells) else "" for name, cells in columns.items()}
        if any(text for name, text in row.items() if name not in ("kind", "optional")):
            rows.append(row)
    return tuple(rows)


def _read_numbers() -> None:
    """Raises Invalid."""
    if NUMBERS & request.args.keys():
        request.args = _with_numbers(request.args, _way_of(request.args))
    if request.method == "POST" and NUMBERS & request.form.keys():
        request.form = _with_numbers(request.form, _way_of(request.form) or locale())


def _way_of(given: MultiDict[str, str]) -> str:
    """The locale of the page that was typed into; empty where nothing says it. Raises Invalid."""
    said = set(given.getlist(WRITTEN_IN))
    if len(said) > 1 or not said <= set(LOCALES):
        raise Invalid(WRITTEN_IN, mark("It isn’t clear in which way these numbers are written. Load the page again."))
    return said.pop() if said else ""


def _with_numbers(given: MultiDict[str, str], written_in: str) -> ImmutableMultiDict[str, str]:
    pairs = given.items(multi=True)
    return ImmutableMultiDict(
        (name, read_number(text, written_in) if name in NUMBERS else text) for name, text in pairs
    )


def _shown(texts: Mapping[str, str]) -> dict[str, str]:
    """Numbers that come from the store show themselves as the typed ones do."""
    return {
        name: Typed(text) if name in CELLS and not isinstance(text, Typed | Misread) else text
        for name, text in texts.items()
    }
