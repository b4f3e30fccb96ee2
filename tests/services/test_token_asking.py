"""What comes back from a sign-in service is read within bounds of time and size."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from partsemble_core.services import token_asking
from partsemble_core.services.token_asking import LostAnswer
from partsemble_core.services.token_keeping import SignInBroken


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


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (400, {"error": "invalid_grant"}, None),
        (400, {"error": "invalid_grant", "error_description": "spent"}, None),
        (401, {"error": "invalid_client"}, SignInBroken),
        (400, {"error": "invalid_client"}, SignInBroken),
        (400, {"error": "unauthorized_client"}, SignInBroken),
        (400, {"error": "unsupported_grant_type"}, SignInBroken),
        (400, {"error": "invalid_scope"}, SignInBroken),
        (400, {}, LostAnswer),
        (403, {"error": "invalid_grant"}, LostAnswer),
        (429, {}, LostAnswer),
        (500, {"error": "invalid_grant"}, LostAnswer),
        (503, None, LostAnswer),
        (200, {"access_token": "a"}, LostAnswer),
        (200, {"access_token": "", "refresh_token": "r"}, LostAnswer),
        (200, [], LostAnswer),
    ],
)
def test_only_invalid_grant_refuses_a_refresh_token(status: int, body: object, wanted: type[Exception] | None) -> None:
    """Whatever else is said is about our settings, or leaves open what happened: nobody is signed out by it."""
    content = b"<html>down</html>" if body is None else json.dumps(body).encode()
    if wanted is None:
        assert token_asking._read_answer(status, content) is None
    else:
        with pytest.raises(wanted):
            token_asking._read_answer(status, content)
