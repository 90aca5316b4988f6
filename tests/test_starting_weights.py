"""Starting weights have the distribution that their name says."""

import numpy as np
import pytest
from fulcra.linear_model import starting_weights
from scipy import stats

SHAPE = (300, 200)


@pytest.mark.parametrize(
    ("how", "law"),
    [
        ("normal", stats.norm(0, 0.1)),
        ("xavier_uniform", stats.uniform(-np.sqrt(6 / 500), 2 * np.sqrt(6 / 500))),
        ("he_normal", stats.norm(0, np.sqrt(2 / 300))),
    ],
)
def test_the_distribution(how: str, law: object) -> None:
    drawn = starting_weights(SHAPE, how, random_state=0)
    assert drawn.shape == SHAPE
    assert stats.kstest(drawn.ravel(), law.cdf).pvalue > 0.01  # type: ignore[attr-defined]
    # 3 standard errors of a variance that is 1% too large: a wrong fan would be seen at once.
    assert drawn.var() == pytest.approx(law.var(), rel=0.03)  # type: ignore[attr-defined]


def test_zeros_are_zeros_and_seeds_repeat(dtype: type[np.floating]) -> None:
    assert not starting_weights(SHAPE, "zeros", dtype=dtype).any()
    one, two, wide = (
        starting_weights((5, 4), "he_normal", random_state=7, dtype=kind)
        for kind in (dtype, dtype, np.float64)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, wide.astype(dtype))
    assert one.dtype == dtype


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (((3,), "zeros"), r"\(n_in, n_out\); got \(3,\)"),
        (((0, 3), "zeros"), "above 0"),
        (((2, 3), "kaiming"), "got 'kaiming'"),
    ],
)
def test_what_cannot_be_started(args: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        starting_weights(*args)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="float32 or float64; got int64"):
        starting_weights((2, 3), dtype=np.int64)
