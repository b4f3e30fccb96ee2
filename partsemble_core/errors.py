"""The bases of every refusal. A leaf stands beside the function that raises it.

Each class carries a stable kebab-case ``code`` that the API, the console and the command line show alike, and that
has a heading in ``docs/reference/errors.md``.
"""

from __future__ import annotations

from collections.abc import Iterator


class PartsembleError(Exception):
    """Anything this product says no with. ``str(error)`` is fit to be read by a person."""

    code = "error"


class Refused(PartsembleError):
    """Nothing was changed, and the caller can act on it."""

    code = "refused"


class NotFound(Refused):
    """No such thing in this company. The same answer is given for another company's things."""

    code = "not-found"

    def __init__(self, what: str, key: object) -> None:
        super().__init__(f"There is no {what} {key!s} in this company.")
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
