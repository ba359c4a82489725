"""Fixtures: one fauxmetal for all tests, and a fleet that is as good as new for each test."""

import pytest

from fauxmetal import Fauxmetal


@pytest.fixture(scope="session")
def fauxmetal():
    """Four servers, which need a second to start."""
    with Fauxmetal("--nodes", "4", "--boot-time", "1s") as running:
        yield running


@pytest.fixture
def fleet(fauxmetal):
    """The servers, switched off, with empty drives and default settings. No rule of faults is left, and time runs."""
    fauxmetal.control("POST", "/faults/clear", {"all": True})
    fauxmetal.control("POST", "/clock/run", {})
    fauxmetal.change("reset")
    return fauxmetal
