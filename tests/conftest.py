"""What several files of tests share."""

import pytest

from normlab.grading.paper import LEVELS
from normlab.grading.workers import Workshop


@pytest.fixture(scope="module")
def workshop():
    """Workers under every level of confinement that there is."""
    made = Workshop(LEVELS)
    yield made
    made.close()
