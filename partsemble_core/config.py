"""Settings: read once, at start, from the environment. No other file touches it."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from partsemble_core.errors import PartsembleError, say
from partsemble_core.plugin_api.secret import Secret


class BadSetting(PartsembleError):
    """A setting can't be used; the message names it and says what it takes."""

    code = "bad-setting"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(say("{name}: {message}", name=name, message=message))
        self.name = name


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as the reference page and ``partsemble config`` show it."""

    name: str
    default: str
    about: str


SETTINGS = (
    Setting(
        "PARTSEMBLE_DATA_DIR",
        "data",
        "Folder of the embedded database, the embedded Valkey and generated keys.",
    ),
    Setting("DATABASE_URL", "", "Database: sqlite:///FILE or postgresql://…; empty = SQLite in the data folder."),
    Setting("REDIS_URL", "", "Redis or Valkey for the job queue; empty = the embedded Valkey in the data folder."),
    Setting("PARTSEMBLE_BASE_URL", "http://localhost:8000", "Address at which people reach the console."),
    Setting(
        "PARTSEMBLE_SECRET_KEY",
        "",
        "Signs sessions; at least 32 characters; empty = generated in the data folder.",
    ),
    Setting("PARTSEMBLE_KEYS", "", "Seals tokens: NAME:BASE64 of 32 bytes, comma separated, the first seals."),
    Setting("PARTSEMBLE_PLUGINS", "xero,csv_import,qbo_stub", "Names of the plugins that may be loaded."),
    Setting(
        "PARTSEMBLE_TRUSTED_HOSTS",
        "",
        "Host names that the console answers to, comma separated; empty = any.",
    ),
    Setting("PARTSEMBLE_SECURE_COOKIES", "", "1 = session cookies only over https; empty = as the base URL says."),
    Setting("PARTSEMBLE_LEASE_SECONDS", "60", "How long a worker may hold an export before another may take over."),
    Setting("PARTSEMBLE_SWEEP_SECONDS", "15", "How often the scheduler looks for exports that are due."),
    Setting("PARTSEMBLE_QUARANTINE_SECONDS", "30", "Wait after a lost answer before it is looked up in the books."),
    Setting("PARTSEMBLE_TOKEN_LEASE_SECONDS", "90", "How long one worker may be renewing a sign-in."),
    Setting("PARTSEMBLE_TOKEN_QUARANTINE_SECONDS", "120", "Rest of a sign-in after a lost answer to its renewal."),
    Setting(
        "PARTSEMBLE_SMTP_URL",
        "",
        "Mail server: smtp://NAME:PASSWORD@HOST:587 or smtps://…; log: prints letters; empty = no mail.",
    ),
    Setting("PARTSEMBLE_MAIL_FROM", "", "Sender of letters; empty = partsemble@ and the host of the base URL."),
    Setting("PARTSEMBLE_IDLE_MINUTES", "720", "A sign-in ends after so long without a click."),
    Setting("PARTSEMBLE_SIGN_IN_DAYS", "30", "A sign-in ends after so long in any case."),
    Setting("PARTSEMBLE_PROXIES", "0", "How many proxies of yours stand in front and say who the visitor is."),
    Setting("PARTSEMBLE_EVENTS_ALLOW_PRIVATE", "", "1 = events may go to addresses of this machine and its networks."),
)
PLUGIN_PREFIX = "PARTSEMBLE_PLUGIN_"
"""``PARTSEMBLE_PLUGIN_XERO_CLIENT_ID`` becomes the setting ``client_id`` of the plugin ``xero``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    data_dir: Path
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    base_url: str
    secret_key: Secret
    keys: Secret
    plugins: tuple[str, ...]
    trusted_hosts: tuple[str, ...] = ()
    secure_cookies: bool = False
    lease_seconds: int = 60
    sweep_seconds: int = 15
    quarantine_seconds: int = 30
    token_lease_seconds: int = 90
    token_quarantine_seconds: int = 120
    idle_minutes: int = 720
    sign_in_days: int = 30
    proxies: int = 0
    events_allow_private: bool = False
    smtp_url: Secret = Secret("")  # noqa: RUF009 - it never changes
    mail_from: str = ""
    plugin_settings: Mapping[str, Secret] = field(default_factory=dict)
    """Every ``PARTSEMBLE_PLUGIN_…`` value by its lower-case rest, such as ``xero_client_id``."""

    def settings_of(self, plugin: str) -> dict[str, Secret]:
        """What the environment says for one plugin."""
        prefix = f"{plugin}_"
        return {k.removeprefix(prefix): v for k, v in self.plugin_settings.items() if k.startswith(prefix)}


