"""Covariances of weights that hold where rows vary as they like: sandwiches.

Sources: White (1980), "A heteroskedasticity-consistent covariance matrix estimator"; MacKinnon and White
(1985), "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
properties"; Liang and Zeger (1986), "Longitudinal data analysis using generalized linear models"; Zeileis
(2006), "Object-oriented computation of sandwich estimators", for models that are not linear.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from fulcra.inspection._covariance import Array, Frame

#: What a row leaves to others, as a share, below which it alone decides a weight.
_ALONE = 1e-10


def softmax_back(found: Frame, weights: Array, chances: Array) -> tuple[Array, Array]:
    """Return `back` for the weights of all classes but the first, and the factor behind it.

    Parameters
    ----------
    found : Frame
        Of the rows with `weights` as their information.
    weights : ndarray of shape (n_samples,)
        Of the rows.
    chances : ndarray of shape (n_samples, n_classes - 1)
        Probabilities of the classes but the first.

    Returns
    -------
    back : ndarray of shape ((n_classes - 1) * n_terms, (n_classes - 1) * n_coordinates)
        Weights, class after class, from coordinates in which the information is the identity.
    factor : ndarray
        The inverse of the transpose of Cholesky's factor of the information in the coordinates of `found`.
    """
    k, q = chances.shape[1], found.back.shape[1]
    information = np.zeros((k, q, k, q))
    for some, turned in found.blocks():
        for a in range(k):
            for b in range(a, k):
                shared = weights[some] * chances[some, a] * ((a == b) - chances[some, b])
                information[a, :, b] += turned.T @ (shared[:, np.newaxis] * turned)
    for a in range(k):
        for b in range(a):
            information[a, :, b] = information[b, :, a].T
    lower = np.linalg.cholesky(information.reshape(k * q, k * q))
    factor: Array = np.linalg.solve(lower.T, np.eye(k * q))
    return np.kron(np.eye(k), found.back) @ factor, factor


def meat(
    found: Frame,
    weights: Array,
    errors: Array,
    *,
    cov: str,
    groups: NDArray[np.intp] | None,
    factor: Array | None = None,
    chances: Array | None = None,
) -> Array:
    """Return the covariance of the sum of the rows' scores, in coordinates.

    Parameters
    ----------
    found : Frame
        The coordinates.
    weights : ndarray of shape (n_samples,)
        How often each row is there.
    errors : ndarray of shape (n_samples, n_outputs)
        What was observed less its mean.
    cov : {'HC0', 'HC1', 'HC2', 'HC3', 'cluster'}
        How.
    groups : ndarray of shape (n_samples,), intp, or None
        The cluster of each row.
    factor, chances : ndarray, default=None
        Of `softmax_back`.

    Returns
    -------
    ndarray of shape (n_outputs * n_coordinates, n_outputs * n_coordinates)
        Not finite for 'HC2' and 'HC3' where a row alone decides a weight.
    """
    k, q = errors.shape[1], found.back.shape[1]
    n_terms = k * q
    total = np.zeros((n_terms, n_terms))
    n_groups = 0 if groups is None else int(groups.max()) + 1
    sums = np.zeros((n_groups, n_terms))
    for some, turned in found.blocks():
        left = errors[some]
        if cov in {"HC2", "HC3"}:
            once = found.information[some] / np.where(weights[some] > 0, weights[some], 1)
            p = None if chances is None else chances[some]
            left = _corrected(turned, once, left, cov=cov, factor=factor, chances=p)
        scores = (left[:, :, np.newaxis] * turned[:, np.newaxis]).reshape(len(turned), n_terms)
        if factor is not None:
            scores = scores @ factor
        if groups is None:
            total += scores.T @ (weights[some, np.newaxis] * scores)
        else:
            places = np.arange(len(turned))
            member = sp.csr_matrix((weights[some], (groups[some], places)), shape=(n_groups, len(turned)))
            sums += member @ scores
    many = float(weights.sum())
    if cov == "cluster":
        return np.asarray(sums.T @ sums * (n_groups / (n_groups - 1) * (many - 1) / (many - n_terms)))
    return np.asarray(total * (many / (many - n_terms) if cov == "HC1" else 1.0))


def _corrected(
    turned: Array,
    once: Array,
    errors: Array,
    *,
    cov: str,
    factor: Array | None,
    chances: Array | None,
) -> Array:
    """Return errors as large as they would be, had their rows not drawn the fit towards themselves."""
    if factor is None or chances is None:
        left = 1 - once * np.einsum("ij,ij->i", turned, turned)
        left = np.where(left > _ALONE, left, np.nan)[:, np.newaxis]
        return np.asarray(errors / (left if cov == "HC3" else np.sqrt(left)))
    # As one number is to one error, so is this matrix to those of all classes (Zeileis 2006).
    k, q = errors.shape[1], turned.shape[1]
    own = np.einsum("iq,aqt->iat", turned, factor.reshape(k, q, -1))
    pull = np.einsum("iat,ibt->iab", own, own)
    spread = np.eye(k) * chances[:, np.newaxis] - chances[:, :, np.newaxis] * chances[:, np.newaxis]
    # Of spread = L L^T and I - L^T pull L = V D V^T: errors times L V D^-1 V^T L^-1, or with D's root.
    lower = np.linalg.cholesky(spread)
    values, vectors = np.linalg.eigh(np.eye(k) - np.swapaxes(lower, 1, 2) @ pull @ lower)
    values = np.where(values > _ALONE, values, np.nan)[:, :, np.newaxis]
    plain = np.swapaxes(vectors, 1, 2) @ np.linalg.solve(lower, errors[:, :, np.newaxis])
    plain = vectors @ (plain / (values if cov == "HC3" else np.sqrt(values)))
    return np.asarray((lower @ plain)[:, :, 0])
