"""The arithmetic in the open: by hand, and at the ends of the range of numbers."""

import numpy as np
import pytest
from fulcra.linear_model import gradient_step, magnitude, weighted_sum


def test_sizes_neither_overflow_nor_vanish() -> None:
    for scale in (1e-300, 1.0, 1e300):
        assert magnitude([3 * scale, -4 * scale]) == pytest.approx(5 * scale, rel=1e-15)
        assert magnitude([3 * scale, -4 * scale], "l1") == pytest.approx(7 * scale, rel=1e-15)
        assert magnitude([3 * scale, -4 * scale], "max") == 4 * scale
    assert magnitude([5e-324]) == 5e-324
    assert magnitude([[0.0, 0.0]]) == 0


def test_a_step_keeps_dtype_and_shape(dtype: type[np.floating]) -> None:
    moved = gradient_step(np.ones((2, 3), dtype), np.full((2, 3), 2, dtype), 0.25)
    np.testing.assert_array_equal(moved, np.full((2, 3), 0.5, dtype), strict=True)


def test_a_sum_shows_its_calculation() -> None:
    shown = str(weighted_sum([0.5, -2], [4, 1.5], 1))
    assert shown == "1 + (0.5\N{MULTIPLICATION SIGN}4) + (-2\N{MULTIPLICATION SIGN}1.5)\n= 1 + 2 - 3\n= 0"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient_step([1, 2], [1], 0.1), r"gradient has shape \(1,\); W has \(2,\)"),
        (lambda: gradient_step([1], [1], 0), "learning_rate must be above 0"),
        (lambda: gradient_step([1], [np.nan], 1), "gradient contains NaN"),
        (lambda: magnitude([]), "minimum of 1 is required"),
        (lambda: magnitude([1], "l3"), "'norm' parameter"),
        (lambda: weighted_sum([1, 2], [1]), "one weight a feature"),
        (lambda: weighted_sum([1], [1], np.inf), "intercept must be finite"),
    ],
)
def test_what_cannot_be_computed(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
