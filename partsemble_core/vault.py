"""Sealing of tokens and other secrets at rest. The only file that sees key material.

AES-256-GCM; what a seal is bound to (table, column, row, company) is authenticated, so a sealed text moved to
another row or company doesn't open. Keys come from the environment, never from the database.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from partsemble_core.errors import PartsembleError, say
from partsemble_core.plugin_api.secret import Secret

VERSION = "v1"
NONCE = 12


class SealBroken(PartsembleError):
    """A sealed text doesn't open: it was moved or changed, or its key isn't among PARTSEMBLE_KEYS."""

    code = "seal-broken"


class BadKeys(PartsembleError):
    """PARTSEMBLE_KEYS can't be read."""

    code = "bad-keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sealed text lives; it opens nowhere else."""

    table: str
    column: str
    row_key: str
    company_id: int = 0
    """0: of no company, but of the whole installation."""

    def as_bytes(self, key_name: str) -> bytes:
        return "|".join((VERSION, key_name, self.table, self.column, self.row_key, str(self.company_id))).encode()


class Vault:
    """Seals with the first key, opens with any of them."""

    def __init__(self, keys: Secret) -> None:
        self._keys = _read_keys(keys.reveal())
        self._first = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"Vault({', '.join(self._keys)})"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the keys; the first seals."""
        return tuple(self._keys)

    def seal(self, secret: Secret, place: Place) -> str:
        """``v1.KEYNAME.BASE64`` of nonce and ciphertext."""
        nonce = os.urandom(NONCE)
        sealed = self._keys[self._first].encrypt(nonce, secret.reveal().encode(), place.as_bytes(self._first))
        return f"{VERSION}.{self._first}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def unseal(self, sealed: str, place: Place) -> Secret:
        """Raises SealBroken."""
        version, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        key = self._keys.get(name)
        if version != VERSION or key is None:
            raise SealBroken(
                say("A secret was sealed with the key {name!r}, which isn't in PARTSEMBLE_KEYS. Add it.", name=name)
            )
        try:
            raw = _decoded(body)
            return Secret(key.decrypt(raw[:NONCE], raw[NONCE:], place.as_bytes(name)).decode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken("A sealed secret was changed or moved. Reconnect the accounting system.") from error


def key_name_of(sealed: str) -> str:
    """The name of the key that a sealed text needs; empty where there is none to read."""
    version, _, rest = sealed.partition(".")
    return rest.partition(".")[0] if version == VERSION else ""


def _decoded(body: str) -> bytes:
    """The bytes of a seal; spare bits and stray characters, which base64 passes over, are changes too."""
    raw = base64.urlsafe_b64decode(body.encode())
    if base64.urlsafe_b64encode(raw).decode() != body:
        raise ValueError("not as it was written")
    return raw


def _read_keys(text: str) -> dict[str, AESGCM]:
    keys: dict[str, AESGCM] = {}
    for part in text.split(","):
        name, _, encoded = part.strip().partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:  # wrong base64 is one kind, and what isn't ASCII raises another
            raw = b""
        if not name.isidentifier() or name in keys or len(raw) != 32:
            raise BadKeys(
                "PARTSEMBLE_KEYS must read NAME:BASE64 of 32 bytes, comma separated, each name once. Make one with: "
                "python -c \"import os,base64;print('k1:'+base64.b64encode(os.urandom(32)).decode())\""
            )
        keys[name] = AESGCM(HKDF(SHA256(), 32, None, b"partsemble seal v1").derive(raw))
    return keys
