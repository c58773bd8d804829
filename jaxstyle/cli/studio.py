"""`jaxstyle studio`: a page in the browser to play in."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from jaxstyle._util.files import check_folder
from jaxstyle._util.log import logger
from jaxstyle.cli.compilation import start_jax
from jaxstyle.cli.options import OFFLINE, PATH, GroupedCommand, diagnostics
from jaxstyle.cli.streams import write_message, write_result
from jaxstyle.cli.terminal import exit_status


@click.command(
    cls=GroupedCommand,
    short_help="A page in the browser to play in.",
    examples=(
        "jaxstyle studio",
        "jaxstyle studio -o pictures --port 8000 --no-browser",
        "jaxstyle studio --host 0.0.0.0 --auth ada:secret",
    ),
)
@click.option(
    "-o",
    "--output",
    type=PATH,
    default="studio",
    show_default=True,
    metavar="FOLDER",
    help="Folder for the pictures; what lies there is shown.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; 0.0.0.0 for all networks, without encryption.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port [default: the first that is free from 7860].",
)
@click.option("--auth", metavar="USER:PASSWORD", help="Let in only who knows both.")
@click.option(
    "--share-nothing/--no-share-nothing",
    "share_nothing",
    default=None,
    help="Whether visitors see nothing of each other [default: where others than this machine can "
    "come in].",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open the page.")
@OFFLINE
@diagnostics
def studio(
    output: Path,
    host: str,
    port: int | None,
    auth: str | None,
    share_nothing: bool | None,
    browser: bool,
    offline: bool,
) -> None:
    """Serve a page that makes, varies, compares and keeps pictures, until Ctrl-C.

    What is being made is kept: the same command resumes it. It needs Gradio: pip install
    'jaxstyle[app]'.
    """
    from jaxstyle.app.page.server import Access, check_gradio, serve

    # Before anything heavy is imported.
    access = Access.of(host, port, auth)
    check_folder(output)
    check_gradio()
    start_jax()
    from jaxstyle.app.running import runner
    from jaxstyle.app.studio import Studio

    separate = not access.is_local if share_nothing is None else share_nothing
    if not access.is_local and not access.user:
        logger.warning("whoever reaches %s can use this page; --auth asks for a password", host)
    place = Studio(output, runner(offline=offline), separate=separate, offline=offline)
    page = None
    try:
        address, page = serve(place, access, browser=browser)
        write_result(address)
        logger.info("%s: pictures; Ctrl-C ends the studio", output)
        while True:
            time.sleep(1)
    finally:
        logger.info("stopping after the current step")
        has_stopped = place.close()
        if page is not None:
            page.close()
        if not has_stopped:
            # A program is being compiled, for minutes perhaps. All files are whole, and the next
            # server begins the run again.
            write_message("jaxstyle: interrupted")
            os._exit(exit_status(KeyboardInterrupt()))
