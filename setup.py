"""The README as a package index shows it: with whole links. All else is in pyproject.toml."""

import re
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
RAW = {"github.com": "raw.githubusercontent.com"}
"""Where the host of the source gives files as they are, which pictures have to be."""


def with_whole_links(text: str, source: str, tag: str) -> str:
    """Return Markdown whose links to files of the repository are addresses at a tag.

    >>> with_whole_links("![a](b.jpg)", "https://github.com/us/it", "v1")
    '![a](https://raw.githubusercontent.com/us/it/v1/b.jpg)'
    >>> with_whole_links("[a](b.md) [c](#d)", "https://github.com/us/it", "v1")
    '[a](https://github.com/us/it/blob/v1/b.md) [c](#d)'
    """
    host = source.split("/")[2]
    raw = f"{source.replace(host, RAW.get(host, host))}/{tag}/"
    whole = re.sub(r"(!\[[^]]*\]\()(?!\w+:|#)", rf"\g<1>{raw}", text)
    return re.sub(
        r"((?<!!)\[(?:[^][]|`[^`]*`)*\]\()(?!\w+:|#)", rf"\g<1>{source}/blob/{tag}/", whole
    )


if __name__ == "__main__":
    from setuptools import setup  # the tests do without it

    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    setup(
        long_description=with_whole_links(
            (HERE / "README.md").read_text("utf-8"),
            project["urls"]["Source"],
            f"v{project['version']}",
        ),
        long_description_content_type="text/markdown",
    )
