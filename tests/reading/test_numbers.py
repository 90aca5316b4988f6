"""Numbers as people read them."""

import pytest
from fulcra._reading.numbers import human


@pytest.mark.parametrize(
    ("value", "spread", "written"),
    [
        (39595.5, 10000, "39,600"),
        (27.43, 15, "27.4"),
        (0.0929, 0.0388, "0.093"),
        (-0.004, 1, "0"),
        (float("nan"), 1, "-"),
        (5.0, 0, "5.0"),
        (0.0, 0, "0"),
        (1.23456e-12, 1e-12, "1.23e-12"),
        (3.2e15, 1e15, "3.2e+15"),
    ],
)
def test_numbers_as_people_read_them(value: float, spread: float, written: str) -> None:
    assert human(value, spread) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.341, "34%"), (-0.001, "0%"), (-0.2, "-20%"), (1.0, "100%")]
)
def test_shares_are_percent(value: float, written: str) -> None:
    assert human(value, 0.5, is_share=True) == written
