"""How long the studio's page takes to the first pictures of a run, and how still it is meanwhile.

A server of its own, and Chromium: a picture of 256 pixels with all defaults is made once, so that
its programs are compiled; then Make is clicked again and again. Measured in the browser: the time
to the picture that the run starts from, to that of the first step, between two pictures after that,
and the longest time without any change, be it a picture or the clock.

python benchmarks/studio.py [SIZE [TIMES]]      writes benchmarks/studio.md
"""

import itertools
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import date
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

size, times = (int(word) for word in (*sys.argv[1:], *("256", "5")[len(sys.argv) - 1 :]))
PORT, PATIENCE = 7897, 3_600_000
WATCH = """(count) => new Promise((done) => {
  const picture = document.querySelector("#viewer img.after");
  const status = document.querySelector("#status");
  const before = picture.getAttribute("src"), began = performance.now(), pictures = [], all = [];
  const since = () => (performance.now() - began) / 1000;
  document.querySelector("#make").click();
  const ticks = new MutationObserver(() => all.push(since()));
  const observer = new MutationObserver(() => {
    if (picture.getAttribute("src") && picture.getAttribute("src") !== before) {
      pictures.push(since());
      all.push(since());
    }
    if (pictures.length === count) {
      observer.disconnect();
      ticks.disconnect();
      done([pictures, Math.max(...all.slice(1).map((at, i) => at - all[i]))]);
    }
  });
  ticks.observe(status, { subtree: true, childList: true, characterData: true });
  observer.observe(picture, { attributes: true, attributeFilter: ["src"] });
})"""


def start(folder):
    """Start the server, and wait until it answers."""
    command = [sys.executable, "-m", "jaxstyle", "studio", "-o", folder, "--port", str(PORT)]
    process = subprocess.Popen([*command, "--no-browser", "--offline"])
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5).close()
            return process
        except OSError:
            time.sleep(0.5)


def worked(process):
    """Return the seconds that a process has computed, on all cores: others do not lengthen them."""
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def stopped(page):
    """Stop the run, and forget it."""
    page.click("#stop")
    page.wait_for_selector("#discard")
    page.click("#discard")
    page.wait_for_selector("#discard", state="hidden")


with tempfile.TemporaryDirectory() as folder, sync_playwright() as manager:
    server = start(folder)
    browser = manager.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox"]
    )
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"http://127.0.0.1:{PORT}/")
    for name, well in (("lighthouse", "#content"), ("swirls", "#style")):
        page.click(f"#samples [data-pick={name}]")
        page.wait_for_selector(f"{well} img")
    page.get_by_text("Full").click()
    page.get_by_role("button", name="Size and effort").click()
    page.fill("#setting-size textarea, #setting-size input", str(size))
    page.wait_for_timeout(2000)
    cold, still_cold = page.evaluate(WATCH, 2)
    stopped(page)
    rows, work, still = [], [], []
    for _ in range(times):
        page.wait_for_timeout(1000)
        before = worked(server)
        page.evaluate(WATCH, 2)
        work.append(worked(server) - before)
        stopped(page)
        page.wait_for_timeout(1000)
        pictures, longest = page.evaluate(WATCH, 13)
        rows.append(pictures)
        still.append(longest)
        stopped(page)
        print(
            f"{work[-1]:.2f} s of work;", [f"{seconds:.2f}" for seconds in rows[-1][:4]], flush=True
        )
    browser.close()
    server.terminate()
    server.wait()

starts, firsts = [row[0] for row in rows], [row[1] for row in rows]
between = [b - a for row in rows for a, b in itertools.pairwise(row[1:])]
load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
report = f"""# The studio's first pictures

{date.today()}, {platform.machine()}, {os.cpu_count()} cores, load {load:.0f} meanwhile, \
{size} pixels, all else the defaults. Seconds in the browser, from the click on Make. Made by
benchmarks/studio.py.

| | seconds |
|---|---|
| the picture that the run starts from, cold | {cold[0]:.1f} |
| the first step's, cold (programs compiled or read from the cache) | {cold[1]:.1f} |
| the longest time without any change on the page, cold | {still_cold:.2f} |
| the picture that the run starts from, warm: median of {times} | {statistics.median(starts):.2f} |
| the first step's, warm: median | {statistics.median(firsts):.2f} |
| the first step's, warm: longest | {max(firsts):.2f} |
| work of the server until then, on all cores together: median | {statistics.median(work):.2f} |
| between two pictures: median | {statistics.median(between):.2f} |
| between two pictures: longest | {max(between):.2f} |
| the longest time without any change on the page, warm | {max(still):.2f} |
"""
print(report)
(Path(__file__).parent / "studio.md").write_text(report)
