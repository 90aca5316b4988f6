"""SGDClassifier: linear classifiers, a step for each row."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from fulcra._base import Data, Floats, StrOptions, estimator_fit
from fulcra.linear_model._linear_scores import LabelledScores
from fulcra.linear_model._sgd_base import MAX_SEED, REGRESSION_LOSSES, SGD


def _has_probabilities(model: Any) -> bool:
    if model.loss not in {"log_loss", "modified_huber"}:
        # available_if makes this the cause of its own error.
        raise AttributeError(f"probability estimates are not available for loss={model.loss!r}")
    return True


class SGDClassifier(LabelledScores, SGD):
    """Linear classifiers learned row by row: support vector machines, logistic regression, perceptrons.

    Of more than two classes each has weights of its own, against all others, learned side by side.

    Parameters
    ----------
    loss : {'hinge', 'log_loss', 'modified_huber', 'squared_hinge', 'perceptron', 'squared_error', 'huber', \
            'epsilon_insensitive', 'squared_epsilon_insensitive'}, default='hinge'
        What a row costs: 'hinge' is a linear support vector machine, 'log_loss' logistic regression; those of
        regression take the classes for -1 and 1.
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
    n_jobs : int or None, default=None
        Accepted; the threads are those of `fulcra.set_num_threads`.
    random_state : int, RandomState instance or None, default=None
        Of the shuffling and the rows held out; the steps of a seed are those of scikit-learn.
    learning_rate : {'constant', 'optimal', 'invscaling', 'adaptive', 'pa1', 'pa2'}, default='optimal'
        How long step t is: `eta0`; 1 / (alpha (t + t0)); eta0 / t^power_t; `eta0`, divided by 5 whenever
        nothing improves; or passive-aggressive, with loss='hinge'.
    eta0 : float, default=0.01
        The first step's length; of 'pa1' and 'pa2' the aggressiveness.
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    early_stopping : bool, default=False
        Whether rows held out decide when to stop, instead of the objective.
    validation_fraction : float, default=0.1
        Their share.
    n_iter_no_change : int, default=5
        So many epochs in a row without improvement end the fit.
    class_weight : dict, 'balanced' or None, default=None
        Factors of the classes' rows; 'balanced' makes all classes weigh the same.
    warm_start : bool, default=False
        Whether `fit` begins with the weights that there are.
    average : bool or int, default=False
        Whether `coef_` is the mean of the weights of all steps, or of those from this one on.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The weights, in the dtype of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        What is added to the weighted sums.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; of two the second is the positive one.
    n_iter_ : int
        Epochs, the most over the classes.
    t_ : float
        Steps taken, plus 1.
    history_ : dict of str to ndarray of shape (n_iter_,) or (n_iter_, n_classes)
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
    fulcra.linear_model.GradientDescentClassifier : With every step written down.

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
    >>> from fulcra.linear_model import SGDClassifier
    >>> X = np.array([[-1.0, -1.0], [-2.0, -1.0], [1.0, 1.0], [2.0, 1.0]])
    >>> model = SGDClassifier(random_state=0).fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[-0.8, -1.0], [3.0, 2.0]]).tolist()
    ['no', 'yes']
    """

    _passive_loss = "hinge"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SGD._parameter_constraints,
        "loss": [
            StrOptions(
                {
                    "hinge",
                    "log_loss",
                    "modified_huber",
                    "squared_hinge",
                    "perceptron",
                    *REGRESSION_LOSSES,
                }
            )
        ],
        "n_jobs": [Integral, None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        loss: str = "hinge",
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
        n_jobs: int | None = None,
        random_state: Any = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        class_weight: Mapping[Any, float] | str | None = None,
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
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.average = average

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
            The labels, of two classes at least.
        coef_init : array-like of shape (n_features,) or (n_classes, n_features), default=None
            Where to begin.
        intercept_init : array-like of shape (1,) or (n_classes,), default=None
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
        known = vars(self)
        if self.warm_start and "coef_" in known:
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = self.intercept_ if intercept_init is None else intercept_init
        rows, labels = self._rows_and_labels(X, y, reset=True)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(self.classes_)} class"
            )
        self.t_ = 1.0
        self._begin(rows, coef_init, intercept_init)
        self._descend(rows, labels, sample_weight, self.max_iter)
        self._warn()
        return self

    @estimator_fit
    def partial_fit(self, X: Data, y: Data, classes: Data = None, sample_weight: Data = None) -> Self:
        """Take one step for each row, from the weights that there are.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,)
            The labels, all of them of `classes`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever be; needed in the first call.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Factors of the rows' steps.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            As `fit`, and if `classes` are missing in the first call, or others than in the first.
        """
        first = "classes_" not in vars(self)
        if first:
            self._check_together(partial=True)
            if self.class_weight == "balanced":
                raise ValueError(
                    "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' "
                    "weights, use compute_class_weight('balanced', classes=classes, y=y). In place of y "
                    "you can use a large enough sample of the full training set target to properly "
                    "estimate the class frequency distributions. Pass the resulting weights as the "
                    "class_weight parameter."
                )
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
        rows, labels = self._rows_and_labels(X, y, reset=first)
        if classes is not None:
            named = unique_labels(classes)
            if first:
                self.classes_ = named
            elif not np.array_equal(self.classes_, named):
                raise ValueError(
                    f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                    f"{self.classes_!r}"
                )
        if len(self.classes_) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(self.classes_)} class"
            )
        if "coef_" not in vars(self):
            self._begin(rows, None, None)
        if "t_" not in vars(self):
            self.t_ = 1.0
        self._descend(rows, labels, sample_weight, 1)
        return self

    def _begin(self, rows: Any, coef_init: Data, intercept_init: Data) -> None:
        k = len(self.classes_)
        self._start((1 if k == 2 else k, rows.shape[1]), rows.dtype, coef_init, intercept_init)

    def _descend(self, rows: Any, labels: NDArray[Any], sample_weight: Data, max_iter: int) -> None:
        """Learn one vector of two classes, or one for each; draws are scikit-learn's, in its order."""
        factors = compute_class_weight(self.class_weight, classes=self.classes_, y=labels)
        codes = np.searchsorted(self.classes_, labels).astype(np.float64)
        weights = self._check_weights(sample_weight, rows)
        random = check_random_state(self.random_state)
        if len(self.classes_) == 2:
            random.randint(1, MAX_SEED)  # scikit-learn's data set draws one that it does not use
            held_out = self._held_out(StratifiedShuffleSplit, codes, weights)
            seeds, positive = [int(random.randint(MAX_SEED))], [1]
            both = [(float(factors[1]), float(factors[0]))]
        else:
            held_out = self._held_out(StratifiedShuffleSplit, codes, weights)
            own = [check_random_state(seed) for seed in random.randint(MAX_SEED, size=len(self.classes_))]
            seeds, positive = [], list(range(len(self.classes_)))
            for draws in own:
                draws.randint(1, MAX_SEED)
                seeds.append(int(draws.randint(MAX_SEED)))
            both = [(float(factor), 1.0) for factor in factors]
        self._learn(
            rows,
            codes,
            weights,
            held_out,
            classes=[float(i) for i in positive],
            class_weights=both,
            seeds=seeds,
            max_iter=max_iter,
        )

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Data) -> Floats:
        """Return the probability of each class, for loss='log_loss' and 'modified_huber'.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            By the order of `classes_`; of several classes each against the others, scaled to add up to 1
            (Zadrozny and Elkan 2002). 'modified_huber' gives (clip(score, -1, 1) + 1) / 2 (Zhang 2004).
        """
        scores: Any = self.decision_function(X)
        if self.loss == "log_loss":
            small = np.exp(-np.abs(scores))
            own: Any = np.where(scores >= 0, 1, small) / (1 + small)
        else:
            own = (np.clip(scores, -1, 1) + 1) / 2
        if own.ndim == 1:
            return np.column_stack([1 - own, own])
        total = own.sum(axis=1, keepdims=True)
        share: Any = np.where(total > 0, own / np.where(total > 0, total, 1), 1 / own.shape[1])
        shares: Floats = share.astype(scores.dtype, copy=False)
        return shares

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Data) -> Floats:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Minus infinity where 'modified_huber' gives 0.
        """
        with np.errstate(divide="ignore"):
            logarithms: Floats = np.log(self.predict_proba(X))
        return logarithms
