"""Weight vectors: a number as the weighted sum of others."""

from fulcra.linear_model._linear_regression import LinearRegression
from fulcra.linear_model._poisson import PoissonRegressor
from fulcra.linear_model._ridge import Ridge
from fulcra.linear_model._ridge_cv import RidgeCV

__all__ = ["LinearRegression", "PoissonRegressor", "Ridge"]
__all__ = ["LinearRegression", "Ridge", "RidgeCV"]
