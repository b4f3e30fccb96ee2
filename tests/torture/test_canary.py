"""Marked secrets go through a whole life of a connection, and are found nowhere afterwards."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from redis import Redis

from partsemble_core import config
from partsemble_core.embedded_valkey import IS_INSTALLED
from partsemble_core.services.configuring import settings_of
from partsemble_core.store.connections import Grant, TokenSet
from partsemble_core.store.database import open_engine, reading_anywhere
from partsemble_core.wiring import build_house
from partsemble_xero.sandbox.testing import RunningSandbox, cancel_consent, consent, start_sandbox
from tests.cli.typing_in import PASSWORD, Shell
from tests.faults.killing import PATHS
from tests.faults.xero_stage import ORGANISATION
from tests.servers.waiting import wait_until
from tests.torture.canary import MARK, dump_of_database, files_below, marks_in, values_in_queue

pytestmark = pytest.mark.skipif(not IS_INSTALLED, reason="the embedded Valkey isn't installed")
OWNER = "ann@acme.test"
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
LINK = re.compile(r'href="(/[^"#]*)"')
PAGES = 90
TOKENS, WRITES, ITEMS = "POST /connect/token", "P* /api.xro/2.0/ManualJournals*", "GET /api.xro/2.0/Items*"


@dataclass(slots=True)
class Browser:
    """Ann at the console; keeps all that she was ever shown."""

    address: str
    session: requests.Session = field(default_factory=requests.Session)
    seen: dict[str, bytes] = field(default_factory=dict)
    token: str = ""

    def get(self, path: str) -> requests.Response:
        return self._keep(path, self.session.get(self.address + path, timeout=30))

    def post(self, path: str, **fields: str) -> requests.Response:
        form = {"csrf_token": self.token, **fields}
        return self._keep(f"POST {path}", self.session.post(self.address + path, data=form, timeout=60))

    def _keep(self, what: str, answer: requests.Response) -> requests.Response:
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        self.seen[f"{what} #{len(self.seen)}"] = answer.content
        self.seen[f"headers of {what} #{len(self.seen)}"] = headers.encode()
        found = CSRF.search(answer.text)
        self.token = found[1] if found else self.token
        return answer

    def look_at_everything(self) -> int:
        """Follows every link of the console, files to download among them."""
        waiting, known = ["/"], {"/"}
        while waiting and len(known) < PAGES:
            answer = self.get(waiting.pop(0))
            for path in LINK.findall(answer.text if "html" in answer.headers["Content-Type"] else ""):
                bare = path.replace("&amp;", "&")
                if bare.split("?")[0] not in {each.split("?")[0] for each in known} and "/static/" not in bare:
                    known.add(bare)
                    waiting.append(bare)
        return len(known)


@dataclass(slots=True)
class Scene:
    """The service as it is started by hand, a Xero of its own, and Ann."""

    shell: Shell
    sandbox: RunningSandbox
    browser: Browser
    log: Path
    api: dict[str, str]

    def call(self, method: str, path: str, body: object = None) -> requests.Response:
        url = f"{self.browser.address}/api/v1{path}"
        answer = requests.request(method, url, headers=self.api, json=body, timeout=30)
        self.browser.seen[f"{method} {path} #{len(self.browser.seen)}"] = answer.content
        return answer

    def connect(self) -> None:
        """Consent and choice; then the accounts."""
        browser = self.browser
        browser.get("/integrations")
        leaving = browser.post("/integrations/xero/connect")
        url = re.findall(r'href="([^"]+authorize[^"]+)"', leaving.text)[0].replace("&amp;", "&")
        back = consent(url, organisation=ORGANISATION)
        assert MARK in back, "the code is marked"
        self._return(back)
        page = browser.get("/integrations").text
        connection = re.findall(r"/integrations/connections/(\d+)/accounts", page)[0]
        roles = {"receiving_debit": "621", "receiving_credit": "623", "build_debit": "622", "build_credit": "621"}
        browser.post(f"/integrations/connections/{connection}/accounts", **roles)

    def _return(self, back: str) -> None:
        chosen = self.browser.get(back.removeprefix(self.browser.address))
        organisation = re.findall(r'name="organisation" value="([^"]+)"', chosen.text)[0]
        offer = re.findall(r'name="offer" value="([^"]+)"', chosen.text)[0]
        done = self.browser.post("/integrations/xero/organisation", organisation=organisation, offer=offer)
        assert "is connected" in done.text, done.text
        again = self.browser.get(back.removeprefix(self.browser.address))
        assert again.status_code == 400, "a callback works once"

    def receive(self) -> None:
        line = {"sku": "PANEL", "quantity": "20", "unit_cost": "34.50"}
        receipt = self.call("POST", "/receipts", {"supplier": "ACM", "lines": [line]}).json()
        self.call("POST", f"/receipts/{receipt['id']}/confirm")

    def wait_posted(self, count: int) -> None:
        def posted() -> bool:
            rows = self.call("GET", "/exports").json()["rows"]
            return sum(row["label"] == "Synced" for row in rows) == count

        wait_until(posted, f"{count} exports are posted", seconds=150)


@pytest.fixture
def shell(new_shell: Shell) -> Shell:
    """A company in the currency of the sandbox's first organisation."""
    words = ("init", "Acme Ltd", "--currency", "NZD", "--email", OWNER, "--password-stdin")
    new_shell.done(*words, answer=f"{PASSWORD}\n")
    return new_shell


