"""From bytes to text, by rule: what can't be known is said, never guessed in silence."""

from __future__ import annotations

import codecs

from partsemble_core.plugin_api import say, word

MAX_BYTES = 10 * 1024 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_BINARIES = ((b"%PDF", "a PDF"), (b"\x1f\x8b", "a gzip archive"), (b"\x89PNG", "a picture"))


class Unreadable(Exception):
    """The file as a whole can't be read; the text says why, and what to do. Never leaves this package."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def is_workbook(content: bytes) -> bool:
    """Whether this is a spreadsheet's own format (XLSX, XLS): another reader's business."""
    return content.startswith(_WORKBOOKS)


def decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text and warnings about how it was read. Raises Unreadable."""
    if len(content) > MAX_BYTES:
        raise Unreadable("The file is larger than 10 MB; split it.")
    for magic, what in _BINARIES:
        if content.startswith(magic):
            raise Unreadable(say("The file is {what}, not a table; save it as CSV (UTF-8).", what=word(what)))
    text, warnings = _text_of(content)
    if not text.strip():
        raise Unreadable("The file is empty; export it again.")
    if text.lstrip()[:15].casefold().startswith(("<!doctype", "<html", "<?xml", "{\\rtf")):
        raise Unreadable("The file is a web page or document, not a table; save it as CSV (UTF-8).")
    return text, warnings


def _text_of(content: bytes) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded_as(content, encoding), ()
    wide = _utf_16_by_zeros(content)
    if wide:
        return _decoded_as(content, wide), ("The file was read as UTF-16.",)
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        place = error.start
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise Unreadable(
            say("The file is in no known encoding (byte {place}); save it as CSV (UTF-8).", place=place)
        ) from None
    return text, ("The file is not UTF-8; it was read as Windows-1252. Check the accents and symbols.",)


def _decoded_as(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        message = say(
            "The file begins like {encoding} but breaks at byte {start}; save it as CSV (UTF-8).",
            encoding=encoding,
            start=error.start,
        )
        raise Unreadable(message) from error


def _utf_16_by_zeros(content: bytes) -> str | None:
    """UTF-16 without a mark: Latin text has a zero in every second byte, and nowhere else."""
    head = content[:4096]
    even, odd = head[0::2], head[1::2]
    if len(head) < 4:
        return None
    if odd.count(0) > 0.4 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.4 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None
