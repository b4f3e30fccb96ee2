"""How a backend tells what is left of its limits of calls."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHeaders:
    """The headers of their answers that tell what is left of a limit, and which one a 429 is about. Empty: none."""

    minute_left: str = ""
    day_left: str = ""
    app_minute_left: str = ""
    problem: str = ""
