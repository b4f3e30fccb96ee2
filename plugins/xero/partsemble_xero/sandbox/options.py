"""What one sandbox is told at its start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

DEFAULT_USERS = ("Demo User",)
GRACE_SECONDS = 1800
PREFIX = re.compile("[A-Za-z0-9_-]{0,40}")
ClockMode = Literal["real", "fixed"]
RefreshRetry = Literal["supersede", "sibling"]


class OptionRefused(ValueError):
    """An option that cannot work: a stable code, the option's name and what to do instead."""

    def __init__(self, code: str, *, option: str, cure: str) -> None:
        super().__init__(f"{option}: {cure} ({code})")
        self.code = code
        self.option = option
        self.cure = cure


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationOption:
    """An organisation to have: its name and its base currency (ISO 4217, three capitals)."""

    name: str
    currency: str

    @classmethod
    def from_text(cls, text: str) -> OrganisationOption:
        """Read ``Name:CUR``. Raises :class:`OptionRefused`."""
        name, _, currency = text.rpartition(":")
        if not name.strip() or not re.fullmatch("[A-Z]{3}", currency):
            raise OptionRefused("organisation-not-valid", option="--organisation", cure=f"write Name:CUR, not '{text}'")
        return cls(name=name.strip(), currency=currency)


DEFAULT_ORGANISATIONS = (
    OrganisationOption(name="Demo Kits Ltd", currency="NZD"),
    OrganisationOption(name="Second Books Ltd", currency="USD"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Where the state lives and how the sandbox behaves.

    Without ``redirect_uris`` any ``http://localhost`` address may be returned to. ``refresh_retry``
    says what becomes of the token set issued before when a used refresh token is sent again within
    its grace: it dies (``supersede``) or lives on (``sibling``). ``connections_max`` is how many organisations
    the app may be connected to, 0 for any number. Secrets and tokens made begin with ``secret_prefix``.
    """

    data_file: Path
    redirect_uris: tuple[str, ...] = ()
    organisations: tuple[OrganisationOption, ...] = DEFAULT_ORGANISATIONS
    clock: ClockMode = "real"
    limits: bool = False
    refresh_retry: RefreshRetry = "supersede"
    refresh_grace_seconds: int = GRACE_SECONDS
    users: tuple[str, ...] = DEFAULT_USERS
    connections_max: int = 0
    secret_prefix: str = ""

    def __post_init__(self) -> None:
        if not PREFIX.fullmatch(self.secret_prefix):
            cure = "use at most 40 letters, digits, - and _"
            raise OptionRefused("secret-prefix-not-valid", option="--secret-prefix", cure=cure)
        if not all(name.strip() for name in self.users) or len(set(self.users)) != len(self.users):
            raise OptionRefused("user-not-valid", option="--user", cure="name each user once")
        for uri in self.redirect_uris:
            if not is_registrable(uri):
                raise OptionRefused(
                    "redirect-uri-not-valid",
                    option="--redirect-uri",
                    cure=f"Xero registers https:// and http://localhost addresses only, not '{uri}'",
                )


def is_registrable(uri: str) -> bool:
    """Whether Xero would let an app register ``uri``: https, or plain http on ``localhost``."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and host == "localhost")
