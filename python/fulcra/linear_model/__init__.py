"""Weight vectors: a number as the weighted sum of others."""

from fulcra.linear_model._elastic_net import ElasticNet, Lasso
from fulcra.linear_model._elastic_net_cv import ElasticNetCV, LassoCV
from fulcra.linear_model._linear_regression import LinearRegression
from fulcra.linear_model._paths import enet_path, lasso_path
from fulcra.linear_model._poisson import PoissonRegressor
from fulcra.linear_model._ridge import Ridge
from fulcra.linear_model._ridge_cv import RidgeCV

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "PoissonRegressor",
    "Ridge",
    "RidgeCV",
    "enet_path",
    "lasso_path",
]
