"""The benches of this room."""

from benches import command
from benches.linear_model import bench_least_squares

command.main(bench_least_squares.BENCHES)
