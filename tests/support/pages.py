"""Reading a page back, and trying its scripts."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jaxstyle.grid import page

SCRIPTS = Path(page.__file__).parent
# What `shared.js` reads where it begins.
DOCUMENT = "globalThis.document = { getElementById: () => ({ textContent: '{}' }) };\n"


class Parsed(HTMLParser):
    """Tags with their attributes, and the text of the element that holds the data."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inside, self.data = [], False, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") == "data"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.data += data


def _node():
    node = shutil.which("node")
    return node or pytest.skip("Node.js is not installed")


def check_script(text):
    """Check that the script of a page is one that a browser begins to run."""
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    done = subprocess.run(
        [_node(), "--check", "-"], input=script, capture_output=True, text=True, encoding="utf-8"
    )
    assert not done.returncode, done.stderr


def javascript(script, expression):
    """Return the value of an expression after a script of the pages; skip without Node.js."""
    node = _node()
    text = (SCRIPTS / script).read_text("utf-8")
    text = f"{DOCUMENT}{text}\nconsole.log(JSON.stringify({expression}));"
    done = subprocess.run([node, "-"], input=text, capture_output=True, text=True, encoding="utf-8")
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)
