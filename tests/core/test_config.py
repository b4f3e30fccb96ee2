from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from partsemble_core import config
from partsemble_core.config import SETTINGS, BadSetting, Settings, environment_of, load
from partsemble_core.plugin_api.secret import Secret
from partsemble_core.vault import Place, Vault

PLACE = Place(table="token_sets", column="refresh_sealed", row_key="r", company_id=1)
CANARY = "canary-canary-canary-canary-canary"
# Says that it is ready, waits for the word, prints what it then has.
LOAD = """
import sys
from pathlib import Path
from partsemble_core import config
print("ready", flush=True)
sys.stdin.readline()
settings = config.load({}, data_dir=Path(sys.argv[1]))
print(settings.secret_key.reveal(), settings.keys.reveal())
"""


def loaded(tmp_path: Path, **environment: str) -> Settings:
    return load(environment, data_dir=tmp_path / "data")


def test_without_a_word_everything_has_a_good_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    folder = (tmp_path / "data").resolve()
    assert settings.data_dir == folder
    assert settings.database_url == f"sqlite:///{folder}/partsemble.sqlite3"
    assert (settings.redis_url, settings.base_url, settings.secure_cookies) == ("", "http://localhost:8000", False)
    assert settings.plugins == ("xero", "csv_import", "qbo_stub")
    assert (settings.lease_seconds, settings.sweep_seconds, settings.quarantine_seconds) == (60, 15, 30)
    assert settings.trusted_hosts == ()


def test_every_setting_is_described_and_its_default_is_what_is_used(tmp_path: Path) -> None:
    spelled_out = {s.name: s.default for s in SETTINGS}
    assert loaded(tmp_path, **spelled_out) == loaded(tmp_path)
    assert all(s.about.endswith(".") for s in SETTINGS)


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        DATABASE_URL=" postgresql://ann@db/parts ",
        REDIS_URL="redis://cache:6379/0",
        PARTSEMBLE_BASE_URL="https://parts.example.com/",
        PARTSEMBLE_SECRET_KEY=CANARY,
        PARTSEMBLE_PLUGINS="xero, mine ,",
        PARTSEMBLE_TRUSTED_HOSTS="parts.example.com, localhost",
        PARTSEMBLE_LEASE_SECONDS="5",
        PARTSEMBLE_PLUGIN_XERO_CLIENT_ID="id",
        PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET="secret",
        PARTSEMBLE_PLUGIN_MINE_PATH="/x",
    )
    assert settings.database_url == "postgresql+psycopg://ann@db/parts"
    assert settings.redis_url == "redis://cache:6379/0"
    assert settings.base_url == "https://parts.example.com"
    assert settings.secure_cookies is True
    assert settings.secret_key == Secret(CANARY)
    assert settings.plugins == ("xero", "mine")
    assert settings.trusted_hosts == ("parts.example.com", "localhost")
    assert settings.lease_seconds == 5
    assert settings.settings_of("xero") == {"client_id": Secret("id"), "client_secret": Secret("secret")}
    assert settings.settings_of("xer") == {}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
    ],
)
def test_a_database_is_addressed_as_people_write_it(tmp_path: Path, given: str, kept: str) -> None:
    assert loaded(tmp_path, DATABASE_URL=given).database_url == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u@h/d"),
        ("DATABASE_URL", "parts.db"),
        ("DATABASE_URL", "sqlite://"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://localhost"),
        ("PARTSEMBLE_BASE_URL", "parts.example.com"),
        ("PARTSEMBLE_BASE_URL", "javascript:alert(1)"),
        ("PARTSEMBLE_SECRET_KEY", "x" * 31),
        ("PARTSEMBLE_SECURE_COOKIES", "yes"),
        *(("PARTSEMBLE_LEASE_SECONDS", value) for value in ("0", "-1", "1.5", "1e3", "abc", "86401", "٣", "9" * 5000)),
        ("PARTSEMBLE_SWEEP_SECONDS", "0"),
        ("PARTSEMBLE_QUARANTINE_SECONDS", "never"),
        ("PARTSEMBLE_EVENTS_ALLOW_PRIVATE", "yes"),
    ],
)
def test_a_bad_setting_is_named_and_a_secret_one_not_shown(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=rf"^{name}: must ") as caught:
        loaded(tmp_path, **{name: value})
    assert caught.value.code == "bad-setting"
    assert caught.value.name == name
    if name == "PARTSEMBLE_SECRET_KEY":
        assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "said", "secure"),
    [("https://x", "", True), ("http://x", "", False), ("https://x", "0", False), ("http://x", "1", True)],
)
def test_cookies_are_as_secure_as_said_or_as_the_address(
    tmp_path: Path, base_url: str, said: str, secure: bool
) -> None:
    settings = loaded(tmp_path, PARTSEMBLE_BASE_URL=base_url, PARTSEMBLE_SECURE_COOKIES=said)
    assert settings.secure_cookies is secure