@pytest.fixture
def scene(shell: Shell, tmp_path: Path, empty_valkey_url: str) -> Iterator[Scene]:
    (tmp_path / "xero").mkdir()
    api = {"Authorization": f"Bearer {shell.done('token', 'add', 'test').split()[0]}"}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with start_sandbox(tmp_path / "xero" / "x.sqlite3", secret_prefix=MARK) as sandbox:
        address, log = f"http://localhost:{port}", tmp_path / "serve.log"
        given = environment(shell, sandbox, address, empty_valkey_url)
        with serving(given, port, log):
            yield Scene(shell, sandbox, Browser(address), log, api)


def environment(shell: Shell, sandbox: RunningSandbox, address: str, redis_url: str) -> dict[str, str]:
    addresses = {
        "AUTHORIZE_URL": f"{sandbox.address}/identity/connect/authorize",
        "TOKEN_URL": f"{sandbox.address}/connect/token",
        "REVOKE_URL": f"{sandbox.address}/connect/revocation",
        "API_URL": sandbox.address,
    }
    return {
        **shell.environment(),
        "PYTHONPATH": ":".join(map(str, PATHS)),
        "REDIS_URL": redis_url,
        "PARTSEMBLE_PLUGINS": "xero",
        "PARTSEMBLE_BASE_URL": address,
        "PARTSEMBLE_SWEEP_SECONDS": "1",
        "PARTSEMBLE_QUARANTINE_SECONDS": "1",
        "PARTSEMBLE_TOKEN_LEASE_SECONDS": "9",
        "PARTSEMBLE_TOKEN_QUARANTINE_SECONDS": "3",
        **{f"PARTSEMBLE_PLUGIN_XERO_{name}": value for name, value in addresses.items()},
    }


