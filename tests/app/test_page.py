"""The page's server without a browser: what it serves, to whom, and what it refuses."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from support.small import write_pictures
from support.studio_server import Server

from jaxstyle.app.orders import Order
from jaxstyle.app.page.server import Access
from jaxstyle.app.queue import Clock, View
from jaxstyle.app.rooms import Room
from jaxstyle.app.uploads import keep

REASON = "the studio's page needs Gradio: pip install 'jaxstyle[app]'"


def get(server, path="", data=None, **headers):
    """Return status and text of an answer."""
    body = None if data is None else json.dumps(data).encode()
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"{server.address}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


def call(server, name, *data):
    """Call an event as a page does, and return what it answers."""
    dependencies = json.loads(get(server, "config")[1])["dependencies"]
    number = next(one["id"] for one in dependencies if one["api_name"] == name)
    body = {"data": [*data], "fn_index": number, "session_hash": "tests", "event_data": None}
    status, text = get(server, "gradio_api/queue/join", body)
    assert status == 200, text
    status, text = get(server, "gradio_api/queue/data?session_hash=tests")
    messages = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    return next(m for m in messages if m["msg"] == "process_completed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("gradio", reason=REASON)
    folder = tmp_path_factory.mktemp("page")
    room = Room(folder / "studio").prepare()
    stored = keep(room, write_pictures(folder) / "content.png")
    server = Server(folder / "studio").start()
    server.room, server.stored, server.outside = room, stored, folder
    yield server
    assert server.end() == 130


@pytest.mark.slow
def test_nothing_of_the_page_comes_from_elsewhere(server):
    status, text = get(server)
    assert status == 200
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]+)"', text)
    assert loaded
    assert not [place for place in loaded if re.match(r"(https?:)?//", place)]
    _, theme = get(server, "theme.css")
    assert "--body-background-fill" in theme
    assert "url(http" not in theme
    config = json.loads(get(server, "config")[1])
    assert config["analytics_enabled"] is False
    assert not config.get("stylesheets")


@pytest.mark.slow
def test_only_this_machine_is_answered(server):
    assert get(server, "config", Host=f"localhost:{server.port}")[0] == 200
    for host in ("example.org", "127.0.0.1.example.org", "studio.local:80"):
        assert get(server, "config", Host=host)[0] == 400


@pytest.mark.slow
def test_other_web_pages_are_refused(server):
    body = {"data": [], "fn_index": 0, "session_hash": "tests"}
    here = server.address.rstrip("/")
    assert get(server, "gradio_api/queue/join", body, Origin=here)[0] == 200
    for origin in ("http://example.org", "null", here.replace("127.0.0.1", "localhost")):
        for path in ("gradio_api/queue/join", "gradio_api/upload"):
            assert get(server, path, body, Origin=origin)[0] == 403


@pytest.mark.slow
def test_no_file_is_served_by_its_path(server):
    picture = server.folder / "secret.png"
    picture.write_bytes((server.outside / "content.png").read_bytes())
    places = ["/etc/passwd", str(picture), str(server.room.inputs / server.stored)]
    places += [
        str(server.outside / "content.png"),
        "..%2f..%2f..%2fetc%2fpasswd",
        "../../etc/passwd",
    ]
    for place in places:
        for route in ("gradio_api/file=", "file=", "static/", "assets/", "gradio_api/stream/"):
            status, text = get(server, f"{route}{place}")
            assert status in (400, 403, 404, 405, 500), (route, place)
            assert "root:" not in text
    picture.unlink()


@pytest.mark.slow
def test_no_path_is_taken_from_the_page(server):
    for place in ("/etc/passwd", str(server.outside / "content.png")):
        file = {"path": place, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.png"}
        for event, more in (("drop", [[]]), ("set_from", [])):
            answer = call(server, event, "", file, *more)
            assert not answer["success"]
            assert "root:" not in json.dumps(answer)
    assert [path.name for path in server.room.inputs.iterdir()] == [server.stored]


@pytest.mark.slow
def test_events_are_no_api(server):
    status, text = get(server, "gradio_api/info")
    assert status == 200
    assert json.loads(text)["named_endpoints"] == {}


@pytest.mark.slow
def test_a_password_is_asked_for(tmp_path):
    pytest.importorskip("gradio", reason=REASON)
    server = Server(tmp_path / "studio", "--auth", "ada:secret").start()
    try:
        assert get(server, "config")[0] == 401
        assert get(server, "gradio_api/queue/join", {"data": [], "fn_index": 0})[0] == 401
    finally:
        server.end()


def test_the_line_of_a_run_has_what_its_clock_needs():
    pytest.importorskip("gradio", reason=REASON)
    from jaxstyle.app.page.progress import line_of

    run = Order("a<b", "a", ("b",), {}, state="running")
    clock = Clock(12.0, 3.0)
    before = line_of(run, None, 0, clock)
    assert "a&lt;b: Reading pictures and networks" in before
    assert 'data-run="12.0" data-step="3.0" data-left=""' in before
    assert "<progress aria-label" in before  # nobody knows how long it takes
    view = View(3, 10, 64, 1.0, 9.0, 60.0, pace=2.5)
    after = line_of(run, view, 0, clock)
    assert 'data-left="57.0" data-pace="2.500" data-steps="3"' in after
    assert '<progress max="10" value="3"' in after
    grid = line_of(replace(run, sweep={"seed": [1, 2]}), replace(view, step=0), 0, clock)
    assert '<progress max="69.0" value="9.0"' in grid  # its cells are done together
    failed = line_of(replace(run, state="failed", message="no room"), view, 0, clock)
    assert 'class="failed"' in failed
    assert "progress" not in failed


def test_passwords():
    access = Access.of("127.0.0.1", None, "ada:secret:words")
    assert (access.user, access.password) == ("ada", "secret:words")
    assert access.allows("ada", "secret:words")
    assert not access.allows("ada", "secret")
    assert not access.allows("", "")
    for auth in ("", "ada", "ada:", ":secret"):
        with pytest.raises(ValueError, match="USER:PASSWORD"):
            Access.of("127.0.0.1", None, auth)
    assert not Access.of("0.0.0.0", None, None).is_local


@pytest.mark.slow
def test_build_returns_blocks_to_be_mounted(tmp_path):
    pytest.importorskip("gradio", reason=REASON)
    program = (
        "import gradio, fastapi, jaxstyle.app as app, sys\n"
        "page = app.build(sys.argv[1], offline=True, share_nothing=True)\n"
        "assert isinstance(page, gradio.Blocks) and not page.analytics_enabled\n"
        "from jaxstyle.app.page.build import launch_options\n"
        "gradio.mount_gradio_app(fastapi.FastAPI(), page, path='/studio', **launch_options())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "studio")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
