"""GradientDescentClassifier: logistic regression by gradient descent."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from fulcra._base import Data, Floats, check_weights, estimator_fit, raise_non_finite
from fulcra.linear_model._gradient_descent import GradientDescent, Told
from fulcra.linear_model._linear_scores import LabelledScores, linear_scores


class GradientDescentClassifier(GradientDescent, LabelledScores, BaseEstimator):  # type: ignore[misc]
    """Logistic regression, binary or softmax, by gradient descent, to watch how weights are learned.

    Parameters
    ----------
    learning_rate : float, default=0.1
        How far a step goes along the gradient, at first.
    schedule : {'constant', 'invscaling', 'exponential', 'cosine', 'step'}, default='constant'
        How the rate falls with the iteration t = 0, 1, ...: not; by (t + 1)^-power_t; by
        decay^(t / decay_every); by (1 + cos(pi t / max_iter)) / 2; by decay^floor(t / decay_every).
    power_t : float, default=0.5
        Exponent of 'invscaling'.
    decay : float, default=0.5
        Factor of 'exponential' and 'step'.
    decay_every : int, default=100
        In so many iterations.
    solver : {'sgd', 'adam'}, default='sgd'
        Steps along the gradient, or of Adam.
    momentum : float, default=0.0
        How much of the last step 'sgd' takes along.
    nesterovs_momentum : bool, default=False
        Whether the momentum is Nesterov's.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Of 'adam'.
    batch_size : int or None, default=None
        Rows of a step; None takes all. An iteration is a pass over all rows, in an order of its own.
    alpha : float, default=0.0
        Strength of the penalty alpha ||w||^2 / 2; the intercept carries none.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    init : {'zeros', 'normal', 'xavier_uniform', 'he_normal'} or array-like, default='zeros'
        Where to start: a name of `starting_weights` (the intercept starts at 0), or weights, the intercept's
        last, of shape (n_features + 1,) or a row for each.
    max_iter : int, default=1000
        The most iterations.
    tol : float, default=1e-6
        The gradient norm that ends the descent, relative to that at weights of zero.
    n_iter_no_change : int, default=10
        So many iterations in a row that do not lower the loss end it; ten times as many where steps may rise
        (momentum, Adam, batches).
    random_state : int, RandomState instance or None, default=None
        Of the start and the batches.
    warm_start : bool, default=False
        Whether `fit` begins with the weights that there are.
    verbose : int, default=0
        Above 0: a line for each iteration.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The weights, in the dtype of X.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        What is added to the weighted sums.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; of two the second is the positive one.
    history_ : dict of str to ndarray
        Before each iteration and at the end: 'loss' with its penalty, 'gradient_norm' and 'learning_rate' of
        shape (n_iter + 1,). 'weights' of shape (n_kept, n_features + 1), or with several
        classes (n_kept, n_classes, n_features + 1), the intercept last, are those of the
        iterations in 'iteration' (n_kept,), 0 the start: all, up to a million numbers; beyond every 2nd,
        4th, ... and the last.
    n_iter_ : int
        Iterations.
    stop_reason_ : str
        Why the descent ended, in a sentence.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        The names of the columns, where X had names that are all strings.

    See Also
    --------
    fulcra.linear_model.SGDClassifier : A step for each row, for large data.
    fulcra.inspection.ConvergenceDisplay : A picture of the descent.

    Notes
    -----
    The loss is -log of the probability of the row's class,
    by weighted mean over the rows. Columns are not scaled: the descent is seen on the data as they are.
    A rate above 2 / L, L the steepest curvature, diverges: the warning
    names a rate that would not, and the steepest column.

    References
    ----------
    Cauchy (1847), "Methode generale pour la resolution des systemes d'equations simultanees".
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum", ICML.
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR.

    Examples
    --------
    >>> from fulcra.linear_model import GradientDescentClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["ham", "spam", "ham", "spam"]
    >>> model = GradientDescentClassifier(learning_rate=0.5).fit(X, y)
    >>> model.predict([[0.5], [2.5]]).tolist()
    ['ham', 'spam']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = GradientDescent._parameter_constraints

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        schedule: str = "constant",
        power_t: float = 0.5,
        decay: float = 0.5,
        decay_every: int = 100,
        solver: str = "sgd",
        momentum: float = 0.0,
        nesterovs_momentum: bool = False,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        batch_size: int | None = None,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        init: Any = "zeros",
        max_iter: int = 1000,
        tol: float = 1e-6,
        n_iter_no_change: int = 10,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.power_t = power_t
        self.decay = decay
        self.decay_every = decay_every
        self.solver = solver
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.batch_size = batch_size
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    @estimator_fit
    def fit(self, X: Data, y: Data, sample_weight: Data = None) -> Self:
        """Learn the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The rows; columns of one scale are learned soonest.
        y : array-like of shape (n_samples,)
            The labels, of two classes at least.
        sample_weight : array-like of shape (n_samples,) or float, default=None
            Weight of each row; 2 is the same as the row twice, where all rows are a step.

        Returns
        -------
        self
            The fitted estimator. If anything goes wrong, or is interrupted, it is as it was before.

        Raises
        ------
        ValueError
            If a parameter or the weights are unusable, or X or y are not finite: the message names the first
            such row and column.

        Warns
        -----
        ConvergenceWarning
            If the descent diverged, or came to no end within `max_iter` iterations: the message says why.
        """
        rows, labels = self._rows_and_labels(X, y, reset=True)
        raise_non_finite(self, rows)
        weights = check_weights(sample_weight, rows)
        classes, codes = np.unique(labels, return_inverse=True)
        self.classes_ = classes
        k = len(self.classes_)
        if k < 2:
            raise ValueError(f"The number of classes has to be greater than one; got {k} class")
        targets = codes.reshape(-1, 1).astype(np.float64)
        told = Told(self, rows, y, weights)
        W = self._descend(rows, targets, weights, 1 if k == 2 else k, told, log_loss=True)
        W = W.astype(rows.dtype)
        self.coef_, self.intercept_ = np.ascontiguousarray(W[:, :-1]), W[:, -1].copy()
        told.finished()
        return self

    def predict_proba(self, X: Data) -> Floats:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            By the order of `classes_`.
        """
        scores: Any = linear_scores(self, X)
        if scores.shape[1] == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities: Floats = shares / shares.sum(axis=1, keepdims=True)
        return probabilities

    def predict_log_proba(self, X: Data) -> Floats:
        """Return the logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            By the order of `classes_`.
        """
        with np.errstate(divide="ignore"):
            logarithms: Floats = np.log(self.predict_proba(X))
        return logarithms

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
