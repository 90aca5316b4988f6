"""SGDRegressor: linear regression, a step for each row."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.model_selection import ShuffleSplit
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d

from fulcra._base import Data, Floats, StrOptions, check_rows, estimator_fit
from fulcra.linear_model._base import checked_targets
from fulcra.linear_model._linear_regression import LinearRegression
from fulcra.linear_model._linear_scores import linear_scores, take_columns
from fulcra.linear_model._sgd_base import MAX_SEED, REGRESSION_LOSSES, SGD


class SGDRegressor(RegressorMixin, SGD):  # type: ignore[misc]
    """Linear regression learned row by row.

    Parameters
    ----------
    loss : {'squared_error', 'huber', 'epsilon_insensitive', 'squared_epsilon_insensitive'}, \
            default='squared_error'
        What a row costs; 'squared_error' is half the squared difference.
    penalty : {'l2', 'l1', 'elasticnet'} or None, default='l2'
        What draws weights towards 0; 'l1' and 'elasticnet' make some exactly 0.
    alpha : float, default=0.0001
        How strongly; 'optimal' steps are as long as this says, too.
    l1_ratio : float or None, default=0.15
        The share of L1 with 'elasticnet'.
    fit_intercept : bool, default=True
        Whether there is an intercept, which carries no penalty.
    max_iter : int, default=1000
        The most epochs (passes over the rows) of `fit`.
    tol : float or None, default=1e-3
        By how much an epoch must improve the mean objective; None runs `max_iter` epochs.
    shuffle : bool, default=True
        Whether each epoch takes the rows in an order of its own.
    verbose : int, default=0
        Above 0: a line for each epoch.
    epsilon : float, default=0.1
        The difference at which 'huber' becomes linear, and up to which the insensitive losses cost nothing.
    random_state : int, RandomState instance or None, default=None
        Of the shuffling and the rows held out; the steps of a seed are those of scikit-learn.
    learning_rate : {'constant', 'optimal', 'invscaling', 'adaptive', 'pa1', 'pa2'}, default='invscaling'
        How long step t is: `eta0`; 1 / (alpha (t + t0)); eta0 / t^power_t; `eta0`, divided by 5 whenever
        nothing improves; or passive-aggressive, with loss='epsilon_insensitive'.
    eta0 : float, default=0.01
        The first step's length; of 'pa1' and 'pa2' the aggressiveness.
    power_t : float, default=0.25
        Exponent of 'invscaling'.
    early_stopping : bool, default=False
        Whether rows held out decide when to stop, instead of the objective.
    validation_fraction : float, default=0.1
        Their share.
    n_iter_no_change : int, default=5
        So many epochs in a row without improvement end the fit.
    warm_start : bool, default=False
        Whether `fit` begins with the weights that there are.
    average : bool or int, default=False
        Whether `coef_` is the mean of the weights of all steps, or of those from this one on.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The weights, in the dtype of X.
    intercept_ : ndarray of shape (1,)
        What is added to the weighted sums.
    n_iter_ : int
        Epochs.
    t_ : float
        Steps taken, plus 1.
    history_ : dict of str to ndarray of shape (n_iter_,)
        By epoch: 'loss', the mean over the rows of what each cost before its step; 'objective', with the
        penalty; 'score', with `early_stopping`, of the rows held out; 'epoch' counts them from 1.
    stop_reason_ : str
        Why the fit ended, in a sentence.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.GradientDescentRegressor : With every step written down.
    fulcra.linear_model.Ridge : The exact solution.

    Notes
    -----
    Steps are taken in float64 on copies of a few shuffled rows at a time, whatever the dtype of X; `coef_`
    has that of X. Steps and their order are scikit-learn's, so its weights come out but for rounding.

    References
    ----------
    Bottou (2012), "Stochastic gradient descent tricks", in Neural Networks: Tricks of the Trade, Springer.
    Crammer et al. (2006), "Online passive-aggressive algorithms", JMLR 7.
    Tsuruoka, Tsujii and Ananiadou (2009), "Stochastic gradient descent training for L1-regularized log-linear
    models with cumulative penalty", ACL.
    Xu (2011), "Towards optimal one pass large scale learning with averaged stochastic gradient descent".

    Examples
    --------
    >>> import numpy as np
    >>> from fulcra.linear_model import SGDRegressor
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> model = SGDRegressor(random_state=0).fit(X, X @ [3.0, -1.0] + 2.0)
    >>> model.coef_.round(2).tolist(), model.intercept_.round(2).tolist()
    ([3.0, -1.0], [2.0])
    """

    _passive_loss = "epsilon_insensitive"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SGD._parameter_constraints,
        "loss": [StrOptions(REGRESSION_LOSSES)],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        random_state: Any = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average

    @classmethod
    def from_weights(
        cls, coef: Data, intercept: Data = 0.0, *, feature_names: Data = None, **params: Any
    ) -> Self:
        """Return a fitted estimator with known weights.

        Parameters
        ----------
        coef : array-like of shape (n_features,)
            The weights; float32 is kept, everything else becomes float64.
        intercept : float or array-like of shape (1,), default=0.0
            What is predicted where all features are 0.
        feature_names : array-like of shape (n_features,) of str, default=None
            Names of the columns.
        **params
            Parameters of the estimator.

        Returns
        -------
        estimator
            With `coef_`, `intercept_`, `n_features_in_` and, where there are names, `feature_names_in_`.

        Raises
        ------
        ValueError
            If weights or intercepts are not finite, or there are several, or names do not match them in
            number.

        Examples
        --------
        >>> from fulcra.linear_model import SGDRegressor
        >>> SGDRegressor.from_weights([7.5], 21.5).predict([[6]]).tolist()
        [66.5]
        """
        if np.ndim(coef) != 1:
            raise ValueError(f"coef has shape {np.shape(coef)}; (n_features,) is needed.")
        known = LinearRegression.from_weights(
            np.asarray(coef)[np.newaxis], intercept, feature_names=feature_names
        )
        model = cls(**params)
        model.coef_, model.intercept_ = known.coef_[0], known.intercept_
        take_columns(model, known)
        return model

    @estimator_fit
    def fit(
        self,
        X: Data,
        y: Data,
        coef_init: Data = None,
        intercept_init: Data = None,
        sample_weight: Data = None,
    ) -> Self:
        """Learn the weights from the start, or with `warm_start` from those that there are.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows; columns should have about the same scale.
        y : array-like of shape (n_samples,)
            What is to be predicted, finite.
        coef_init : array-like of shape (n_features,), default=None
            Where to begin.
        intercept_init : array-like of shape (1,), default=None
            And with which intercept.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Factors of the rows' steps.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If parameters or weights are unusable or contradict each other, X or y are not finite, or the
            steps leave the range of numbers: the message names the column to blame.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs were not enough.
        """
        self._check_together(partial=False)
        if self.warm_start and "coef_" in vars(self):
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        rows, targets = self._rows_and_targets(X, y, reset=True)
        self.t_ = 1.0
        self._start((1, rows.shape[1]), rows.dtype, coef_init, intercept_init)
        self._descend(rows, targets, sample_weight, self.max_iter)
        self._warn()
        return self

    @estimator_fit
    def partial_fit(self, X: Data, y: Data, sample_weight: Data = None) -> Self:
        """Take one step for each row, from the weights that there are.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,)
            What is to be predicted, finite.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Factors of the rows' steps.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            As `fit`.
        """
        self._check_together(partial=True)
        first = "coef_" not in vars(self)
        rows, targets = self._rows_and_targets(X, y, reset=first)
        if first:
            self._start((1, rows.shape[1]), rows.dtype, None, None)
        if "t_" not in vars(self):
            self.t_ = 1.0
        self._descend(rows, targets, sample_weight, 1)
        return self

    def _rows_and_targets(self, X: Data, y: Data, *, reset: bool) -> tuple[Any, NDArray[np.float64]]:
        rows = check_rows(self, X, reset=reset)
        targets = column_or_1d(checked_targets(self, y), warn=True)
        check_consistent_length(rows, targets)
        return rows, np.ascontiguousarray(targets)

    def _descend(self, rows: Any, y: NDArray[np.float64], sample_weight: Data, max_iter: int) -> None:
        weights = self._check_weights(sample_weight, rows)
        held_out = self._held_out(ShuffleSplit, y, weights)
        self._learn(
            rows,
            y,
            weights,
            held_out,
            classes=[None],
            class_weights=[(1.0, 1.0)],
            seeds=[int(check_random_state(self.random_state).randint(0, MAX_SEED))],
            max_iter=max_iter,
        )
        self.coef_ = self.coef_.ravel()

    def predict(self, X: Data) -> Floats:
        """Return the prediction for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            The weighted sums of the features plus the intercept, in the dtype of X.

        Raises
        ------
        NotFittedError
            If there are no weights yet.
        ValueError
            If X has another number of columns than in `fit`, or is not finite.
        """
        return linear_scores(self, X)[:, 0]
