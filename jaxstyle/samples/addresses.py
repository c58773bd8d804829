"""Pictures on the network: `http://…` or `https://…` wherever a picture is expected.

At most 100 MB are read, for at most 30 seconds, and only what is a picture is returned.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import Any
from urllib.parse import urlsplit

from jaxstyle._util.inputs import is_address
from jaxstyle._util.log import logger
from jaxstyle.image.decode import identify

LARGEST = 100_000_000
"""Bytes that are read from an address."""
SECONDS = 30.0
"""That this may take."""
_PART = 1 << 16
_kept: dict[str, bytes] = {}


def fetch(address: str, *, offline: bool = False, keep: bool = False) -> bytes:
    """Return the picture file at an address.

    Args:
        address: Begins with `http://` or `https://`, and is led on to none but such.
        offline: Never fetch.
        keep: Return the same bytes when this process asks for the address again.

    Raises:
        ValueError: It is larger than `LARGEST`, no picture, or the address has a password.
        OSError: It cannot be fetched, or not within `SECONDS`.
    """
    if address in _kept:
        return _kept[address]
    if "@" in urlsplit(address).netloc:
        raise ValueError("expected an address without a user's name or password")
    if offline:
        raise OSError(f"{address} is on the network, which --offline (offline=True) rules out")
    logger.info(f"fetching {address}")
    try:
        content = _read(address)
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        cause = getattr(cause, "strerror", None) or cause  # without the error's number
        status = f"{error.code} " if hasattr(error, "code") else ""
        if hasattr(error, "close"):
            error.close()  # an answer, of which nothing is read
        late = f"nothing came within {SECONDS:.0f} s" if isinstance(cause, TimeoutError) else cause
        raise OSError(f"cannot fetch {address}: {status}{' '.join(str(late).split())}") from None
    identify(io.BytesIO(content), address)
    if keep:
        _kept[address] = content
    return content


def _read(address: str) -> bytes:
    end, content = time.monotonic() + SECONDS, bytearray()
    with _opener().open(_request(address), timeout=SECONDS) as answer:
        stated = answer.headers.get("Content-Length", "")
        if stated.isdecimal() and int(stated) > LARGEST:
            raise ValueError(f"{address} is too large: {int(stated) / 1e6:.0f} MB of at most 100")
        while part := answer.read1(_PART):
            content += part
            if len(content) > LARGEST:
                raise ValueError(f"{address} is too large: more than {LARGEST / 1e6:.0f} MB")
            if time.monotonic() > end:
                raise OSError(f"it is not complete after {SECONDS:.0f} s")
    if stated.isdecimal() and len(content) < int(stated):
        raise OSError(f"it ends after {len(content)} of {stated} bytes")
    return bytes(content)


def _request(address: str) -> Any:
    from urllib.parse import quote
    from urllib.request import Request

    # Spaces and letters of other languages, as a browser shows them in its line.
    return Request(quote(address, safe="%/:=&?~#+!$,;'@()*[]"), headers={"User-Agent": "jaxstyle"})


def _opener() -> Any:
    """Return an opener of http and https alone: no files, no FTP, no data addresses."""
    from urllib import request

    class Redirects(request.HTTPRedirectHandler):
        def redirect_request(
            self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
        ) -> Any:
            if not is_address(newurl):
                fp.close()
                raise OSError(f"it leads to {newurl}, which is no http or https address")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        Redirects,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener
