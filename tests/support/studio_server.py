"""A studio as people start it: the command, in a process of its own."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

START_SECONDS = 600.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Server:
    """`jaxstyle studio` over a folder; it can be killed and started again."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder, self._words = folder, words
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "jaxstyle", "studio", "-o", str(self.folder)]
        command += ["--port", str(self.port), "--no-browser", "--offline", *self._words]
        # Jobs in a shell's background ignore SIGINT, and so would their children.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with open(self.folder.with_suffix(".log"), "ab") as log:
                self.process = subprocess.Popen(command, stdout=log, stderr=log)
        finally:
            signal.signal(signal.SIGINT, before)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return self
            except OSError:
                time.sleep(0.3)
        raise AssertionError(self.folder.with_suffix(".log").read_text()[-3000:])

    def end(self, number: int = signal.SIGINT) -> int:
        """Send it a signal, and wait for its end; return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)