def test_keys_are_made_once_and_kept_for_their_owner_only(tmp_path: Path) -> None:
    first, second = loaded(tmp_path), loaded(tmp_path)
    assert first == second
    assert len(first.secret_key.reveal()) >= 32
    sealed = Vault(first.keys).seal(Secret("x"), PLACE)
    assert Vault(second.keys).unseal(sealed, PLACE) == Secret("x")
    kept = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    assert kept == {"secret_key": 0o600, "keys": 0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    elsewhere = load({}, data_dir=tmp_path / "other")
    assert elsewhere.keys != first.keys
    assert elsewhere.secret_key != first.secret_key


def test_keys_that_are_given_are_not_written_down(tmp_path: Path) -> None:
    key = "k9:" + base64.b64encode(bytes(32)).decode()
    settings = loaded(tmp_path, PARTSEMBLE_SECRET_KEY=CANARY, PARTSEMBLE_KEYS=key)
    assert settings.keys == Secret(key)
    assert not (tmp_path / "data").exists()


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD, str(tmp_path / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0] for process in processes}
    assert len(keys) == 1
    assert len(keys.pop()) > 80
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["keys", "secret_key"]


def test_who_comes_second_to_a_key_takes_the_firsts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a matter of luck: another process finishes between our look and our link."""
    link = os.link

    def overtaken(source: Path, target: Path) -> None:
        target.write_text("z" * 40 + "\n" if target.name == "secret_key" else "k0:theirs\n")
        link(source, target)

    monkeypatch.setattr(config.os, "link", overtaken)
    settings = loaded(tmp_path)
    assert (settings.secret_key.reveal(), settings.keys.reveal()) == ("z" * 40, "k0:theirs")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["keys", "secret_key"]


def test_nothing_secret_is_in_what_settings_print(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        DATABASE_URL=f"postgresql://ann:{CANARY}@db/parts",
        REDIS_URL=f"redis://:{CANARY}@cache:6379/0",
        PARTSEMBLE_SECRET_KEY=CANARY,
        PARTSEMBLE_KEYS=CANARY,
        PARTSEMBLE_PLUGIN_XERO_CLIENT_SECRET=CANARY,
    )
    for shown in (repr(settings), str(settings), f"{settings}", repr(settings.settings_of("xero"))):
        assert "canary" not in shown
    assert "***" in repr(settings)


def test_a_child_process_is_given_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTSEMBLE_BASE_URL", "http://of-the-parent")
    settings = loaded(
        tmp_path,
        DATABASE_URL="postgresql://ann@db/parts",
        PARTSEMBLE_BASE_URL="https://parts.example.com",
        PARTSEMBLE_SECURE_COOKIES="0",
        PARTSEMBLE_TRUSTED_HOSTS="a, b",
        PARTSEMBLE_SWEEP_SECONDS="3",
        PARTSEMBLE_EVENTS_ALLOW_PRIVATE="1",
        PARTSEMBLE_PLUGIN_XERO_CLIENT_ID="id",
    )
    environment = environment_of(settings)
    assert load(environment) == settings
    assert environment["PATH"] == os.environ["PATH"]
