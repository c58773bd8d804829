"""The studio in a real browser, over the real command. Needs Gradio, Playwright and Chromium.

With $JAXSTYLE_SCREENSHOTS the states of the page are photographed into that folder; pictures are
then made by `quick`, which is worth looking at, and takes longer. Give it an empty $XLA_FLAGS, too:
programs that are not optimized, as tests have them, calibrate a grid for many minutes.
"""

import os
import re
import shutil
import signal
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.browsers import chromium
from support.small import LAYERS
from support.studio_server import Server

import jaxstyle
from jaxstyle import samples

pytest.importorskip("gradio", reason="the studio's page needs Gradio: pip install 'jaxstyle[app]'")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.slow

PATIENCE = 600_000  # milliseconds: other processes may have the cores
MANY = 400  # steps of a run that is to be caught while it goes on
SCREENSHOTS = os.environ.get("JAXSTYLE_SCREENSHOTS")
SETTINGS = {
    **{"size": 96, "steps": 4, "scales": 2, "metric": "gram", "content_weight": 0.3, **LAYERS},
}
SHOWN = "--metric gram"  # of these settings on a command line
if SCREENSHOTS:
    SETTINGS = {"recipe": "quick", "size": 192, "content_weight": 0.3}
    SHOWN = "--recipe quick"


