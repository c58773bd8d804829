"""Optimizers by name, and whatever optax has."""

import optax
import pytest

from jaxstyle.optim import optimizers
from jaxstyle.optim.optimizers import OPTIMIZERS, Optimizer
