"""The README as a package index shows it."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\(([^)]+)\)")


def test_every_link_of_the_readme_is_whole_and_leads_to_a_file_of_ours():
    with_whole_links = runpy.run_path(str(ROOT / "setup.py"))["with_whole_links"]
    text = (ROOT / "README.md").read_text("utf-8")
    whole = with_whole_links(text, "https://github.com/group/name", "v1.2")
    links, before = LINK.findall(whole), LINK.findall(text)
    assert len(links) == len(before) > 10
    for link, relative in zip(links, before, strict=True):
        assert link.startswith("https://"), link
        if not relative.startswith("https://"):
            path = relative.partition("#")[0]
            assert (ROOT / path).exists(), path
            assert link.endswith(f"/v1.2/{relative}")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", whole)
    raw = "https://raw.githubusercontent.com/group/name/v1.2/"
    assert pictures
    assert all(picture.startswith(raw) for picture in pictures)
