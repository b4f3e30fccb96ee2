"""Words that pages show for values of the core: states, kinds, reasons, labels, and the filters of lists."""

from __future__ import annotations

import ast
import enum
import importlib
from collections.abc import Iterator
from typing import Any

from partsemble_core.services.listing import TABLES, labels
from partsemble_core.store.watched import WATCHED
from partsemble_web.forms import CELLS
from partsemble_web.lists import ListPage
from partsemble_web.showing import TONES, WORDS, word_in_english
from tests.house.sources import product_files, tree_of
from tests.house.test_docs import import_all
from tests.house.texts_in_python import Found

SHOWN = ("partsemble_core.domain.", "partsemble_core.store.", "partsemble_core.plugin_api.types")
UNSEEN = frozenset(
    {
        "ClosedPeriod",
        "ConnectStep",
        "Doubt",
        "GrantState",
        "JournalStatus",
        "Limit",
        "PostStep",
        "Posting",
        "StepKind",
        "TokenState",
        "Urgency",
    }
)
"""Of machinery, which no page shows."""
WITHIN = frozenset(
    {
        "AdjustmentReason",
        "AdjustmentState",
        "BomState",
        "BuildState",
        "CostKind",
        "CountState",
        "DocumentKind",
        "ExportState",
        "LotState",
        "ReceiptState",
        "Recovery",
        "Role",
        "SpreadBy",
        "SyncKind",
    }
)
"""Those that messages hold as they are, within a sentence: *is draft, not confirmed*."""
ALSO = ("inactive", "active", "on", "off", "expired", "ended", "accepted", "revoked", "usable", "not usable", "gone")
"""What lists call their rows by themselves."""


def words() -> Iterator[Found]:
    """Each word once, as the catalogue knows it."""
    import_all("partsemble_core")
    import_all("partsemble_web")
    found: set[str] = {*ALSO, *labels.LABELS, *TONES, *WORDS, *CELLS}
    found |= {str(member) for known in _enums() for member in known}
    found |= {watched.noun for watched in WATCHED.values()}
    for page in _list_pages():
        for title, values in page.choices.values():
            found |= {title, *map(str, values)}
        found |= {str(key) for key in page.extra}
    place = frozenset({"tests/house/words_of_tables.py"})
    found |= set(_labels())
    texts = {word_in_english(text) for text in found} | {table.title for table in TABLES.values()}
    texts |= {str(member) for known in _enums() if known.__name__ in WITHIN for member in known}
    yield from (Found(text=text, places=place) for text in sorted(texts) if text)


def _labels() -> Iterator[str]:
    """What messages call the fields that something is wrong with: ``lines[0].unit_cost`` is *Unit cost*."""
    for path in product_files("partsemble_core"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.keyword) and node.arg == "field":
                last = node.value.values[-1] if isinstance(node.value, ast.JoinedStr) else node.value
                if isinstance(last, ast.Constant) and isinstance(last.value, str):
                    yield last.value.rpartition(".")[2].rpartition("]")[2]


def _enums() -> Iterator[Any]:
    """Every enumeration whose members a page may show."""
    queue: list[Any] = [enum.StrEnum]
    while queue:
        for known in queue.pop().__subclasses__():
            queue.append(known)
            if f"{known.__module__}.".startswith(SHOWN) and known.__name__ not in UNSEEN:
                yield known


def _list_pages() -> Iterator[ListPage]:
    app = importlib.import_module("partsemble_web.app")
    for area in app.PAGES:
        yield from (value for value in vars(area).values() if isinstance(value, ListPage))
