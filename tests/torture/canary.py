"""Looking for secrets that are marked: in plain text, as base64 at any offset, as hex, in zip files, compressed."""

from __future__ import annotations

import base64
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from redis import Redis

MARK = "CANARY-7f3a9c-"


def marks_in(content: bytes | str) -> list[str]:
    """The forms of the mark that are found."""
    raw = content.encode() if isinstance(content, str) else content
    return [form for view in _views(raw) for form in FORMS if form.encode() in view]


def _forms() -> tuple[str, ...]:
    """The mark as it may be written: whatever stands before it moves base64 by none, one or two letters."""
    texts = [MARK, quote(MARK, safe=""), MARK.encode().hex()]
    for before in range(3):
        packed = base64.b64encode(b"\0" * before + MARK.encode()).decode()
        texts.append(packed[before + 1 if before else 0 : len(packed) - 4])
    return tuple(dict.fromkeys(texts))


def _views(raw: bytes) -> Iterator[bytes]:
    """The bytes as they are, and what is packed in them."""
    yield raw
    if raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as files:
            for name in files.namelist():
                yield files.read(name)
    try:
        yield zlib.decompress(raw)
    except zlib.error:
        return


def dump_of_database(engine: sa.Engine) -> str:
    """Every value of every table as text; of SQLite also what its own dump says."""
    texts = []
    with engine.connect() as connection:
        for table in sa.inspect(engine).get_table_names():
            for row in connection.execute(sa.text(f'SELECT * FROM "{table}"')):
                texts += [_text(value) for value in row]
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            texts += list(connection.iterdump())
    return "\n".join(texts)


def _text(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def values_in_queue(client: Redis) -> Iterator[bytes]:
    """Every key of the queue's server, with all that it holds."""
    readers: dict[bytes, Any] = {
        b"string": lambda key: [client.get(key)],
        b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],  # type: ignore[union-attr]
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": lambda key: client.smembers(key),
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": lambda key: [
            part
            for _, fields in client.xrange(key)  # type: ignore[union-attr]
            for pair in fields.items()
            for part in pair
        ],
    }
    for key in client.scan_iter():
        yield key
        kind = client.type(key)
        assert kind in readers, f"{key!r} is of a kind that isn't looked into: {kind!r}"
        yield from readers[kind](key)  # type: ignore[index]


def files_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_socket():
            yield path, path.read_bytes()


FORMS = _forms()
