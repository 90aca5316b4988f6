"""The benches of this room."""

from benches import command
from benches.inspection import bench_summarize

command.main(bench_summarize.BENCHES)
