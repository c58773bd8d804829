"""The page of a grid in a real browser, opened as a file and from a server.

Runs where Playwright is installed and finds a Chromium.
"""

import functools
import http.server
import io
import json
import shlex
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image
from support.browsers import chromium

from jaxstyle.grid.page import embedded, page

playwright = pytest.importorskip("playwright.sync_api")
WEIGHTS, METRICS = ["0.1", "1"], ["gram", "gram=0.5+histogram@relu1_1"]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


def cells():
    for weight in WEIGHTS:
        for metric in METRICS:
            name = f"style_weight={weight},metric={metric}"
            yield {
                "name": name,
                "file": f"cells/{name}.png",
                "values": {"style_weight": weight, "metric": metric},
                "picture": embedded(np.full((24, 32, 3), float(weight), np.float32)),
                "failure": None,
                "history": {"total": [2.0, 1.0, 0.5], "mse": [3e-10, 0.5, 0.75]},
                "scales": [{"size": 32, "steps": 3}],
                "settings": {"style_weight": weight, "metric": metric, "size": "32"},
                "seconds": 1.5,
                "command": f"jaxstyle stylize 'a b.png' c.png --metric {metric}",
                "replay": f"jaxstyle replay {name}.json",
            }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    (folder / "cells").mkdir()
    data = {
        "title": "style_weight × metric",
        "key": "abc",
        "command": "jaxstyle grid 'a b.png' c.png",
        "inputs": [],
        "axes": [
            {"name": "style_weight", "values": WEIGHTS},
            {"name": "metric", "values": METRICS},
        ],
        "cells": [*cells()],
        "facts": {},
    }
    for number, cell in enumerate(data["cells"]):
        Image.new("RGB", (32, 24), (number, 0, 0)).save(folder / cell["file"])
        (folder / cell["file"].replace(".png", ".json")).write_text(json.dumps(cell["name"]))
    (folder / "index.html").write_text(page(data), "utf-8")
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(folder):
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


# What differs from a server is what can be read beside the page.
ADDRESSES = ("file", pytest.param("http", marks=pytest.mark.slow))
both = pytest.mark.parametrize("tab", ["file", "http"], indirect=True)


@pytest.fixture(params=ADDRESSES)
def tab(request, browser, folder):
    """The page in a tab, from each kind of address; the test fails if the page raised an error."""
    if request.param == "file":
        address = (folder / "index.html").as_uri()
    else:
        address = request.getfixturevalue("server")
    with browser.new_context(accept_downloads=True) as context:
        tab, errors = context.new_page(), []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda line: line.type == "error" and errors.append(line.text))
        tab.goto(address)
        tab.kind = request.param
        yield tab
        assert not [error for error in errors if "favicon" not in error and "404" not in error]


def text(tab, selector):
    return tab.locator(selector).inner_text()


def in_sight(tab):
    return tab.locator("button.cell:visible").count()


def button(tab, name, exact=True):
    return tab.get_by_role("button", name=name, exact=exact)


def test_favorites_are_kept(tab):
    stars = tab.locator(".holder .star")
    stars.nth(1).click()
    tab.locator("button.cell").nth(2).focus()
    tab.keyboard.press("f")
    pressed = [stars.nth(n).get_attribute("aria-pressed") for n in range(4)]
    assert pressed == ["false", "true", "true", "false"]
    tab.reload()
    assert button(tab, "★ Favorites only (2)").get_attribute("aria-pressed") == "false"
    button(tab, "★ Favorites only (2)").click()
    assert in_sight(tab) == 2
    assert text(tab, "[role=status] >> nth=0") == "2 of 4 cells"
    tab.reload()
    assert in_sight(tab) == 2
    tab.locator(".holder .star:visible").first.click()
    assert text(tab, "[role=status] >> nth=0") == "1 of 4 cells"
    button(tab, "Show all").click()
    assert in_sight(tab) == 4


def test_marks_last_as_long_as_the_page_where_nothing_may_be_stored(tab):
    tab.add_init_script("Storage.prototype.getItem = Storage.prototype.setItem = () => { throw 0 }")
    tab.reload()
    tab.locator(".holder .star").first.click()
    assert button(tab, "★ Favorites only (1)").is_visible()


def test_filters_are_combined_and_in_the_address(tab):
    button(tab, METRICS[1]).click()
    assert (in_sight(tab), tab.locator("thead th:visible").count()) == (2, 2)
    button(tab, "0.1").click()
    assert in_sight(tab) == 1
    assert text(tab, "[role=status] >> nth=0") == "1 of 4 cells"
    assert button(tab, "Download 1 picture").is_visible()
    tab.reload()
    assert in_sight(tab) == 1
    button(tab, "1", exact=True).click()  # either value
    assert in_sight(tab) == 2
    tab.goto(tab.url.partition("#")[0] + "#metric=gram&metric=nonsense&style_weight=1")
    assert in_sight(tab) == 1
    button(tab, "Show all").click()
    assert in_sight(tab) == 4
    assert tab.evaluate("location.hash") == ""


