"""The benches of this room, without seeding, whose peers take minutes; a complete run writes the tables.

They are ../RESULTS.md and the one in the README.
"""

from benches import command
from benches.cluster import (
    bench_algorithm,
    bench_assign,
    bench_bisecting,
    bench_fit,
    bench_fuzzy,
    bench_kinds,
    bench_kmedoids,
    bench_minibatch,
    bench_predict_overhead,
    bench_sparse,
)

command.main(
    (
        *bench_assign.BENCHES,
        *bench_fit.BENCHES,
        *bench_algorithm.BENCHES,
        *bench_predict_overhead.BENCHES,
        *bench_sparse.BENCHES,
        *bench_kmedoids.BENCHES,
        *bench_fuzzy.BENCHES,
        *bench_minibatch.BENCHES,
        *bench_kinds.BENCHES,
        *bench_bisecting.BENCHES,
    ),
    write=True,
)