WATCH = """() => {
  window.changes = [];
  const note = (text) => window.changes.push([performance.now(), text]);
  const status = document.querySelector("#status"), all = { subtree: true, childList: true };
  new MutationObserver(() => note(status.innerText))
    .observe(status, { ...all, characterData: true });
  new MutationObserver(() => note("picture"))
    .observe(document.querySelector("#viewer img.after"), { attributeFilter: ["src"] });
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A photograph, a painting, and the manifest of settings that are quick."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("lighthouse", "swirls"):
        shutil.copy(samples.resolve(f"sample:{name}"), folder / f"{name}.jpg")
    pictures = (folder / "lighthouse.jpg", folder / "swirls.jpg")
    jaxstyle.stylize(*pictures, **SETTINGS).save(folder / "quick.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"not a picture" * 50)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("studio") / "room").start()
    yield server
    server.end()


@contextmanager
def opened(browser, server, **how):
    """Open the page; whatever it asks of another machine is refused, and fails the test."""
    elsewhere = []
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, **how)

    def route(one):
        if one.request.url.startswith((server.address, "data:", "blob:")):
            one.continue_()
        else:
            elsewhere.append(one.request.url)
            one.abort()

    context.route("**/*", route)
    tab = context.new_page()
    tab.set_default_timeout(PATIENCE)
    tab.goto(server.address)
    tab.wait_for_selector("#status p", state="attached")  # it knows what lies in the folder
    try:
        yield tab
    finally:
        photograph(tab, "last")
        context.close()
    assert elsewhere == []


@pytest.fixture
def tab(browser, server):
    with opened(browser, server) as tab:
        yield tab


def photograph(tab, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


def says(tab, element, words):
    playwright.expect(tab.locator(element)).to_contain_text(words, timeout=PATIENCE)


def counts(tab, element, number):
    playwright.expect(tab.locator(element)).to_have_count(number, timeout=PATIENCE)


def lay(tab, files):
    """Set the table: the settings by a manifest, the pictures by upload and by a sample."""
    tab.set_input_files("#content input[type=file]", files / "lighthouse.jpg")
    tab.wait_for_selector("#content img")
    tab.click("#samples [data-pick=swirls]")
    tab.wait_for_selector("#style img")
    tab.get_by_text("The same without the page").click()
    command = playwright.expect(tab.locator("#command textarea"))
    tab.click("#characters [data-pick=bold]")  # else nobody sees when the manifest is taken
    command.to_have_value(_holding("--recipe bold"), timeout=PATIENCE)
    tab.set_input_files("#drop input[type=file]", files / "quick.json")
    # The manifest's settings, and its pictures, which the room has by now.
    command.to_have_value(
        _holding(SHOWN, "lighthouse.jpg", "swirls.jpg", without="--recipe bold"), timeout=PATIENCE
    )


def _holding(*parts, without=None):
    refused = f"(?!.*{re.escape(without)})" if without else ""
    wanted = "".join(f"(?=.*{re.escape(part)})" for part in parts)
    return re.compile(f"{refused}{wanted}.*", re.DOTALL)


def set_number(tab, name, value):
    field = tab.locator(f"#setting-{name} :is(textarea, input)")
    if not field.is_visible():
        tab.locator("#view").get_by_text("Full").click()
        tab.get_by_role("button", name="Size and effort").click()
    field.fill(str(value))
    field.press("Tab")
    playwright.expect(tab.locator("#command textarea")).to_have_value(
        _holding(f"--{name} {value}"), timeout=PATIENCE
    )


def finished(tab):
    playwright.expect(tab.locator("#save")).to_be_enabled(timeout=PATIENCE)
    return tab.inner_text("#status")


def test_an_empty_page(browser, server):
    for scheme in ("light", "dark"):
        with opened(browser, server, color_scheme=scheme) as tab:
            says(tab, "#viewer", "Drop a photograph")
            tab.wait_for_selector("#samples img")
            photograph(tab, f"empty-{scheme}")
            assert not tab.locator("#make").is_enabled()
            for image in tab.locator("#samples img, #characters img").all():
                assert image.get_attribute("alt")
            tab.set_viewport_size({"width": 390, "height": 800})
            tab.wait_for_timeout(500)
            photograph(tab, f"narrow-{scheme}")
            width = tab.evaluate("document.documentElement.scrollWidth")
            assert width <= 390


def test_from_two_pictures_to_a_saved_one(tab, files, tmp_path):
    lay(tab, files)
    set_number(tab, "steps", MANY)
    tab.click("#make")
    says(tab, "#status", "Running")
    tab.wait_for_selector("#viewer img.after[src]")
    photograph(tab, "running")
    tab.click("#stop")
    says(tab, "#status", "Stopped after")
    step = int(tab.inner_text("#status").split("after")[1].split("of")[0])
    assert 0 < step < MANY
    photograph(tab, "stopped")
    # A stopped run continues with other settings, from the picture as it is.
    set_number(tab, "steps", 3)
    tab.get_by_role("button", name="More style").click()
    says(tab, "#status", "lighthouse-swirls-2")
    finished(tab)
    playwright.expect(tab.locator("#command textarea")).to_have_value(
        _holding("--content-weight 0.1875"), timeout=PATIENCE
    )
    # A slider, and on from there.
    tab.locator("#view").get_by_text("Simple").click()
    tab.locator("#slider-3 input[type=range]").fill("80")
    playwright.expect(tab.locator("#command textarea")).to_have_value(
        _holding("--content-weight 0.1875", "--smoothness 0.119"), timeout=PATIENCE
    )
    tab.get_by_role("button", name="Continue with these settings").click()
    says(tab, "#status", "lighthouse-swirls-3")
    size = SETTINGS["size"]
    assert f"{size} × {size * 3 // 4} pixels" in finished(tab)
    tab.locator("#viewer .split").fill("50")
    tab.locator("#viewer [data-zoom=in]").click()
    photograph(tab, "finished")
    # What is saved replays to the same bytes.
    with tab.expect_download() as download:
        tab.click("#save")
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path)
    again = jaxstyle.replay(tmp_path / "lighthouse-swirls-3.json")
    again.save(tmp_path / "again.png")
    picture = (tmp_path / "lighthouse-swirls-3.png").read_bytes()
    assert (tmp_path / "again.png").read_bytes() == picture
    # The stopped run is a click away.
    tab.click("#queue [data-pick=lighthouse-swirls]")
    says(tab, "#status", "lighthouse-swirls: Stopped")
    says(tab, "#resume", "Resume")


def test_resumed_after_a_stop(tab, files, server):
    lay(tab, files)
    set_number(tab, "steps", 29)
    tab.click("#make")
    says(tab, "#status", "Running")
    tab.click("#stop")
    says(tab, "#status", "Stopped after")
    tab.click("#resume")
    finished(tab)


def test_a_mask_is_painted(tab, files, server):
    lay(tab, files)
    tab.locator("#view").get_by_text("Full").click()
    tab.get_by_role("button", name="Masks and other pictures").click()
    canvas = tab.locator("#painter canvas").first
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    tab.wait_for_timeout(3000)
    box = canvas.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.5)
    tab.mouse.down()
    for share in (0.4, 0.5, 0.6, 0.65):
        tab.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.5, steps=4)
    tab.mouse.up()
    tab.wait_for_timeout(1000)
    photograph(tab, "mask")
    tab.click("#take-mask")
    counts(tab, "#in-use [data-pick]", 1)
    stored = tab.locator("#in-use [data-pick]").get_attribute("data-pick").split("/")[1]
    with Image.open(server.folder / "inputs" / stored) as image:
        mask = np.asarray(image)
    assert 0.01 < (mask > 127).mean() < 0.6
    height, width = mask.shape[:2]
    assert mask[height // 2, width // 2] > 127
    assert mask[height // 20, width // 20] == 0
    tab.click("#make")
    says(tab, "#status", "lighthouse-swirls")
    finished(tab)
    tab.locator("#in-use [data-pick]").click()
    counts(tab, "#in-use [data-pick]", 0)


def test_a_broken_picture_is_refused_in_words(tab, files):
    tab.set_input_files("#content input[type=file]", files / "broken.png")
    says(tab, "body", "broken.png is not a picture")
    photograph(tab, "refused")
    counts(tab, "#content img", 0)
    tab.set_input_files("#drop input[type=file]", files / "swirls.jpg")
    says(tab, "body", "expected the manifest of a run")


def test_a_picture_is_removed_and_another_one_laid(tab, files):
    lay(tab, files)
    tab.click("#content [aria-label='Remove Image']")
    command = playwright.expect(tab.locator("#command textarea"))
    command.to_have_value(_holding("jaxstyle stylize photo.jpg"), timeout=PATIENCE)
    playwright.expect(tab.locator("#make")).to_be_disabled(timeout=PATIENCE)
    tab.set_input_files("#content input[type=file]", files / "swirls.jpg")
    tab.wait_for_selector("#content img")
    command.to_have_value(_holding("-swirls.jpg inputs/"), timeout=PATIENCE)
    playwright.expect(tab.locator("#make")).to_be_enabled(timeout=PATIENCE)


def test_a_run_survives_a_reload_and_another_tab_has_it(browser, server, files):
    with opened(browser, server) as tab:
        lay(tab, files)
        set_number(tab, "steps", MANY)
        tab.click("#make")
        says(tab, "#status", "Running")
        # Gradio has a hidden text there, too, while it asks the server.
        name = re.search(r"(\S+): Running", tab.inner_text("#status"))[1]
        tab.reload()
        says(tab, "#status", f"{name}: Running")
        with opened(browser, server) as other:
            says(other, "#status", f"{name}: Running")
            other.wait_for_selector("#viewer img.after[src]")
            other.click("#stop")
            says(tab, "#status", f"{name}: Stopped")
            tab.click("#discard")


def test_a_grid_is_clicked(tab, files):
    lay(tab, files)
    tab.locator("#slider-3 input[type=range]").fill("80")
    playwright.expect(tab.locator("#command textarea")).to_have_value(
        _holding("--smoothness 0.119"), timeout=PATIENCE
    )
    tab.get_by_role("tab", name="Variations").click()
    fields = [tab.locator(f"#numbers-{axis} :is(textarea, input)") for axis in ("down", "across")]
    around = re.compile(r".*, 0\.119, .*")  # the table's smoothness, not the default
    playwright.expect(fields[1]).to_have_value(around, timeout=PATIENCE)
    for field, values in zip(fields, ("0.1, 1", "0.02, 0.2"), strict=True):
        field.fill(values)
    tab.click("#make-grid")
    counts(tab, "#grid [data-pick]", 4)
    says(tab, "#grid-status", "4 of 4 cells")
    tab.locator("#grid [data-pick='1']").click()
    tab.wait_for_selector("#cell img.after[src]")
    tab.locator("#across input[type=range]").fill("0.5")
    says(tab, "#place-values", "content weight 0.316, smoothness 0.0632")
    photograph(tab, "variations")
    tab.click("#neighbors")
    says(tab, "#grid-status", "9 of 9 cells")
    tab.locator("#grid [data-pick='4']").click()
    tab.wait_for_selector("#cell img.after[src]")
    tab.click("#take-cell")
    playwright.expect(tab.locator("#command textarea")).to_have_value(
        _holding(SHOWN), timeout=PATIENCE
    )
    finished(tab)


def test_names_of_variations_are_chosen_from_a_list(tab):
    tab.get_by_role("tab", name="Variations").click()
    tab.locator("#vary-down input").fill("recipe")
    tab.keyboard.press("Enter")
    says(tab, "#names-down", "painterly")
    playwright.expect(tab.locator("#numbers-down")).to_be_hidden(timeout=PATIENCE)
    tab.locator("#names-down input").fill("gatys/")
    tab.keyboard.press("Enter")
    says(tab, "#names-down", "gatys/")
    photograph(tab, "names")
    tab.locator("#vary-across input").fill("(nothing")
    tab.keyboard.press("Enter")
    playwright.expect(tab.locator("#numbers-across")).to_be_hidden(timeout=PATIENCE)


def test_text_that_is_pasted_counts(tab):
    tab.get_by_text("The same without the page").click()
    set_number(tab, "size", 96)


def test_a_mixture_is_picked_by_keyboard_and_as_text(tab, files):
    lay(tab, files)
    tab.locator("#view").get_by_text("Full").click()
    tab.get_by_role("button", name="What is compared").click()
    picker, command = tab.locator("#setting-metric"), tab.locator("#command textarea")
    text, expect = picker.get_by_label("The same as text"), playwright.expect
    text.fill("gram=0.5")
    row = picker.get_by_role("group", name="style metric 1: gram")
    expect(row.get_by_label("Weight")).to_have_value("0.5", timeout=PATIENCE)
    picker.get_by_role("button", name="Add a metric").press("Enter")
    row = picker.get_by_role("group", name="style metric 2")
    expect(row.get_by_role("combobox", name="Metric", exact=True)).to_be_focused(timeout=PATIENCE)
    tab.keyboard.type("histogram")
    tab.keyboard.press("Tab")
    expect(row.get_by_label("Weight")).to_be_focused(timeout=PATIENCE)
    tab.keyboard.type("3")  # it was selected
    row.get_by_label("Network").select_option("alexnet")
    layers = "relu1, relu2, relu3, relu4, relu5"
    expect(row.get_by_label("Layers")).to_have_value(layers, timeout=PATIENCE)
    mixture = f"histogram@{','.join(f'alexnet:{layer}' for layer in layers.split(', '))}=3"
    expect(text).to_have_value(f"gram=0.5+{mixture}", timeout=PATIENCE)
    expect(command).to_have_value(_holding("--metric gram=0.5", mixture), timeout=PATIENCE)
    photograph(tab, "mixture")
    picker.get_by_role("button", name="Remove gram").press("Enter")
    expect(text).to_have_value(mixture, timeout=PATIENCE)
    text.fill("gramm")
    expect(command).to_have_value(_holding("no style metric is named 'gramm'"), timeout=PATIENCE)
    # A recipe sets both.
    tab.locator("#setting-recipe input").fill("gatys/adapted")
    tab.keyboard.press("Enter")
    expect(picker.locator(".row")).to_have_count(1, timeout=PATIENCE)
    expect(text).to_have_value("gram", timeout=PATIENCE)


def test_the_picture_that_it_starts_from_comes_first_and_a_clock_ticks(tab, files):
    lay(tab, files)
    set_number(tab, "steps", MANY)
    tab.evaluate(WATCH)
    tab.click("#make")
    says(tab, "#status", "Running")
    says(tab, "#status", "so far")
    tab.wait_for_timeout(3500)
    changes = tab.evaluate("window.changes")
    tab.click("#stop")
    says(tab, "#status", "Stopped after")
    tab.click("#discard")
    running = next(at for at, text in changes if "Running" in text)
    assert any("Compiling" in text for at, text in changes if at < running)
    pictures = [at for at, text in changes if text == "picture"]
    assert pictures[0] < running
    ticks = [at for at, text in changes if "so far" in text and at > changes[-1][0] - 3000]
    assert len(ticks) >= 2  # each second, but for a busy machine


def test_the_gallery(tab, server):
    made = server.folder / "added.png"
    Image.new("RGB", (60, 40), "teal").save(made)
    tab.get_by_role("tab", name="Gallery").click()
    tab.wait_for_selector("#gallery [data-pick='added.png']")
    tab.locator("#gallery [data-pick='lighthouse-swirls-3.png']").click()
    tab.wait_for_selector("#large img.after[src]")
    tab.wait_for_selector("#facts svg")
    tab.click("#favorite")
    counts(tab, "#gallery .favorite", 1)
    photograph(tab, "gallery")
    tab.locator("#gallery [data-pick='added.png']").click()
    says(tab, "#facts", "without a manifest")
    tab.click("#delete")
    tab.click("#really")
    counts(tab, "#gallery [data-pick='added.png']", 0)
    assert not made.exists()
    with tab.expect_download() as download:
        tab.click("#sheet")
    with Image.open(download.value.path()) as sheet:
        assert sheet.width > 100


@pytest.mark.skipif(not SCREENSHOTS, reason="makes the guide's pictures: $JAXSTYLE_SCREENSHOTS")
def test_pictures_of_the_guide(browser, tmp_path):
    """All defaults at the table, and a grid of nine."""
    server = Server(tmp_path / "room").start()
    try:
        with opened(browser, server) as tab:
            for name, well in (("lighthouse", "#content"), ("swirls", "#style")):
                tab.click(f"#samples [data-pick={name}]")
                tab.wait_for_selector(f"{well} img")
            tab.click("#make")
            finished(tab)
            tab.wait_for_timeout(1000)
            photograph(tab, "studio")
            tab.get_by_text("The same without the page").click()
            set_number(tab, "size", 128)
            tab.get_by_role("tab", name="Variations").click()
            tab.click("#make-grid")
            says(tab, "#grid-status", "9 of 9 cells")
            tab.locator("#grid [data-pick='4']").click()
            tab.wait_for_selector("#cell img.after[src]")
            tab.locator("#across input[type=range]").fill("0.75")
            says(tab, "#place-values", "content weight 0.3, smoothness 0.06")
            photograph(tab, "variations-of-the-guide")
    finally:
        server.end()


def test_two_visitors_see_nothing_of_each_other(browser, files, tmp_path):
    server = Server(tmp_path / "room", "--share-nothing").start()
    try:
        with opened(browser, server) as one, opened(browser, server) as other:
            lay(one, files)
            one.click("#make")
            finished(one)
            other.click("#samples [data-pick=mosaic]")
            other.wait_for_selector("#style img")
            other.reload()
            says(other, "#viewer", "Drop a photograph")
            other.get_by_role("tab", name="Gallery").click()
            says(other, "#gallery", "No pictures")
            one.reload()
            says(one, "#status", "lighthouse-swirls.png")
            rooms = [*(server.folder / "visitors").iterdir()]
            uploads = [sorted(path.name[17:] for path in (r / "inputs").iterdir()) for r in rooms]
            assert sorted(uploads) == [["lighthouse.jpg", "swirls.jpg"], ["mosaic.jpg"]]
    finally:
        server.end()


def test_the_server_is_killed_and_started_again(browser, files, tmp_path):
    server = Server(tmp_path / "room").start()
    try:
        with opened(browser, server) as tab:
            lay(tab, files)
            set_number(tab, "steps", MANY)
            tab.click("#make")
            says(tab, "#status", "Running")
            checkpoint = server.folder / "lighthouse-swirls.png.checkpoint"
            end = time.monotonic() + PATIENCE / 1000
            while not checkpoint.exists() and time.monotonic() < end:
                time.sleep(0.2)
            server.end(signal.SIGKILL)
        server.start()
        with opened(browser, server) as tab:
            says(tab, "#status", "lighthouse-swirls: Running")
            tab.click("#stop")
            says(tab, "#status", "Stopped after")
            step = int(tab.inner_text("#status").split("after")[1].split("of")[0])
            assert step > 1
    finally:
        assert server.end() == 130
    assert not list(server.folder.glob("*.json"))  # nothing says that it is finished
