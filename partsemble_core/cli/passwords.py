"""How a password is typed: twice and unseen, or read from the input of a script."""

from __future__ import annotations

import getpass
import sys

from partsemble_core.errors import Invalid


def new_password(*, from_input: bool) -> str:
    """Raises Invalid where the two differ."""
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password (12 characters or more): ")
    if getpass.getpass("Once more: ") != password:
        raise Invalid("password", "The two passwords differ. Start again.")
    return password
