"""The benches of this room."""

from benches import command
from benches.metrics import bench_scores, bench_silhouette

command.main((*bench_silhouette.BENCHES, *bench_scores.BENCHES))
