"""The page's server without a browser: what it serves, to whom, and what it refuses."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

pytest.importorskip("gradio", reason="the studio's page needs Gradio: pip install 'jaxstyle[app]'")

from support.small import write_pictures
from support.studio_server import free_port

from jaxstyle.app import build
from jaxstyle.app.page.server import Access, serve
from jaxstyle.app.studio import Studio
from jaxstyle.app.uploads import keep


class Served:
    """A studio in this process whose runs do nothing."""

    def __init__(self, folder, access, **how):
        self.studio = Studio(folder, lambda room, order, show: None, offline=True, **how)
        self.address, self.page = serve(self.studio, access)

    def get(self, path="", data=None, **headers):
        """Return status and text of an answer."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self.address}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")

    def call(self, name, *data):
        """Call an event as a page does, and return what it answers."""
        numbers = [n for n, fn in self.page.fns.items() if fn.name == name]
        assert numbers, sorted(fn.name for fn in self.page.fns.values())
        session = "tests"
        body = {
            "data": [*data],
            "fn_index": numbers[0],
            "session_hash": session,
            "trigger_id": None,
        }
        status, text = self.get("gradio_api/queue/join", {**body, "event_data": None})
        assert status == 200, text
        status, text = self.get(f"gradio_api/queue/data?session_hash={session}")
        messages = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        return next(m for m in messages if m["msg"] == "process_completed")

    def close(self):
        self.studio.close()
        self.page.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    served = Served(folder / "studio", Access(port=free_port()))
    room = served.studio.rooms.room("")
    served.stored = keep(room, write_pictures(folder) / "content.png")
    served.room, served.outside = room, folder
    yield served
    served.close()


def test_nothing_of_the_page_comes_from_elsewhere(served):
    status, text = served.get()
    assert status == 200
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"([^\"]+)\"", text)
    assert loaded
    assert not [place for place in loaded if re.match(r"(https?:)?//", place)]
    _, theme = served.get("theme.css")
    assert "url(" not in theme
    assert "fonts.googleapis" not in theme
    config = json.loads(served.get("config")[1])
    assert config["analytics_enabled"] is False
    assert "stylesheets" not in config or not config["stylesheets"]


def test_only_this_machine_is_answered(served):
    assert served.get("config", Host=f"localhost:{served.address.split(':')[-1][:-1]}")[0] == 200
    for host in ("example.org", "127.0.0.1.example.org", "studio.local:80"):
        assert served.get("config", Host=host)[0] == 400


def test_no_file_is_served_by_its_path(served):
    picture = served.room.folder / "secret.png"
    picture.write_bytes((served.outside / "content.png").read_bytes())
    places = [
        "/etc/passwd",
        str(picture),
        str(served.room.inputs / served.stored),
        "../../etc/passwd",
    ]
    places += [str(served.outside / "content.png"), "..%2f..%2f..%2fetc%2fpasswd", "pyproject.toml"]
    for place in places:
        for route in ("gradio_api/file=", "file=", "gradio_api/stream/", "static/", "assets/"):
            status, text = served.get(f"{route}{place}")
            assert status in (400, 403, 404, 405, 500), (route, place)
            assert "root:" not in text
    picture.unlink()


def test_no_path_is_taken_from_the_page(served):
    for place in ("/etc/passwd", str(served.outside / "content.png")):
        file = {"path": place, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.png"}
        answer = served.call("drop", "", file, [])
        assert not answer["success"]
        answer = served.call("set_from", "", {**file, "path": place})
        assert not answer["success"]
    assert [path.name for path in served.room.inputs.iterdir()] == [served.stored]


def test_events_are_no_api(served):
    status, text = served.get("gradio_api/info")
    assert status == 200
    assert json.loads(text)["named_endpoints"] == {}


def test_a_password_is_asked_for(tmp_path):
    access = replace(Access.of("127.0.0.1", free_port(), "ada:secret:words"))
    assert (access.user, access.password) == ("ada", "secret:words")
    assert access.allows("ada", "secret:words")
    assert not access.allows("ada", "secret")
    assert not access.allows("", "")
    served = Served(tmp_path / "studio", access)
    try:
        assert served.get("config")[0] == 401
        assert served.get("gradio_api/queue/join", {"data": [], "fn_index": 0})[0] == 401
    finally:
        served.close()


@pytest.mark.parametrize("auth", ["", "ada", "ada:", ":secret"])
def test_a_password_that_is_none(auth):
    with pytest.raises(ValueError, match="USER:PASSWORD"):
        Access.of("127.0.0.1", None, auth)


def test_build_returns_blocks_to_be_mounted(tmp_path):
    import gradio

    page = build(tmp_path / "studio", offline=True, share_nothing=True)
    assert isinstance(page, gradio.Blocks)
    assert not page.analytics_enabled
