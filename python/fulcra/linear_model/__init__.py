"""Weight vectors: a number as the weighted sum of others."""

from fulcra._starting_weights import starting_weights
from fulcra.linear_model._arithmetic import WeightedSum, gradient_step, magnitude, weighted_sum
from fulcra.linear_model._elastic_net import ElasticNet, Lasso
from fulcra.linear_model._elastic_net_cv import ElasticNetCV, LassoCV
from fulcra.linear_model._gradient_descent_classifier import GradientDescentClassifier
from fulcra.linear_model._gradient_descent_regressor import GradientDescentRegressor
from fulcra.linear_model._linear_regression import LinearRegression
from fulcra.linear_model._logistic import LogisticRegression
from fulcra.linear_model._paths import enet_path, lasso_path
from fulcra.linear_model._poisson import PoissonRegressor
from fulcra.linear_model._ridge import Ridge
from fulcra.linear_model._ridge_cv import RidgeCV
from fulcra.linear_model._sgd_classifier import SGDClassifier
from fulcra.linear_model._sgd_regressor import SGDRegressor

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GradientDescentClassifier",
    "GradientDescentRegressor",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "LogisticRegression",
    "PoissonRegressor",
    "Ridge",
    "RidgeCV",
    "SGDClassifier",
    "SGDRegressor",
    "WeightedSum",
    "enet_path",
    "gradient_step",
    "lasso_path",
    "magnitude",
    "starting_weights",
    "weighted_sum",
]
