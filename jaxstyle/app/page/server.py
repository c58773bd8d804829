"""The server of the page: where it listens, who may come in, and what it does not fetch."""

from __future__ import annotations

import os
import secrets
import tempfile
import webbrowser
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxstyle.app.studio import Studio

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Hosts that only this machine reaches."""


def quiet_gradio() -> None:
    """Switch off what Gradio would tell or ask others. To be called before it is imported."""
    # Its own temporary folder: uploads of other programs are not served.
    folder = tempfile.mkdtemp(prefix="jaxstyle-studio-")
    os.environ["GRADIO_TEMP_DIR"] = folder
    for name, value in (
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("HF_HUB_OFFLINE", "1"),
        ("GRADIO_SHARE", "False"),
        ("DO_NOT_TRACK", "1"),
    ):
        os.environ[name] = value


def check_gradio() -> None:
    """Raise unless Gradio is installed, in a version that has what the page uses.

    Raises:
        OSError: It is not.
    """
    wanted = "the studio needs Gradio 6: pip install 'jaxstyle[app]'"
    try:
        version = metadata.version("gradio")
    except metadata.PackageNotFoundError:
        raise OSError(wanted) from None
    if int(version.partition(".")[0]) < 6:
        raise OSError(f"{wanted}; here is {version}")


@dataclass(frozen=True)
class Access:
    """Who may come in.

    Attributes:
        host: Where the server listens.
        port: Its port; None for the first that is free.
        user: Who may log in, or nothing for everybody.
        password: Of the user.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    user: str = ""
    password: str = ""

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOCAL

    @classmethod
    def of(cls, host: str, port: int | None, auth: str | None) -> Access:
        """Return the access that options ask for.

        Raises:
            ValueError: `auth` is not `USER:PASSWORD`.
        """
        user, colon, password = (auth or "").partition(":")
        if auth is not None and not (user and colon and password):
            raise ValueError("expected --auth as USER:PASSWORD")
        return cls(host, port, user, password)

    def allows(self, user: str, password: str) -> bool:
        """Whether a name and a password are right; in the same time for every wrong one."""
        is_user = secrets.compare_digest(user.encode(), self.user.encode())
        is_password = secrets.compare_digest(password.encode(), self.password.encode())
        return is_user and is_password


def serve(studio: Studio, access: Access, *, browser: bool = False) -> tuple[str, Any]:
    """Start the server, and return its address and its Gradio Blocks.

    Raises:
        OSError: The port is taken.
    """
    from jaxstyle.app.page.build import blocks, launch_options

    page = blocks(studio)
    options: dict[str, Any] = launch_options()
    if access.is_local:
        options["app_kwargs"] = _only_from_here([*LOCAL, "[::1]"])
    if access.user:
        options["auth"] = access.allows
    try:
        _, address, _ = page.launch(
            server_name=access.host,
            server_port=access.port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            show_error=False,
            **options,
        )
    except OSError as error:
        where = f"port {access.port}" if access.port else "every port from 7860"
        raise OSError(f"{where} of {access.host} is taken, or there is no such host") from error
    if browser:
        webbrowser.open(address)
    return address, page


class SameOrigin:
    """Refuses what other web pages let a browser send here, such as uploads."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, as ASGI has it."""
        from starlette.responses import PlainTextResponse

        headers = dict(scope.get("headers", ()))
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")
        if scope["type"] == "http" and origin and origin.partition(b"://")[2] != host:
            await PlainTextResponse("another page's request", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _only_from_here(hosts: list[str]) -> dict[str, Any]:
    """Refuse requests of other web pages, and to other names.

    A page could let its own name mean this machine, and would then be of the same origin.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    known = Middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return {"middleware": [known, Middleware(SameOrigin)]}
