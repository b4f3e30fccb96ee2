"""What comes back from a sign-in service is read within bounds of time and size."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from partsemble_core.services import token_asking


class Dripping:
    """An answer whose body comes in parts."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def iter_content(self, size: int) -> Iterator[bytes]:
        yield from self.parts


def test_an_answer_drop_by_drop_or_without_end_is_lost() -> None:
    later = time.monotonic() + 60
    assert token_asking._body(Dripping(b"a", b"b"), later) == b"ab"  # type: ignore[arg-type]
    with pytest.raises(token_asking.LostAnswer, match="too slow"):
        token_asking._body(Dripping(b"a"), time.monotonic() - 1)  # type: ignore[arg-type]
    with pytest.raises(token_asking.LostAnswer, match="too long"):
        token_asking._body(Dripping(b"a" * token_asking.LARGEST, b"b"), later)  # type: ignore[arg-type]
