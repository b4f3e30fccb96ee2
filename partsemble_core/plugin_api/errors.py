"""What a plugin raises. Each class names what happens next, and says whether the write may have happened.

Anything else that comes out of a plugin counts as "may have been written": the core does not know what it did.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence

from partsemble_core.errors import PartsembleError


class Written(enum.StrEnum):
    """Whether the accounting system may hold what was sent."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class BackendError(PartsembleError):
    """The base: an accounting system, or the way to it, said no."""

    code = "backend-error"
    written = Written.NO


class RetryLater(BackendError):
    """Surely not written: again after ``after`` seconds. ``whole_organisation``: nothing else may be sent either."""

    code = "backend-retry-later"

    def __init__(self, message: str, *, after: int = 60, whole_organisation: bool = False) -> None:
        super().__init__(message)
        self.after = after
        self.whole_organisation = whole_organisation


class Rejected(BackendError):
    """The books said no to exactly this. A person fixes the cause, then tries again. ``problems`` are their words."""

    code = "backend-rejected"

    def __init__(self, message: str, *, problems: Sequence[str] = (), fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.fields = tuple(fields)


class PeriodClosed(Rejected):
    """The date lies in a locked period. Dates are never moved silently."""

    code = "backend-period-closed"

    def __init__(self, message: str, *, locked_through: dt.date | None = None) -> None:
        super().__init__(message, problems=(message,), fields=("date",))
        self.locked_through = locked_through


class OutcomeUnknown(BackendError):
    """May have been written: time-out, reset, 5xx, unreadable answer. It is looked up, never sent again blindly."""

    code = "backend-outcome-unknown"
    written = Written.MAYBE


class SignedOut(BackendError):
    """The access token was refused. It is refreshed once; if that fails the connection waits for its owner."""

    code = "backend-signed-out"


class NotPermitted(BackendError):
    """The sign-in is good but may not do this: scope missing, organisation disconnected, user's rights too small."""

    code = "backend-not-permitted"


class Unsupported(BackendError):
    """This backend can't do that at all."""

    code = "backend-unsupported"


class KeyReused(BackendError):
    """A key came back with other content: our own bug, shown to a person and never sent again."""

    code = "backend-key-reused"