def load(environment: Mapping[str, str] | None = None, *, data_dir: Path | None = None) -> Settings:
    """Settings of this process. Keys that aren't given are made once and kept in the data folder (mode 0600).

    Raises BadSetting.
    """
    given = dict(os.environ if environment is None else environment)
    values = {s.name: given.get(s.name, "").strip() or s.default for s in SETTINGS}
    folder = (data_dir or Path(values["PARTSEMBLE_DATA_DIR"])).expanduser().resolve()
    base_url = values["PARTSEMBLE_BASE_URL"].rstrip("/")
    if not base_url.startswith(("http://", "https://")):
        raise BadSetting("PARTSEMBLE_BASE_URL", "must start with http:// or https://")
    secret_key = values["PARTSEMBLE_SECRET_KEY"] or _kept(folder / "secret_key", lambda: secrets.token_urlsafe(48))
    if len(secret_key) < 32:
        raise BadSetting("PARTSEMBLE_SECRET_KEY", "must have at least 32 characters")
    return Settings(
        data_dir=folder,
        database_url=_database_url(values["DATABASE_URL"], folder),
        redis_url=_redis_url(values["REDIS_URL"]),
        base_url=base_url,
        secret_key=Secret(secret_key),
        keys=Secret(values["PARTSEMBLE_KEYS"] or _kept(folder / "keys", _new_key)),
        plugins=_names(values["PARTSEMBLE_PLUGINS"]),
        trusted_hosts=_names(values["PARTSEMBLE_TRUSTED_HOSTS"]),
        secure_cookies=_secure(values["PARTSEMBLE_SECURE_COOKIES"], base_url),
        lease_seconds=_seconds("PARTSEMBLE_LEASE_SECONDS", values),
        sweep_seconds=_seconds("PARTSEMBLE_SWEEP_SECONDS", values),
        quarantine_seconds=_seconds("PARTSEMBLE_QUARANTINE_SECONDS", values),
        token_lease_seconds=_seconds("PARTSEMBLE_TOKEN_LEASE_SECONDS", values),
        token_quarantine_seconds=_seconds("PARTSEMBLE_TOKEN_QUARANTINE_SECONDS", values),
        idle_minutes=_whole("PARTSEMBLE_IDLE_MINUTES", values, unit="minutes", least=10, most=43_200),
        sign_in_days=_whole("PARTSEMBLE_SIGN_IN_DAYS", values, unit="days", least=1, most=365),
        proxies=_whole("PARTSEMBLE_PROXIES", values, unit="proxies", least=0, most=10),
        events_allow_private=_switch("PARTSEMBLE_EVENTS_ALLOW_PRIVATE", values),
        smtp_url=Secret(_smtp_url(values["PARTSEMBLE_SMTP_URL"])),
        mail_from=_sender(values["PARTSEMBLE_MAIL_FROM"], base_url),
        plugin_settings={
            name.removeprefix(PLUGIN_PREFIX).lower(): Secret(value)
            for name, value in given.items()
            if name.startswith(PLUGIN_PREFIX)
        },
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that gives a child process of ours the same settings."""
    child = dict(os.environ)
    child.update(
        {
            "PARTSEMBLE_DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "PARTSEMBLE_BASE_URL": settings.base_url,
            "PARTSEMBLE_SECRET_KEY": settings.secret_key.reveal(),
            "PARTSEMBLE_KEYS": settings.keys.reveal(),
            "PARTSEMBLE_PLUGINS": ",".join(settings.plugins),
            "PARTSEMBLE_TRUSTED_HOSTS": ",".join(settings.trusted_hosts),
            "PARTSEMBLE_SECURE_COOKIES": "1" if settings.secure_cookies else "0",
            "PARTSEMBLE_LEASE_SECONDS": str(settings.lease_seconds),
            "PARTSEMBLE_SWEEP_SECONDS": str(settings.sweep_seconds),
            "PARTSEMBLE_QUARANTINE_SECONDS": str(settings.quarantine_seconds),
            "PARTSEMBLE_TOKEN_LEASE_SECONDS": str(settings.token_lease_seconds),
            "PARTSEMBLE_TOKEN_QUARANTINE_SECONDS": str(settings.token_quarantine_seconds),
            "PARTSEMBLE_IDLE_MINUTES": str(settings.idle_minutes),
            "PARTSEMBLE_SIGN_IN_DAYS": str(settings.sign_in_days),
            "PARTSEMBLE_PROXIES": str(settings.proxies),
            "PARTSEMBLE_EVENTS_ALLOW_PRIVATE": "1" if settings.events_allow_private else "0",
            "PARTSEMBLE_SMTP_URL": settings.smtp_url.reveal(),
            "PARTSEMBLE_MAIL_FROM": settings.mail_from,
        }
    )
    child.update({PLUGIN_PREFIX + k.upper(): v.reveal() for k, v in settings.plugin_settings.items()})
    return child


def _check_address(name: str, text: str) -> None:
    """Never shows the address: a password may stand in it."""
    try:
        urlsplit(text).port  # noqa: B018 - reading it is the check
    except ValueError:
        raise BadSetting(name, "has a bad port; write : and @ of a password as %3A and %40") from None


def _database_url(text: str, folder: Path) -> str:
    _check_address("DATABASE_URL", text)
    if not text:
        return f"sqlite:///{folder / 'partsemble.sqlite3'}"
    for old in ("postgres://", "postgresql://"):
        if text.startswith(old):
            return "postgresql+psycopg://" + text.removeprefix(old)
    if not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise BadSetting("DATABASE_URL", "must start with sqlite:/// or postgresql://")
    return text


def _redis_url(text: str) -> str:
    _check_address("REDIS_URL", text)
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise BadSetting("REDIS_URL", "must start with redis://, rediss:// or unix://")
    return text


def _smtp_url(text: str) -> str:
    """Never shows it: a password may stand in it."""
    _check_address("PARTSEMBLE_SMTP_URL", text)
    if text and text != "log:" and not (text.startswith(("smtp://", "smtps://")) and urlsplit(text).hostname):
        raise BadSetting("PARTSEMBLE_SMTP_URL", "must read smtp://HOST:PORT, smtps://HOST:PORT or log:")
    return text


def _sender(text: str, base_url: str) -> str:
    sender = text or f"partsemble@{urlsplit(base_url).hostname or 'localhost'}"
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", sender):
        raise BadSetting("PARTSEMBLE_MAIL_FROM", "must be an e-mail address")
    return sender


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _secure(text: str, base_url: str) -> bool:
    if text not in ("", "0", "1"):
        raise BadSetting("PARTSEMBLE_SECURE_COOKIES", "must be 0 or 1, or left out")
    return text == "1" if text else base_url.startswith("https://")


def _switch(name: str, values: Mapping[str, str]) -> bool:
    if values[name] not in ("", "0", "1"):
        raise BadSetting(name, "must be 0 or 1, or left out")
    return values[name] == "1"


def _seconds(name: str, values: Mapping[str, str]) -> int:
    return _whole(name, values, unit="seconds", least=1, most=86_400)


def _whole(name: str, values: Mapping[str, str], *, unit: str, least: int, most: int) -> int:
    text = values[name]
    if not re.fullmatch("[0-9]{1,5}", text) or not least <= int(text) <= most:
        raise BadSetting(name, f"must be a whole number of {unit} from {least} to {most}")
    return int(text)


def keeps_keys(settings: Settings) -> bool:
    """Whether the keys are those of the file in the data folder, and not the environment's."""
    path = settings.data_dir / "keys"
    return path.is_file() and path.read_text().strip() == settings.keys.reveal()


def add_kept_key(settings: Settings, *, used: Collection[str] = ()) -> str:
    """Puts a new key first in the file of keys. Returns its name: a number above all that are there or ``used``.

    So no name is ever given again, for the first key, which can't be removed, has the highest number; seals of a key
    that was removed say its name, and a second key of that name would not open them. Raises BadSetting where the
    environment has the keys.
    """
    if not keeps_keys(settings):
        raise BadSetting("PARTSEMBLE_KEYS", "is set by the environment; put a new NAME:BASE64 before the others there")
    names = [part.partition(":")[0].strip() for part in settings.keys.reveal().split(",")]
    numbers = [int(known[1:]) for known in (*names, *used) if re.fullmatch("k[0-9]{1,9}", known)]
    name = f"k{max(numbers, default=0) + 1}"
    _replace_kept(settings.data_dir / "keys", f"{_new_key(name)},{settings.keys.reveal()}")
    return name


def remove_kept_key(settings: Settings, name: str) -> None:
    """Takes a key out of the file of keys. Whether anything needs it is asked before."""
    kept = [part for part in settings.keys.reveal().split(",") if part.partition(":")[0].strip() != name]
    _replace_kept(settings.data_dir / "keys", ",".join(kept))


def _replace_kept(path: Path, text: str) -> None:
    """All or nothing: a file that is half written would lose every secret."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    with fresh.open("w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _new_key(name: str = "k1") -> str:
    return f"{name}:" + base64.b64encode(secrets.token_bytes(32)).decode()


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The text kept in ``path``, made and written once; two processes starting at once agree on one."""
    try:
        if not path.exists():
            _make_kept(path, make())
        return path.read_text().strip()
    except OSError as error:
        raise BadSetting(
            "PARTSEMBLE_DATA_DIR",
            say(
                "{folder} can't be used ({problem}). Name a folder that can be written to.",
                folder=str(path.parent),
                problem=str(error.strerror),
            ),
        ) from error


def _make_kept(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_text(text + "\n")
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was first: its text is the one that counts
    finally:
        fresh.unlink()
