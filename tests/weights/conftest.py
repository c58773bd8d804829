"""Small networks, so that whole weight files weigh nothing."""

import pytest
from support.forging import narrow_backbones

from jaxstyle import backbones


@pytest.fixture
def narrow(monkeypatch):
    """Give the VGGs few channels."""
    monkeypatch.setattr(backbones, "BACKBONES", narrow_backbones())
