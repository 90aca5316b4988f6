"""One thing that is wrong with a model's weights, or with the data behind them."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "separation", "leakage", "overfitting", "collinear", "sign", "large", "negligible", "scale", "constant"
]


@dataclass(frozen=True)
class Finding:
    """Something about the weights that a person should know before believing them.

    Attributes
    ----------
    kind : str
        'separation': some columns tell the classes apart without a mistake. 'leakage': one column says all.
        'overfitting': too few rows for the weights. 'collinear': columns say nearly the same. 'sign': a
        weight against the raw correlation. 'large': a weight far beyond the data. 'negligible': a weight that
        changes nothing. 'scale': columns of very different size. 'constant': a column of one value.
    columns : tuple of str
        The columns in question, in the table's names; none where all are.
    text : str
        The finding and its consequence, in a sentence or two.
    evidence : dict
        The figures behind it, as plain numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.inspection import explain_weights
    >>> from fulcra.linear_model import LinearRegression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> X[:, 2] = X[:, 0] + 0.01 * X[:, 2]
    >>> y = X.sum(axis=1) + rng.normal(size=200)
    >>> (finding,) = explain_weights(LinearRegression().fit(X, y), X, y).findings
    >>> finding.kind, finding.columns
    ('collinear', ('x0', 'x2'))
    """

    kind: Kind
    columns: tuple[str, ...]
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


def listed(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    """Return names as part of a sentence.

    Parameters
    ----------
    names : sequence of str
        At least one.
    most : int, default=8
        So many are named.

    Returns
    -------
    str
        "a", "a and b", "a, b and 3 more".
    """
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
