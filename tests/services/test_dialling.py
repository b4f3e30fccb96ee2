"""What is dialled: a signature that receivers know, limits of time and size, and no address that is out of bounds."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from partsemble_core.errors import PartsembleError
from partsemble_core.services import dialling
from partsemble_core.services.dialling import PrivateAddress, check_url, dial, is_private
from partsemble_core.services.subscribing import add_endpoint
from partsemble_core.store.events import EventEndpoint
from tests.servers.receiver import Came, Receiver, a_receiver
from tests.services.hearing import Listened, listened
from tests.services.makers import refused


@pytest.fixture
def heard(engine: sa.Engine, tmp_path: Path) -> Listened:
    return listened(engine, tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as opened:
        yield opened


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the Standard Webhooks specification's own reference libraries."""
    found = dialling.signature(
        dialling.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    written = []

    def endless(handler: BaseHTTPRequestHandler, came: Came) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            written.append(handler.wfile.write(b"x" * 100_000))

    receiver.answer = endless
    outcome = dial(receiver.url, headers={}, body=b"{}", allow_private=True)
    assert outcome.is_delivered
    assert sum(written) < 50_000_000, "the sender hung up"


@pytest.mark.parametrize("slow", ["silent", "dripping"])
def test_a_slow_address_is_left_in_time(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, slow: str) -> None:
    monkeypatch.setattr(dialling, "WHOLE_SECONDS", 0.6)
    done = threading.Event()

    def dawdle(handler: BaseHTTPRequestHandler, came: Came) -> None:
        while not done.wait(0.05):
            if slow == "dripping":
                handler.wfile.write(b"H")

    receiver.answer = dawdle
    started = time.monotonic()
    outcome = dial(receiver.url, headers={}, body=b"{}", allow_private=True)
    done.set()
    assert time.monotonic() - started < 5
    assert outcome.status is None
    assert outcome.problem == "There was no answer (0.6 s had passed)."


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_told_apart(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "http://localhost/x", "http://[::1]:80/x", "https://10.0.0.8/", "http://db.internal/"]
)
def test_a_private_address_is_refused_where_it_is_entered(engine: sa.Engine, tmp_path: Path, url: str) -> None:
    strict = listened(engine, tmp_path, allow_private=False)
    with refused(strict.shop, PrivateAddress, "private-address", field="url"):
        strict.listen(url)


@pytest.mark.parametrize("written", ["127.0.0.1", "2130706433", "rebound.example"])
def test_a_private_address_is_not_connected_to_whatever_it_is_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """The name that looked public a moment ago leads here now: it is the connection that is checked."""
    real = socket.getaddrinfo

    def resolve(host: str, *rest: object, **more: object) -> object:
        return real("127.0.0.1", *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = receiver.url.replace("127.0.0.1", written)
    outcome = dial(url, headers={}, body=b"{}", allow_private=False)
    assert outcome.status is None
    assert "PARTSEMBLE_EVENTS_ALLOW_PRIVATE" in outcome.problem
    assert receiver.came == []
    assert dial(url, headers={}, body=b"{}", allow_private=True).is_delivered


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/x",
        "ftp://example.com",
        "https://",
        "https://ann:pw@example.com/",
        "https://example.com/#part",
        "https://example.com/a b",
        "https://exämple.com/",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://[::1/",
        "https://example.com/\r\nX-Evil: 1",
        "https://example.com/" + "x" * 2_000,
        None,
    ],
)
def test_what_is_no_address_is_refused(heard: Listened, url: object) -> None:
    before = heard.shop.rows(sa.select(EventEndpoint))
    with pytest.raises(PartsembleError) as caught:
        heard.shop.write(lambda session: add_endpoint(heard.house, session, heard.shop.act, url=url))
    assert (caught.value.code, getattr(caught.value, "field", "")) == ("invalid", "url")
    assert "ann:pw" not in str(caught.value)
    assert heard.shop.rows(sa.select(EventEndpoint)) == before


def test_an_address_is_told_once_and_there_are_twenty_at_most(heard: Listened) -> None:
    for number in range(20):
        heard.listen(f"https://example.com/{number}")
    for url in ("https://example.com/0", "https://example.com/20"):
        with pytest.raises(PartsembleError) as caught:
            heard.listen(url)
        assert (caught.value.code, getattr(caught.value, "field", "")) == ("conflict", "url")


def test_a_dead_address_is_named_by_why(heard: Listened) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = dial(f"http://127.0.0.1:{unused.getsockname()[1]}/", headers={}, body=b"", allow_private=True)
    assert outcome.problem == "There was no answer (ConnectionRefusedError)."
    assert check_url(" https://example.com/x ", allow_private=False) == "https://example.com/x"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(alternative, critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


def test_over_tls_the_certificate_has_to_be_one_that_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with a_receiver(context) as receiver:
        stranger = dial(receiver.url, headers={}, body=b"{}", allow_private=True)
        assert (stranger.status, receiver.came) == (None, [])
        assert "SSL" in stranger.problem
        monkeypatch.setattr(dialling, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
        assert dial(receiver.url, headers={}, body=b"{}", allow_private=True).is_delivered
        assert not dial(receiver.url, headers={}, body=b"{}", allow_private=False).is_delivered
        assert len(receiver.came) == 1


def test_a_slow_handshake_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "WHOLE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = time.monotonic()
        outcome = dial(f"https://127.0.0.1:{mute.getsockname()[1]}/", headers={}, body=b"{}", allow_private=True)
    assert time.monotonic() - started < 5
    assert outcome.problem == "There was no answer (0.5 s had passed)."
