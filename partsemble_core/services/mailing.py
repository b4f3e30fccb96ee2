"""Mailing: letters to people, through the SMTP server of the settings. Where there is none, nothing is sent."""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from partsemble_core.config import Settings

log = logging.getLogger(__name__)
TIME_OUT = 10
TO_THE_LOG = "log:"
"""Setting for a demo: letters are printed in the log, with the secrets in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter in plain text. Its text may hold a secret, so it has no repr."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        return f"Letter(to={self.to!r}, subject={self.subject!r})"


def can_mail(settings: Settings) -> bool:
    """Whether letters leave the house at all."""
    return bool(settings.smtp_url.reveal())


def send(settings: Settings, letter: Letter) -> bool:
    """Whether the mail server took it. Why not is in the log, without what the letter says."""
    url = settings.smtp_url.reveal()
    if not url:
        return False
    if url == TO_THE_LOG:
        log.warning("Letter to %s: %s\n%s", letter.to, letter.subject, letter.text)
        return True
    try:
        _deliver(url, _message(settings, letter))
    except (OSError, smtplib.SMTPException, ValueError) as error:
        log.warning("A letter to %s couldn't be sent: %s", letter.to, type(error).__name__)
        return False
    return True


def _message(settings: Settings, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, letter.to, letter.subject
    message.set_content(letter.text)
    return message


def _deliver(url: str, message: EmailMessage) -> None:
    """``smtps`` is encrypted from the start; ``smtp`` is as soon as the server offers it, and before any password."""
    parts = urlsplit(url)
    host, context = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIME_OUT, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIME_OUT)
    with server:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        if parts.username:
            if parts.scheme == "smtp" and not isinstance(server.sock, ssl.SSLSocket):
                raise smtplib.SMTPException("the server offers no encryption for the password")
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
