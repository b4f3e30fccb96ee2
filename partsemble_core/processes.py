"""Child processes that end with their parent, whatever ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

STOP_SECONDS = 10

# Becomes the child. A program of its own, because a ``preexec_fn`` can deadlock where the parent has threads.
# PDEATHSIG (Linux) makes the kernel send SIGTERM when the parent goes; SIGINT is blocked because Ctrl-C is meant for
# the parent alone, which then stops its children in order.
_LAUNCH = """
import os, signal, sys
parent, argv = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.execv(argv[0], argv)
"""


def start_tied(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    output: int | IO[bytes] = subprocess.DEVNULL,
    errors: int | IO[bytes] = subprocess.STDOUT,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts ``command`` (its program by full path) as a child that the kernel ends when we end.

    On Linux the tie is to the starting *thread*: start from one that lives as long as the child is needed.
    """
    wrapped = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *command]
    return subprocess.Popen(
        wrapped,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=None if environment is None else dict(environment),
        pass_fds=list(keep_open),
    )


def stop_child(process: subprocess.Popen[bytes]) -> None:
    """Asks a child to end, and makes it after ten seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
