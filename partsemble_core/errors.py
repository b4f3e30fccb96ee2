"""The bases of every refusal, and how their texts are made. A leaf stands beside the function that raises it.

Each class carries a stable kebab-case ``code`` that the API, the console and the command line show alike, and that
has a heading in ``docs/reference/errors.md``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Self, TypeAlias

Value: TypeAlias = str | int | float | Decimal | dt.date | dt.time
"""What a text may be filled in with: nothing that could change, or be loaded, between its making and its showing."""


class Wording(str):
    """A text in English that remembers what it was made of: the template is the catalogue's key.

    ``values`` that are wordings are ours to translate; any other is somebody's own word, and shown as it stands.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value]) -> Self:
        made = super().__new__(cls, template.format(**values))
        made.template = template
        made.values = values
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, Value]]]:
        return type(self), (self.template, dict(self.values))


def say(template: str, /, **values: Value) -> Wording:
    """``template`` in English, its ``{names}`` filled in as ``str.format`` does.

    Every text with a value in it that a person may read is made like this, never by an f-string: catalogues are
    collected from the calls, so the template has to stand there as one literal.
    """
    return Wording(template, values)


def word(text: str) -> Wording:
    """A word of ours, such as a state or a label from a table, among the values of a text: said in its language."""
    return text if isinstance(text, Wording) else Wording(text.replace("{", "{{").replace("}", "}}"), {})


def say_each(texts: Iterable[str], *, between: str = ", ") -> Wording:
    """Several texts as one. Each is said by itself, and keeps what it was made of."""
    values = {f"text_{number}": text for number, text in enumerate(texts)}
    return Wording(between.join(f"{{{name}}}" for name in values), values)


class PartsembleError(Exception):
    """Anything this product says no with. ``str(error)`` is fit to be read by a person."""

    code = "error"

    @property
    def message(self) -> str:
        """The same as ``str(error)``, which a door can say in another language if it was made by ``say``."""
        return self.args[0] if self.args and isinstance(self.args[0], str) else str(self)


class Refused(PartsembleError):
    """Nothing was changed, and the caller can act on it."""

    code = "refused"


class NotFound(Refused):
    """No such thing in this company. The same answer is given for another company's things."""

    code = "not-found"

    def __init__(self, what: str, key: object) -> None:
        super().__init__(say("There is no {what} {key} in this company.", what=word(what), key=str(key)))
        self.what = what
        self.key = key


class Invalid(Refused):
    """A value can't be accepted. ``field`` names it as the caller sent it; the message ends with the cure."""

    code = "invalid"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Conflict(Refused):
    """The thing exists already, or was changed by somebody else meanwhile."""

    code = "conflict"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Forbidden(Refused):
    """The person may not do this."""

    code = "forbidden"


class WrongState(Refused):
    """The document isn't in a state that allows the step."""

    code = "wrong-state"


class InvariantBroken(PartsembleError):
    """Our own bug: the transaction is rolled back and somebody has to hear of it."""

    code = "invariant-broken"


def error_classes() -> Iterator[type[PartsembleError]]:
    """Every error class known so far, each once: what the table of codes is checked against."""
    seen: set[type[PartsembleError]] = set()
    queue: list[type[PartsembleError]] = [PartsembleError]
    while queue:
        found = queue.pop()
        if found in seen:
            continue
        seen.add(found)
        queue.extend(found.__subclasses__())
        yield found
