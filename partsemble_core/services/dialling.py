"""Dialling: one signed event to one address, whoever it belongs to. Nothing here touches the database.

The address was typed by a user, so it is not trusted: no redirect is followed, no proxy or cookie is used, the answer
is read to a limit, everything ends at a deadline, and the machine's own networks are out of reach. That is checked on
the very address that is connected to: what a name resolved to before counts for nothing.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from partsemble_core.errors import Invalid, Refused, say
from partsemble_core.plugin_api.secret import Secret

SECRET_PREFIX = "whsec_"  # noqa: S105 - what the specification has secrets begin with
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5, 10, 15
ANSWER_BYTES = 64 * 1024
URL_LENGTH = 2_000
WRAPPING = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address: NAT64, and the old form of IPv4 addresses."""


class PrivateAddress(Refused):
    """An address of this machine or of a network that isn't public; events don't go there unless a setting says so."""

    code = "private-address"

    def __init__(self, host: str) -> None:
        super().__init__(
            say(
                "{host} is an address of this machine or of a private network. Use a public one, or have "
                "whoever runs this installation set PARTSEMBLE_EVENTS_ALLOW_PRIVATE=1.",
                host=host,
            )
        )
        self.field = "url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The status that was answered, or None and why there was no answer."""

    status: int | None
    problem: str

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check_url(text: str, *, allow_private: bool) -> str:
    """The address as it is kept. Raises Invalid, and PrivateAddress for an address that is private as it is written.

    A name is not looked up: what it leads to is checked whenever it is dialled.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("url", "The address can't be read. Write it as https://example.com/hooks.") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise Invalid(
            "url", "An address begins with https:// or http:// and a host, such as https://example.com/hooks."
        )
    if "@" in parts.netloc:
        raise Invalid("url", "User name and password may not stand in the address. Check the signature instead.")
    if "#" in url:
        raise Invalid("url", "The part behind # never leaves a browser. Take it out.")
    if len(url) > URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid(
            "url",
            say(
                "An address has at most {url_length} characters, ASCII and without blanks. Encode others.",
                url_length=URL_LENGTH,
            ),
        )
    if not allow_private and _is_private_as_written(host):
        raise PrivateAddress(host)
    return url


def signature(secret: Secret, *, event_id: str, timestamp: int, body: bytes) -> str:
    """As the Standard Webhooks specification has it: ``v1,`` and the HMAC-SHA256 of ``id.timestamp.body``."""
    key = base64.b64decode(secret.reveal().removeprefix(SECRET_PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def is_private(address: str) -> bool:
    """Whether an IP address is anything but a public one, also where it is wrapped in another."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in WRAPPING):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_private(str(inner))
    return not ip.is_global or ip.is_multicast


def dial(url: str, *, headers: Mapping[str, str], body: bytes, allow_private: bool) -> Outcome:
    """POSTs once and waits for the answer, fifteen seconds at most. Never raises for what the other side does."""
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port)
    connection.allow_private = allow_private
    deadline = threading.Timer(WHOLE_SECONDS, connection.expire)
    deadline.daemon = True
    deadline.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body=body, headers=headers, preload_content=False, decode_content=False)
        answer = connection.getresponse()
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):  # the status alone counts
            answer.read(ANSWER_BYTES)
        return Outcome(status=answer.status, problem=_problem(answer.status, answer.headers.get("Location")))
    except PrivateAddress as error:
        return Outcome(status=None, problem=str(error))
    except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
        why = say("{seconds} s had passed", seconds=WHOLE_SECONDS) if connection.is_expired else type(error).__name__
        return Outcome(status=None, problem=say("There was no answer ({why}).", why=why))
    finally:
        deadline.cancel()
        connection.hang_up()


def _connection(scheme: str, host: str, port: int | None) -> _Guarded:
    if scheme == "https":
        trusted = DEFAULT_CA_BUNDLE_PATH
        return _GuardedTLS(host, port, timeout=READ_SECONDS, ca_certs=trusted, cert_reqs="CERT_REQUIRED")
    return _Guarded(host, port, timeout=READ_SECONDS)


def _problem(status: int, location: str | None) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400 and location:
        return say(
            "The address answered {status}: it leads elsewhere, and that isn't followed. Enter where it leads to.",
            status=status,
        )
    return say("The address answered {status}.", status=status)


def _is_private_as_written(host: str) -> bool:
    host = host.removesuffix(".")
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    with contextlib.suppress(ValueError):
        return is_private(host)
    with contextlib.suppress(OSError):  # 127.1, 2130706433 and 0x7f.1 are addresses to most resolvers
        return is_private(socket.inet_ntoa(socket.inet_aton(host)))
    return False  # a name


class _Guarded(urllib3.connection.HTTPConnection):
    """Looks the name up itself and connects to a public address of it, or to none."""

    allow_private = False
    is_expired = False
    line: socket.socket | None = None
    """The same connection a second time: TLS takes the first one away while it shakes hands."""

    def _new_conn(self) -> socket.socket:
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        allowed = [entry for entry in found if self.allow_private or not is_private(str(entry[4][0]))]
        if found and not allowed:
            raise PrivateAddress(self.host)
        last: OSError = OSError("no address")
        for family, kind, protocol, _, address in allowed:
            if self.is_expired:
                break
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(CONNECT_SECONDS)
                sock.connect(address)
            except OSError as error:
                sock.close()
                last = error
                continue
            sock.settimeout(READ_SECONDS)
            self.line = sock.dup()
            return sock
        raise last

    def expire(self) -> None:
        """Ends the exchange: a peer that drips bytes never trips a read time-out."""
        self.is_expired = True
        if self.line is not None:
            with contextlib.suppress(OSError):  # closed meanwhile, which is what was wanted
                self.line.shutdown(socket.SHUT_RDWR)

    def hang_up(self) -> None:
        self.close()
        if self.line is not None:
            self.line.close()


class _GuardedTLS(_Guarded, urllib3.connection.HTTPSConnection):
    """The same over TLS; its certificate has to be that of the name."""
