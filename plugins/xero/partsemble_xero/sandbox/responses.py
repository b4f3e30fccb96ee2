"""From the sandbox's own answers to Flask's."""

from __future__ import annotations

from flask import Response

from .problems import Answer


def to_response(answer: Answer) -> Response:
    """An :class:`Answer` as Flask sends it."""
    return Response(answer.body, status=answer.status, content_type=answer.content_type, headers=dict(answer.headers))
