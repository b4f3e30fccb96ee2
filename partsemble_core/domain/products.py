"""What a product is, and when two SKUs are the same."""

from __future__ import annotations

import enum
import re
import unicodedata

from partsemble_core.errors import Invalid, say, word

SKU_LENGTH = 64
NAME_LENGTH = 200
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
LABELS = {"assignee": say("“For”"), "sku": "SKU"}
"""Fields that forms don't call by their names."""


class ProductKind(enum.StrEnum):
    """A label that steers pickers and sales; raw material and component behave alike."""

    RAW_MATERIAL = "raw_material"
    COMPONENT = "component"
    SUB_ASSEMBLY = "sub_assembly"
    FINISHED_GOOD = "finished_good"


def clean_text(value: object, *, field: str, length: int, required: bool = True, many_lines: bool = False) -> str:
    """Text in NFC, trimmed; ``many_lines`` lets line ends through, as ``\\n``.

    Raises Invalid for none, too much, or characters that can't be printed.
    """
    if not isinstance(value, str):
        raise Invalid(field, say("{label} must be text.", label=word(_label(field))))
    text = unicodedata.normalize("NFC", value).strip()
    if many_lines:
        text = text.replace("\r\n", "\n")
    if required and not text:
        raise Invalid(field, say("{label} is missing. Fill it in.", label=word(_label(field))))
    if len(text) > length:
        raise Invalid(
            field, say("{label} may have at most {length} characters.", label=word(_label(field)), length=length)
        )
    if any(
        unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        for c in text.replace("\n", "" if many_lines else "\n")
    ):
        raise Invalid(
            field, say("{label} contains characters that can't be printed. Type it again.", label=word(_label(field)))
        )
    return text


def clean_address(value: object, *, field: str = "email", length: int, required: bool = True) -> str:
    """An e-mail address, as it was typed. Whether anybody reads it, only a letter tells. Raises Invalid."""
    address = clean_text(value, field=field, length=length, required=required)
    if address and not ADDRESS.fullmatch(address):
        raise Invalid(field, say("{address!r} isn't an e-mail address.", address=address))
    return address


def clean_sku(value: object, *, field: str = "sku") -> str:
    """The SKU as it is kept and shown. Raises Invalid."""
    return clean_text(value, field=field, length=SKU_LENGTH)


def sku_key(sku: str) -> str:
    """What two SKUs share when they are the same: compared without case, in NFC (PRODUCT 4)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", sku.strip()).casefold())


def parse_kind(value: object, *, field: str = "kind") -> ProductKind:
    """Raises Invalid, listing the kinds."""
    for kind in ProductKind:
        if value == kind.value:
            return kind
    shown = value[:40] if isinstance(value, str) else type(value).__name__
    raise Invalid(
        field, say("There is no kind {shown!r}. Use one of {kinds}.", shown=shown, kinds=", ".join(ProductKind))
    )


def _label(field: str) -> str:
    """What the forms call it."""
    name = field.split(".")[-1]
    return LABELS.get(name) or name.replace("_", " ").capitalize()
