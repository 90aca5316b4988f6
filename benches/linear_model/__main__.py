"""The benches of this room."""

from benches import command
from benches.linear_model import (
    bench_lasso,
    bench_least_squares,
    bench_logistic_l1,
    bench_poisson,
    bench_ridge_cv,
    bench_sgd,
)

MODULES = (bench_least_squares, bench_ridge_cv, bench_lasso, bench_logistic_l1, bench_poisson, bench_sgd)
command.main(tuple(bench for module in MODULES for bench in module.BENCHES))
