"""``partsemble demo``: the whole main job on embedded defaults, with a sandbox for Xero and nothing to install.

It starts an embedded Valkey, the sandbox and a real worker, signs in through the real OAuth flow, receives, builds,
exports, reads the journals back from the sandbox's own books and proves that they agree with the stock.
"""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from partsemble_core.config import Settings
from partsemble_core.demo.account import print_account
from partsemble_core.demo.history import is_told, tell_year
from partsemble_core.demo.stage import MAKER, Stage, open_stage
from partsemble_core.demo.story import EMAIL, ORGANISATION, Made, connect_books, found, tell, wait_until_posted
from partsemble_core.embedded_valkey import free_port
from partsemble_core.services.house import House

PORT = 8000
MAKER_EMAIL = "maker@example.com"


def run_demo(
    *,
    once: bool,
    data_dir: Path | None,
    port: int | None,
    create_app: Callable[[Settings, House], Flask],
    wait: Callable[[], None],
) -> int:
    """Runs the story and prints its account. 0 only if the proof holds.

    Without ``once`` the console is then served at ``port`` (8000) until ``wait`` returns.
    """
    with tempfile.TemporaryDirectory(prefix="partsemble-demo-") as temporary:
        folder = data_dir or Path(temporary)
        served = port or (free_port() if once else PORT)
        with open_stage(folder, port=served) as stage:
            password, made = _play(stage)
            holds = print_account(stage, made)
            if not once and holds:
                maker = _fill_a_year(stage)
                _serve(stage, create_app, port=served, sign_ins=((MAKER_EMAIL, maker), (EMAIL, password)), wait=wait)
            return 0 if holds else 1


def _play(stage: Stage) -> tuple[str, Made]:
    company_id, password = found(stage.house)
    print(f"Company   {ORGANISATION}, books in {ORGANISATION} (the sandbox at {stage.sandbox_url})")
    made = tell(stage, company_id)
    wait_until_posted(stage.house, company_id)
    return password, made


def _fill_a_year(stage: Stage) -> str:
    """The second company, with a year behind it; its owner's password. Its journals go out while one looks around."""
    house = stage.house
    company_id, password = found(house, name=MAKER, email=MAKER_EMAIL)
    act = house.act(company_id, by=MAKER_EMAIL)
    connection_id, _ = connect_books(stage, act, company_id, organisation=MAKER)
    if not is_told(house, company_id):
        latest = dt.date.min

        def progress(day: dt.date) -> None:
            nonlocal latest
            if day.replace(day=1) > latest:
                latest = day.replace(day=1)
                print(f"\r{MAKER} works through {day:%B %Y}    ", end="", flush=True)

        print()
        tell_year(house, act, company_id, connection_id, sandbox_url=stage.sandbox_url, progress=progress)
        print(f"\r{MAKER}: a year of receipts, builds and reviews is written.{'':<20}")
    return password


def _serve(
    stage: Stage,
    create_app: Callable[[Settings, House], Flask],
    *,
    port: int,
    sign_ins: Sequence[tuple[str, str]],
    wait: Callable[[], None],
) -> None:
    server = make_server("127.0.0.1", port, create_app(stage.house.settings, stage.house), threaded=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # an access log would push proof and password away
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    (maker, password), (prover, its_password) = sign_ins
    print(f"\nConsole   http://localhost:{port}   sign in as {maker} with {password}: {MAKER}, with a year behind it")
    print(f"          or as {prover} with {its_password}: {ORGANISATION}, whose books were proved above")
    print(f"Books     {stage.sandbox_url}/ (what the sandbox holds)")
    print("Stop with Ctrl-C.", flush=True)
    try:
        wait()
    finally:
        server.shutdown()
        thread.join()
