"""Http against real sockets on loopback: what left, what came back, and what is known after a failure."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import requests
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from partsemble_core.plugin_api.errors import BackendError, OutcomeUnknown, Rejected, RetryLater, Written
from partsemble_core.plugin_api.http import Http, HttpAnswer, JsonBody, TimeOuts, json_text
from partsemble_core.plugin_api.secret import Secret
from tests.servers.waiting import wait_until

TOKEN = "a-very-secret-token-4711"
QUICK = TimeOuts(connect=1, read=0.3, total=2)


class Peer:
    """A server on loopback that does one thing to each connection, after reading the request's head."""

    def __init__(self, act: Callable[[socket.socket], None], *, read_head: bool = True) -> None:
        self.heads: list[bytes] = []
        self.links_closed = 0
        self._act = act
        self._read_head = read_head
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/books?where=hidden-query"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                with link, contextlib.suppress(OSError):
                    if self._read_head:
                        self.heads.append(_head_of(link))
                    self._act(link)
                self.links_closed += 1

    def close(self) -> None:
        self._listener.close()


def _head_of(link: socket.socket) -> bytes:
    """Head and body: closing with unread bytes would reset the link before the answer is read."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += link.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    fields = [line.split(b":", 1) for line in head.lower().split(b"\r\n") if b":" in line]
    length = next((int(value) for name, value in fields if name == b"content-length"), 0)
    while len(body) < length:
        body += link.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(act: Callable[[socket.socket], None], *, read_head: bool = True) -> Peer:
        peers.append(Peer(act, read_head=read_head))
        return peers[-1]

    yield start
    for each in peers:
        each.close()


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(time_outs=QUICK) as http:
        yield http


def answering(body: bytes, *, status: str = "200 OK", head: bytes = b"") -> Callable[[socket.socket], None]:
    def act(link: socket.socket) -> None:
        link.sendall(b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: %d\r\n" % len(body) + head + b"\r\n" + body)

    return act


def hang(link: socket.socket) -> None:
    link.settimeout(10)
    link.recv(1)


def hang_up(link: socket.socket) -> None:
    """Closes without a word."""


def truncate(link: socket.socket) -> None:
    link.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"half":')


def drip(link: socket.socket) -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\n")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        link.sendall(b"X")
        threading.Event().wait(0.05)


@pytest.mark.parametrize("trouble", [hang, hang_up, truncate])
def test_a_write_that_may_have_arrived_has_an_unknown_outcome(
    peer: Callable[..., Peer], http: Http, trouble: Callable[[socket.socket], None]
) -> None:
    server = peer(trouble)
    with pytest.raises(OutcomeUnknown) as caught:
        http.request("POST", server.url, json={"a": 1}, bearer=Secret(TOKEN))
    assert caught.value.written is Written.MAYBE
    assert len(server.heads) == 1, "it was sent again by itself"


@pytest.mark.parametrize("trouble", [hang, hang_up, truncate])
@pytest.mark.parametrize("idempotent", [None, True])
def test_what_may_be_sent_twice_is_tried_again_later(
    peer: Callable[..., Peer], http: Http, trouble: Callable[[socket.socket], None], idempotent: bool | None
) -> None:
    server = peer(trouble)
    with pytest.raises(RetryLater):
        http.request("GET" if idempotent is None else "DELETE", server.url, idempotent=idempotent)
    assert len(server.heads) == 1


def test_a_read_said_to_be_a_write_is_treated_as_one(peer: Callable[..., Peer], http: Http) -> None:
    with pytest.raises(OutcomeUnknown):
        http.request("GET", peer(hang_up).url, idempotent=False)


def test_a_refused_connection_sent_nothing_even_for_a_write(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with pytest.raises(RetryLater, match="nothing was sent") as caught:
        http.request("POST", f"http://127.0.0.1:{port}/", json={})
    assert caught.value.written is Written.NO


def test_an_unknown_host_sent_nothing_even_for_a_write(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_options: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(RetryLater, match="nothing was sent"):
        http.request("POST", "https://books.example.com/", json={})


def test_a_failed_handshake_sent_nothing(peer: Callable[..., Peer], http: Http) -> None:
    server = peer(lambda link: link.sendall(b"this is not TLS at all\r\n\r\n"), read_head=False)
    with pytest.raises(RetryLater, match="nothing was sent"):
        http.request("POST", server.url.replace("http:", "https:"), json={})


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


def test_over_tls_the_same_rules_hold(peer: Callable[..., Peer], certificate: Path) -> None:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate)
    plans: list[Callable[[socket.socket], None]] = [answering(b"{}"), hang_up, drip]

    def act(link: socket.socket) -> None:
        with server_side.wrap_socket(link, server_side=True) as wrapped:
            _head_of(wrapped)
            plans.pop(0)(wrapped)

    url = peer(act, read_head=False).url.replace("http:", "https:")
    with Http(time_outs=TimeOuts(connect=1, read=1, total=0.5), ca_file=str(certificate)) as http:
        assert http.request("POST", url, json={}).status == 200
        with pytest.raises(OutcomeUnknown):
            http.request("POST", url, json={})
        with pytest.raises(OutcomeUnknown, match="the deadline passed"):
            http.request("POST", url, json={})
    with Http(time_outs=QUICK) as distrustful, pytest.raises(RetryLater, match="nothing was sent"):
        distrustful.request("POST", url, json={})


def test_a_dripping_answer_ends_at_the_deadline(peer: Callable[..., Peer]) -> None:
    with Http(time_outs=TimeOuts(connect=1, read=1, total=0.4)) as http:
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="the deadline passed"):
            http.request("POST", peer(drip).url, json={})
        assert time.monotonic() - started < 5


def test_a_write_on_a_link_that_was_closed_meanwhile_is_not_sent_twice(peer: Callable[..., Peer], http: Http) -> None:
    server = peer(answering(b"{}", head=b"Connection: keep-alive\r\n"))
    for links in range(1, 4):
        assert http.request("POST", server.url, json={}).status == 200
        wait_until(lambda n=links: server.links_closed == n, "the server closed the link", seconds=10)  # type: ignore[misc]
    assert len(server.heads) == 3


@pytest.mark.parametrize("trouble", [hang, hang_up, truncate])
def test_no_error_shows_token_query_or_body(
    peer: Callable[..., Peer], http: Http, trouble: Callable[[socket.socket], None]
) -> None:
    with pytest.raises(BackendError) as caught:
        http.request("POST", peer(trouble).url, json={"name": "private-body"}, bearer=Secret(TOKEN))
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"
    for hidden in (TOKEN, "hidden-query", "private-body"):
        assert hidden not in shown


def test_a_token_echoed_by_the_other_side_is_blotted_out(peer: Callable[..., Peer], http: Http) -> None:
    answer = http.request("GET", peer(answering(f"you said {TOKEN}".encode())).url, bearer=Secret(TOKEN))
    assert TOKEN.encode() not in answer.body
    assert answer.excerpt() == "you said ***"


def test_a_redirect_is_an_answer_and_is_not_followed(peer: Callable[..., Peer], http: Http) -> None:
    target = peer(answering(b"{}"))
    source = peer(answering(b"", status="302 Found", head=b"Location: " + target.url.encode() + b"\r\n"))
    assert http.request("GET", source.url, bearer=Secret(TOKEN)).status == 302
    assert target.heads == []


def test_the_machines_own_proxy_and_passwords_are_left_alone(
    peer: Callable[..., Peer], http: Http, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    server = peer(answering(b"{}"))
    assert http.request("GET", server.url, bearer=Secret(TOKEN)).status == 200
    assert f"Authorization: Bearer {TOKEN}".encode() in server.heads[0]


def test_cookies_are_not_kept(peer: Callable[..., Peer], http: Http) -> None:
    server = peer(answering(b"{}", head=b"Set-Cookie: who=somebody\r\n"))
    http.request("GET", server.url)
    http.request("GET", server.url)
    assert b"cookie" not in server.heads[1].lower()


def test_an_answer_over_the_cap_is_refused(peer: Callable[..., Peer]) -> None:
    with Http(time_outs=QUICK, max_answer_bytes=100) as http:
        with pytest.raises(Rejected):
            http.request("GET", peer(answering(b"x" * 101)).url)
        with pytest.raises(OutcomeUnknown):
            http.request("POST", peer(answering(b"x" * 101)).url, json={})
        assert len(http.request("GET", peer(answering(b"x" * 100)).url).body) == 100


def test_a_token_is_not_sent_in_the_clear_beyond_loopback(http: Http) -> None:
    for url in (
        "http://books.example.com/",
        "ftp://127.0.0.1/",
        "https://user:pw@books.example.com/",
        "books",
    ):
        with pytest.raises(Rejected):
            http.request("GET", url, bearer=Secret(TOKEN))


def test_amounts_are_on_the_wire_digit_by_digit(peer: Callable[..., Peer], http: Http) -> None:
    server = peer(answering(b'{"Amount": 0.10, "Total": 9999999999.99}'))
    body: JsonBody = {
        "big": Decimal("1234567890.10"),
        "small": Decimal("1E-7"),
        "n": 3,
        "t": 'é"',
        "l": [True, None],
    }
    answer = http.request("POST", server.url, json=body)
    assert server.heads[0].endswith(
        b'{"big": 1234567890.10, "small": 0.0000001, "n": 3, "t": "\\u00e9\\"", "l": [true, null]}'
    )
    assert answer.json() == {"Amount": Decimal("0.10"), "Total": Decimal("9999999999.99")}


def test_json_refuses_what_is_not_exact() -> None:
    with pytest.raises(TypeError):
        json_text({"amount": 1.5})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="finite"):
        json_text([Decimal("NaN")])


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": NaN}', b"[" * 100_000, b"\xff", b"1e99999999999999999999"])
def test_an_unreadable_answer_is_typed_by_what_was_asked(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        HttpAnswer(200, {}, body, "POST x", is_repeatable=False).json()
    with pytest.raises(RetryLater):
        HttpAnswer(200, {}, body, "GET x").json()


def test_retry_after_is_read_as_seconds_or_date() -> None:
    assert HttpAnswer(429, {"Retry-After": "17"}, b"").retry_after() == 17
    assert HttpAnswer(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"").retry_after() == 0
    for nothing in ({}, {"Retry-After": "soon"}, {"Retry-After": "-1"}, {"Retry-After": "１７"}):
        assert HttpAnswer(429, nothing, b"").retry_after() is None
    assert HttpAnswer(429, {"Retry-After": "9" * 5000}, b"").retry_after() == 7 * 24 * 3600


def test_each_request_passes_the_gate_and_each_answer_the_listener(peer: Callable[..., Peer]) -> None:
    seen: list[object] = []

    def gate(method: str, url: str) -> None:
        seen.append(method)
        if len(seen) > 2:
            raise RetryLater("limit", after=9, whole_organisation=True)

    server = peer(answering(b"{}"))
    with Http(time_outs=QUICK, before_each=gate, after_each=lambda answer: seen.append(answer.status)) as http:
        http.request("GET", server.url)
        with pytest.raises(RetryLater):
            http.request("GET", server.url)
    assert seen == ["GET", 200, "GET"]
    assert len(server.heads) == 1


@responses.activate
def test_a_mocked_reset_counts_as_sent() -> None:
    """A library that reports no evidence of dialling is not taken as proof that nothing left."""
    responses.post("http://localhost/books", body=requests.ConnectionError("reset"))
    with Http() as http, pytest.raises(OutcomeUnknown):
        http.request("POST", "http://localhost/books", json={})
