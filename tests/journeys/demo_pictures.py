"""Pictures of the demo's company, which has a year behind it: part of ``python -m tests.journeys.take_screenshots``."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from partsemble_core.demo import MAKER_EMAIL, run_demo
from partsemble_core.embedded_valkey import free_port
from partsemble_web.app import create_app

PATHS = {
    "demo-home": "/",
    "demo-products": "/products?sort=-value",
    "demo-product": "/products/60",
    "demo-bom": "/products/60/bom",
    "demo-builds": "/builds",
    "demo-exports": "/exports",
    "demo-reconcile": "/reconcile",
    "demo-valuation": "/valuation",
}


def serve_demo(folder: Path, visit: Callable[[str, str, str], None]) -> None:
    """Plays the demo and calls ``visit`` with its address, and the e-mail and password of the company's owner."""
    port, said = free_port(), io.StringIO()

    def wait() -> None:
        found = re.search(rf"sign in as {re.escape(MAKER_EMAIL)} with (\S+):", said.getvalue())
        if found is None:
            raise SystemExit(f"the demo named no password:\n{said.getvalue()}")
        visit(f"http://localhost:{port}", MAKER_EMAIL, found[1])

    with redirect_stdout(said):
        if run_demo(once=False, data_dir=folder, port=port, create_app=create_app, wait=wait):
            raise SystemExit(said.getvalue())
