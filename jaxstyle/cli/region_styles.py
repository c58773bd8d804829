"""The styles of a label map's regions: one for each label, by `--region-style`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxstyle.cli.options import Parsed, grouped_option
from jaxstyle.settings import REGIONS, kind_of


def _parse(word: str) -> tuple[str, str]:
    """Return the label and the style of a word.

    Raises:
        ValueError: It names no label or no style.
    """
    label, _, style = word.partition("=")
    if not style:
        raise ValueError(f"expected LABEL=STYLE, such as '#ff0000=painting.jpg', got {word!r}")
    (label,) = kind_of("region_labels").check("region_labels", label)
    return label, style


REGION_STYLE = grouped_option(REGIONS)(
    "--region-style",
    "region_styles",
    type=Parsed("LABEL=STYLE", _parse),
    multiple=True,
    help="Style of a label of --regions, in place of STYLE: '#ff0000=a.jpg' or 2=a.jpg; several "
    "times.",
)


def styles_of_regions(
    region_styles: Sequence[tuple[str, str]], styles: Sequence[str], given: dict[str, Any]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the styles, and the settings with their labels.

    Raises:
        ValueError: Styles are given in another way, too, or there is no label map.
    """
    if styles or given.get("region_labels"):
        other = "--region-labels" if given.get("region_labels") else styles[0]
        raise ValueError(f"expected the styles by --region-style alone, got {other} besides")
    if given.get("regions") is None:
        raise ValueError("expected --regions FILE, the label map, with --region-style")
    labels, files = zip(*region_styles, strict=True)
    return files, {**given, "region_labels": labels}
