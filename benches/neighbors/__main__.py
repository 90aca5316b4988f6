"""The benches of this room."""

from benches import command
from benches.neighbors import bench_nearest_centroid

command.main(bench_nearest_centroid.BENCHES)