def test_keys_of_the_large_view(tab):
    tab.locator("button.cell").first.click()
    assert "cell=" in tab.url
    tab.wait_for_function("document.querySelector('#stage img').naturalWidth === 32")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("f")
    assert text(tab, "dialog header dl").split() == ["style_weight", "0.1", "metric", METRICS[1]]
    assert tab.locator("dialog .star").get_attribute("aria-pressed") == "true"
    tab.reload()
    assert tab.locator("dialog").is_visible()
    assert METRICS[1] in text(tab, "dialog header dl")
    tab.keyboard.press("ArrowDown")
    assert text(tab, "dialog header dl").split()[1] == "1"
    tab.keyboard.press("Escape")
    playwright.expect(tab.locator("dialog")).to_be_hidden()
    title = f"style_weight 1, metric {METRICS[1]}"
    playwright.expect(tab.locator(".cell:focus")).to_have_attribute("title", title)
    button(tab, "gram").click()
    tab.locator("button.cell:visible").first.click()
    tab.keyboard.press("ArrowRight")  # to nothing that is in sight
    assert text(tab, "dialog header dl").split()[-1] == "gram"
    assert button(tab, "→").is_disabled()


def archive(tab, name):
    with tab.expect_download() as download:
        button(tab, name).click()
    with zipfile.ZipFile(download.value.path()) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


@both
def test_the_chosen_ones_are_downloaded(tab, folder):
    assert len(archive(tab, "Download 4 pictures")) == (8 if tab.kind == "http" else 4)
    tab.locator(".holder .star").nth(1).click()
    tab.locator(".holder .star").nth(3).click()
    stems = [f"style_weight={weight},metric={METRICS[1]}" for weight in WEIGHTS]
    files = archive(tab, "Download 2 favorites")
    if tab.kind == "http":
        wanted = [f"{stem}.{ending}" for stem in stems for ending in ("png", "json")]
        assert files == {name: (folder / "cells" / name).read_bytes() for name in wanted}
        return
    assert [*files] == [f"{stem}.jpg" for stem in stems]
    with Image.open(io.BytesIO(files[f"{stems[0]}.jpg"])) as image:
        assert image.size == (32, 24)
    assert "2 pictures as this page shows them" in text(tab, "#choices")


def test_originals_beside_a_file_are_read_from_a_folder_that_the_reader_chooses(tab, folder):
    originals = tab.locator("#choices button").nth(1)
    if tab.kind == "http":
        assert originals.is_hidden()
        return
    tab.locator(".holder .star").first.click()
    with tab.expect_file_chooser() as chooser:
        originals.click()
    with tab.expect_download() as download:
        chooser.value.set_files(folder / "cells")
    with zipfile.ZipFile(download.value.path()) as file:
        names = file.namelist()
        assert [name.rpartition(".")[2] for name in names] == ["png", "json"]
        assert file.read(names[0]) == (folder / "cells" / names[0]).read_bytes()


def test_a_cell_has_its_own_link(tab, folder):
    tab.locator("button.cell").first.click()
    link = tab.locator("aside a").last
    with tab.expect_download() as download:
        link.click()
    content = download.value.path().read_bytes()
    if tab.kind == "http":
        assert content == (folder / "cells" / download.value.suggested_filename).read_bytes()
    else:
        assert content[:2] == b"\xff\xd8"


@pytest.mark.parametrize("how", ["clipboard", "the older way", "neither"])
def test_texts_are_copied(tab, how):
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.evaluate("navigator.clipboard.writeText('before')")
    if how != "clipboard":
        tab.evaluate("navigator.clipboard.writeText = undefined")
    if how == "neither":
        tab.evaluate("document.execCommand = () => false")
    paste = "navigator.clipboard.readText()"
    tab.locator("button.cell").nth(1).click()
    copy = tab.locator("aside .command button").first
    copy.click()
    command = f"jaxstyle stylize 'a b.png' c.png --metric {METRICS[1]}"
    if how == "neither":
        playwright.expect(copy).to_have_text("Selected")
        assert tab.evaluate("String(getSelection())") == command
        return
    playwright.expect(copy).to_have_text("Copied")
    assert tab.evaluate(paste) == command
    tab.keyboard.press("Escape")
    tab.locator(".holder .star").nth(1).click()
    button(tab, "Copy file names").click()
    file = f"cells/style_weight=0.1,metric={METRICS[1]}.png"
    playwright.expect(button(tab, "Copied")).to_have_count(1)
    assert tab.evaluate(paste) == file
    button(tab, "Copy a cp command").click()
    playwright.expect(button(tab, "Copied")).to_have_count(2)
    words = ["mkdir", "-p", "chosen", "&&", "cp", file, file.replace(".png", ".json"), "chosen/"]
    assert shlex.split(tab.evaluate(paste)) == words


def test_the_chart_says_what_lies_beyond_it(tab):
    tab.locator("button.cell").first.click()
    assert "lie on the lower edge" in text(tab, "aside .chart p")
    ticks = tab.locator("aside .chart svg > text").all_text_contents()
    assert not any("e-" in tick for tick in ticks)
