"""A program: become an unprivileged user if one is named, tie this process to its parent, become the command.

    python -I tied_child.py PARENT_PID USER COMMAND...        USER "-" stays who it is

A server started so goes with the test run even when that is killed with -9 (Linux). The order matters: a
change of user clears the tie.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, user: str, command: list[str]) -> None:
    """Never returns: execs the command, or exits when the parent is gone already."""
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            sys.exit("the parent is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
