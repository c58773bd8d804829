"""What jaxstyle says while it works: the logger that the command line shows.

Info: what is fetched, planned or noticed. Warning: what is probably not what was meant.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("jaxstyle")
logger.addHandler(logging.NullHandler())
