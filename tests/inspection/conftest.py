"""What tests of pictures share."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture
def tidy(monkeypatch):
    """No display shows a window or changes what the user has set; figures are closed."""
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("plt.show was called"))
    before = dict(plt.rcParams)
    yield
    assert dict(plt.rcParams) == before
    plt.close("all")
