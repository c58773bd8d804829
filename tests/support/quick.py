"""Which cases of a test are quick enough for every run; the others are slow, and CI's."""

import pytest


def with_slow(metrics, is_quick, name=lambda metric: f"{metric.kind}-{metric.name}"):
    """Return parameters of a test: metrics, those marked slow that are not quick."""
    return [
        pytest.param(
            metric, marks=() if is_quick(metric.name) else pytest.mark.slow, id=name(metric)
        )
        for metric in metrics
    ]
