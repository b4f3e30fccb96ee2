"""Commands that run: the worker, the schedule, the whole service, and the demo."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from flask import Flask

from partsemble_core import config, demo
from partsemble_core.cli.commands import Commands, add_command
from partsemble_core.cli.founding import in_words
from partsemble_core.cli.opening import open_house, settings_of
from partsemble_core.embedded_valkey import EmbeddedValkey, free_port
from partsemble_core.errors import PartsembleError, say
from partsemble_core.processes import start_tied, stop_child
from partsemble_core.schedule import run_schedule
from partsemble_core.services.house import House
from partsemble_core.services.incorporating import SetUpOver, make_code
from partsemble_core.store.database import migrate
from partsemble_core.wiring import build_house
from partsemble_core.worker import run_worker

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
PORT = 8000
DEFAULT_BASE_URL = next(s.default for s in config.SETTINGS if s.name == "PARTSEMBLE_BASE_URL")
READY_SECONDS = 30
LOOK_SECONDS = 1
STDERR = 2
CreateApp = Callable[[config.Settings, House], Flask]


class ServiceFailed(PartsembleError):
    """A part of the service can't run; the message says which and what to do."""

    code = "service-failed"


def add_commands(commands: Commands, *, create_app: CreateApp) -> None:
    add_command(commands, "worker", work, about="Post exports and do syncs as they come, until stopped.")
    add_command(commands, "schedule", sweep_regularly, about="Ring for exports and syncs that are due, until stopped.")
    serve = add_command(commands, "serve", serve_all, about="Run everything: console, API, worker, schedule, queue.")
    serve.add_argument("--host", default=HOST, help="address to listen on")
    serve.add_argument("--port", type=_port, default=PORT)
    serve.add_argument("--processes", type=_port, default=1, help="processes that answer requests")
    show = add_command(commands, "demo", partial(run_demo, create_app=create_app), about="Play the whole story.")
    show.add_argument("--once", action="store_true", help="print the account and end, without serving the console")
    show.add_argument("--port", type=_port, default=None)


def work(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    _needs_queue(settings)
    migrate(settings.database_url)
    if args.data_dir is not None:  # jobs read the settings from the environment, which must say the same
        command = [sys.executable, "-m", "partsemble_core", "worker"]
        os.execve(sys.executable, command, config.environment_of(settings))  # noqa: S606 - our own program, no shell
    run_worker()
    return 0


def sweep_regularly(args: argparse.Namespace) -> int:
    _needs_queue(settings_of(args))
    stopping = _until_told()
    with open_house(args) as house:
        run_schedule(house, stopping)
    return 0


def run_demo(args: argparse.Namespace, *, create_app: CreateApp) -> int:
    stopping = _until_told()
    return demo.run_demo(
        once=args.once,
        data_dir=args.data_dir,
        port=args.port,
        create_app=create_app,
        wait=lambda: _wait(stopping),
    )


def serve_all(args: argparse.Namespace) -> int:
    """Starts the queue, the console with the API, the worker and the schedule; ends them all when told to stop."""
    stopping = _until_told()
    settings = settings_of(args)
    if settings.base_url == DEFAULT_BASE_URL and args.port != PORT:
        settings = replace(settings, base_url=f"http://localhost:{args.port}")
    _refuse_busy(args.host, args.port)
    migrate(settings.database_url)
    with ExitStack() as stack:
        valkey = None
        if not settings.redis_url:
            # One port for its life: the others are told its address once.
            valkey = stack.enter_context(EmbeddedValkey(settings.data_dir / "valkey", port=free_port()))
            settings = replace(settings, redis_url=valkey.url)
        children = _Children(settings, _commands(args))
        stack.callback(children.stop)
        children.start()
        _wait_until_ready(args.host, args.port, children, stopping)
        if not stopping.is_set():
            invite_founder(settings)
            print(f"Partsemble is at {settings.base_url} (Ctrl-C stops it).", flush=True)
        while not stopping.is_set():
            _wait(stopping, seconds=LOOK_SECONDS)
            if valkey is not None and valkey.pid is None and not stopping.is_set():
                log.error("the embedded Valkey ended and is started again")
                valkey.start()
            children.start()
    return 0


def invite_founder(settings: config.Settings) -> None:
    """While there is no company, whoever reads this terminal or log may found it in the console."""
    house = build_house(settings)
    try:
        print(in_words(house, make_code(house)), flush=True)
    except SetUpOver:
        pass
    finally:
        house.engine.dispose()


class _Children:
    """The processes of the service, by name. One that ended by itself is started again."""

    def __init__(self, settings: config.Settings, commands: dict[str, list[str]]) -> None:
        self._environment = config.environment_of(settings)
        self._commands = commands
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        for name, command in self._commands.items():
            child = self._running.get(name)
            if child is not None and child.poll() is None:
                continue
            if child is not None:
                log.error("%s ended with %s and is started again", name, child.returncode)
            self._running[name] = start_tied(command, environment=self._environment, output=STDERR, errors=STDERR)

    def has_ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def stop(self) -> None:
        for child in self._running.values():  # all are told first, so that they end side by side
            if child.poll() is None:
                child.terminate()
        for child in self._running.values():
            stop_child(child)


def _commands(args: argparse.Namespace) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    web = ["gunicorn", "--bind", f"{args.host}:{args.port}", "--worker-class", "gthread", "--threads", "8"]
    web += ["--workers", str(args.processes), "--log-level", "warning", "partsemble_core.cli:web_app()"]
    return {
        "web": [*python, *web],
        "worker": [*python, "partsemble_core", "worker"],
        "schedule": [*python, "partsemble_core", "schedule"],
    }


def _until_told() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def _wait(stopping: threading.Event, *, seconds: int | None = None) -> None:
    stopping.wait(seconds)


def _wait_until_ready(host: str, port: int, children: _Children, stopping: threading.Event) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(host, port) and not stopping.is_set():
        if children.has_ended("web") or time.monotonic() > deadline:
            raise ServiceFailed("The console can't be started. Look at the lines above for the reason.")
        stopping.wait(LOOK_SECONDS / 10)


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=LOOK_SECONDS):
            return True
    except OSError:
        return False


def _refuse_busy(host: str, port: int) -> None:
    if _answers(host, port):
        raise ServiceFailed(
            say(
                "Port {port} of {host} is in use. Stop what uses it, or choose another with --port.",
                port=port,
                host=host,
            )
        )


def _needs_queue(settings: config.Settings) -> None:
    if not settings.redis_url:
        raise ServiceFailed("Set REDIS_URL to the job queue, or run `partsemble serve`, which brings its own.")


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65_535:
        raise ValueError(text)
    return number
