"""The benches of this room."""

from benches import command
from benches.linear_model import bench_least_squares, bench_logistic_l1, bench_poisson

command.main((*bench_least_squares.BENCHES, *bench_logistic_l1.BENCHES, *bench_poisson.BENCHES))
from benches.linear_model import bench_least_squares, bench_ridge_cv

command.main((*bench_least_squares.BENCHES, *bench_ridge_cv.BENCHES))
from benches.linear_model import bench_lasso, bench_least_squares

command.main((*bench_least_squares.BENCHES, *bench_lasso.BENCHES))
