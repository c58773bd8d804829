"""Citations: BibTeX of every paper by a short label, such as `"Gatys, Ecker & Bethge, CVPR 2016"`.

`papers.bib` has each entry under a comment with its label. `Metric.paper` and recipes name papers
by these labels, several with a semicolon between, a loose relation with "after" in front.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from jaxstyle._util.arguments import shown


@cache
def entries() -> dict[str, str]:
    """Return every BibTeX entry by its label.

    >>> entries()["jaxstyle"].splitlines()[0]
    '@misc{jaxstyle,'
    """
    text = files(__name__).joinpath("papers.bib").read_text("utf-8")
    blocks = (block.partition("\n") for block in text.split("% ")[1:])
    return {label.strip(): entry.strip() for label, _, entry in blocks}


def labels(papers: str) -> tuple[str, ...]:
    """Return the labels of papers that have an entry, several with a semicolon between.

    >>> labels("after Li et al., IJCAI 2017; textbook")
    ('Li et al., IJCAI 2017',)
    """
    if not isinstance(papers, str):
        raise ValueError(f"expected papers as text, got {shown(papers)}")
    names = (name.strip().removeprefix("after ") for name in papers.split(";"))
    return tuple(name for name in names if name in entries())


def bibtex(*chosen: str) -> str:
    """Return the entries of labels, each once, in the order of the labels.

    >>> bibtex("jaxstyle").splitlines()[0]
    '@misc{jaxstyle,'

    Raises:
        ValueError: A label has no entry.
    """
    for label in chosen:
        if not isinstance(label, str) or label not in entries():
            raise ValueError(f"no paper is labelled {shown(label)}")
    return "\n\n".join(entries()[label] for label in dict.fromkeys(chosen))


def summary(entry: str) -> str:
    """Return the authors' names, the title and the year of a BibTeX entry.

    >>> summary(bibtex("Gatys, Ecker & Bethge, CVPR 2016"))
    'Gatys, Ecker, Bethge: Image Style Transfer Using Convolutional Neural Networks (2016)'

    Raises:
        ValueError: It is no entry, or has no author, title or year.
    """
    if not isinstance(entry, str):
        raise ValueError(f"expected a BibTeX entry, got {shown(entry)}")
    lines = (line.strip().partition("=") for line in entry.splitlines())
    fields = {name.strip(): value.strip(" ,").strip("{}") for name, _, value in lines}
    if missing := [name for name in ("author", "title", "year") if name not in fields]:
        raise ValueError(f"expected {missing[0]} in a BibTeX entry, got {shown(entry)}")
    authors = ", ".join(name.partition(",")[0] for name in fields["author"].split(" and "))
    text = f"{authors}: {fields['title']} ({fields['year']})"
    for mark, accent in _ACCENTS.items():
        text = text.replace(mark, accent)
    return re.sub(r"[{}]", "", text)


_ACCENTS = {r"{\"o}": "ö", r"{\'e}": "é", r"{\'a}": "á", r"{\c{c}}": "ç"}
