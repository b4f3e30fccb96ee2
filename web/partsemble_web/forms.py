"""What was typed into a form, kept so that a refused form comes back as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

ROWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Texts by field name, and for each table of lines its rows."""

    values: Mapping[str, str]
    rows: Mapping[str, Sequence[dict[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, str], *names: str) -> Form:
        """The fields of these names; one that wasn't sent is empty."""
        return cls(values={name: given.get(name, "") for name in names})


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
