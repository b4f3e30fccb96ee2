"""Tracking: the labels that books let a journal line carry, such as a department and a region."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingOption:
    """One label. ``active`` = a journal may carry it."""

    external_id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingCategory:
    """A kind of label with all that can be chosen; of one category a line carries one option at most."""

    external_id: str
    name: str
    options: tuple[TrackingOption, ...]
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """A label on a journal line, frozen with the posting: the ids are what is sent, the names what people read."""

    category_id: str
    category: str
    option_id: str
    option: str
