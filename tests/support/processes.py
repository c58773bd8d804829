"""One command line in two processes that share its work."""

import socket
import subprocess
import sys

import pytest


def run_in_two_processes(*words: object) -> list[str]:
    """Run a command line in two processes, and return what each wrote to standard error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jaxstyle", *map(str, words)]
    command += ["--coordinator", f"127.0.0.1:{port}", "--processes", "2", "--process"]
    processes = [
        subprocess.Popen(
            [*command, str(k)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for k in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    if "aren't implemented on the CPU backend" in errors[0]:
        pytest.skip("this version of JAX has one process on a CPU")
    assert [process.returncode for process in processes] == [0, 0], errors
    return errors
