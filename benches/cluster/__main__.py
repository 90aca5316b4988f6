"""All benches of this room; a complete run writes ../RESULTS.md and the table in the README."""

from benches import command
from benches.cluster import bench_assign, bench_fit, bench_predict_overhead, bench_seeding, bench_sparse

command.main(
    (
        *bench_assign.BENCHES,
        *bench_fit.BENCHES,
        *bench_seeding.BENCHES,
        *bench_predict_overhead.BENCHES,
        *bench_sparse.BENCHES,
    ),
    write=True,
)