@contextmanager
def serving(given: dict[str, str], port: int, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "partsemble_core", "serve", "--port", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, env=given, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: "Partsemble is at" in log.read_text(), "the service is ready", seconds=60)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def live(scene: Scene) -> None:
    """A connection from its first page to its end, with whatever can go wrong on the way."""
    sandbox, browser = scene.sandbox, scene.browser
    browser.get("/sign-in")
    browser.post("/sign-in", email=OWNER, password=PASSWORD)
    browser.get("/integrations/xero/settings/edit")
    browser.post("/integrations/xero/settings", client_id=sandbox.client_id, client_secret=sandbox.client_secret)
    leaving = browser.post("/integrations/xero/connect")
    url = re.findall(r'href="([^"]+authorize[^"]+)"', leaving.text)[0].replace("&amp;", "&")
    browser.get(cancel_consent(url).removeprefix(browser.address))
    scene.connect()
    scene.call("POST", "/products", {"sku": "PANEL", "name": "Panel"})
    scene.call("POST", "/suppliers", {"code": "ACM", "name": "Acme Parts"})
    scene.receive()
    scene.wait_posted(1)
    for kind, match in (("close-after", TOKENS), ("html", TOKENS), ("cut", WRITES), ("html", ITEMS), ("status", ITEMS)):
        sandbox.add_fault(match, kind=kind)
    for _ in range(2):
        browser.post("/integrations/connections/1/sync", kind="items")
    sandbox.advance(31 * 60)  # their clock runs ahead: our token is refused, and renewed through all of this
    scene.receive()
    scene.wait_posted(2)
    sandbox.clear_faults()
    wrong = {"client_id": sandbox.client_id, "client_secret": f"{MARK}a-wrong-one"}
    scene.call("PUT", "/backends/xero/settings", {"values": wrong})
    sandbox.advance(31 * 60)
    scene.receive()
    wait_until(lambda: "invalid_client" in scene.call("GET", "/exports").text, "the wrong secret is named", seconds=60)
    scene.call("PUT", "/backends/xero/settings", {"values": {"client_secret": sandbox.client_secret}})
    sandbox.revoke_grant()
    scene.connect()
    browser.post("/integrations/connections/1/sync", kind="items")
    scene.wait_posted(3)


def leaks_of(scene: Scene, engine_url: str, redis_url: str, folder: Path) -> list[str]:
    """Where a mark is found."""
    found = [f"shown: {what}" for what, content in scene.browser.seen.items() if marks_in(content)]
    engine = open_engine(engine_url)
    found += ["database"] if marks_in(dump_of_database(engine)) else []
    engine.dispose()
    with Redis.from_url(redis_url) as client:
        found += [f"queue: {value[:60]!r}" for value in values_in_queue(client) if marks_in(value)]
    for path, content in files_below(folder):
        if "xero" not in path.relative_to(folder).parts and marks_in(content):
            found.append(f"file: {path.relative_to(folder)}")
    return found


@pytest.mark.slow
def test_no_marked_secret_is_found_anywhere(
    scene: Scene, database_url: str, empty_valkey_url: str, tmp_path: Path
) -> None:
    live(scene)
    assert scene.browser.look_at_everything() > 30
    for path in (f"/nowhere?code={MARK}1", f"/integrations/xero/callback?code={MARK}2&state={MARK}3"):
        assert scene.browser.get(path).status_code in (400, 404)
    held = reprs(scene, database_url, empty_valkey_url)
    assert marks_in(held) == []
    assert leaks_of(scene, database_url, empty_valkey_url, tmp_path) == []
    scene.browser.get("/integrations")
    scene.browser.post("/integrations/connections/1/disconnect")
    assert "Connect your books" in scene.browser.get("/integrations").text
    assert leaks_of(scene, database_url, empty_valkey_url, tmp_path) == []
    assert any(marks_in(content) for _, content in files_below(tmp_path / "xero")), "the marks are real"
    kept = open_engine(database_url)
    with reading_anywhere(kept) as session:
        assert {(each.access_sealed, each.refresh_sealed) for each in session.query(TokenSet)} == {("", "")}
    kept.dispose()


def reprs(scene: Scene, database_url: str, redis_url: str) -> str:
    """What a careless print or a crash report would show of the objects that hold secrets."""
    given = environment(scene.shell, scene.sandbox, scene.browser.address, redis_url)
    given |= {"PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET": scene.sandbox.client_secret, "DATABASE_URL": database_url}
    house = build_house(config.load({**os.environ, **given}))
    try:
        with reading_anywhere(house.engine) as session:
            rows = [*session.query(Grant), *session.query(TokenSet)]
        held = settings_of(house, "xero")
        assert MARK in held["client_secret"].reveal()
        return "\n".join(map(repr, (house, house.settings, house.vault, held, rows, [vars(row) for row in rows])))
    finally:
        house.engine.dispose()
