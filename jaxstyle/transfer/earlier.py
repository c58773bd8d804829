"""What came before a run that continues a finished picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Earlier(NamedTuple):
    """The picture that a run continues, and the losses that led to it.

    Attributes:
        sha256: Of the picture's file.
        history: Each term's losses, as its manifest has them.
    """

    sha256: str
    history: Mapping[str, Sequence[float]]

    @classmethod
    def of_manifest(cls, facts: Mapping[str, Any]) -> Earlier | None:
        """Return what came before the run of a manifest; None if it began anew."""
        record = facts.get("continues")
        if record is None:
            return None
        history = facts.get("history", {})
        counts = record["steps"].items()
        return cls(record["sha256"], {name: history.get(name, [])[:n] for name, n in counts})

    def plain(self) -> dict[str, Any]:
        """Return what a manifest says of it: of each term, how many of its losses are earlier."""
        steps = {name: len(losses) for name, losses in self.history.items()}
        return {"sha256": self.sha256, "steps": steps}

    def followed_by(self, history: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
        """Return the earlier losses and then those of the run, by term.

        A term that only one of them has is as long as that: `plain` says which losses are earlier.

        >>> Earlier("", {"total": [3, 2], "gram": [3, 2]}).followed_by({"total": [1], "mmd": [1]})
        {'total': [3, 2, 1], 'mmd': [1], 'gram': [3, 2]}
        """
        names = dict.fromkeys((*history, *self.history))
        return {name: [*self.history.get(name, ()), *history.get(name, ())] for name in names}
