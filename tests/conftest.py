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


@pytest.fixture(scope="module")  # two modules may not hold a browser at once
def browser():
    """A browser without a window."""
    from jupyterlab_page import chromium  # needs playwright, which few tests do

    with chromium() as running:
        yield running
