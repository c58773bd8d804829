"""A web server of this machine, which answers as a test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def content(data: bytes, kind: str = "image/png") -> Answer:
    """Answer with a file."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    return answer


def redirect(address: str) -> Answer:
    """Answer with another address."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", address)
        request.end_headers()

    return answer


@contextmanager
def server(answers: dict[str, Answer]) -> Iterator[tuple[str, list[str]]]:
    """Serve answers by path; yield the address, and the paths that are asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            path = self.path.partition("?")[0]
            if path in answers:
                answers[path](self)
            else:
                self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    machine = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    machine.daemon_threads = True
    thread = threading.Thread(target=machine.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{machine.server_port}", asked
    finally:
        machine.shutdown()
        thread.join()
        machine.server_close()
