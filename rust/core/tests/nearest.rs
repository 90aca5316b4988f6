//! The kernel against the definition of a label, on every instruction set of this CPU and on data made to mislead it.

use fulcra_core::kernels::bounds::Known;
use fulcra_core::kernels::codebook::Codebook;
use fulcra_core::kernels::nearest::assign;
use fulcra_core::kernels::nearest_few::assign_few;
use fulcra_core::kernels::sides::Projections;
use fulcra_core::kernels::simd::Level;
use fulcra_core::run::Unattended;
use fulcra_core::{Csr, Dense, Error, Float, Rows, Run};
use proptest::prelude::*;

/// The definition, as plainly as it can be written.
fn labels_by_definition<F: Float>(x: &[F], centers: &[f64], d: usize) -> Vec<i32> {
    x.chunks_exact(d)
        .map(|row| {
            let mut best = (0, f64::INFINITY);
            for (j, center) in centers.chunks_exact(d).enumerate() {
                let mut distance = 0.0;
                for f in 0..d {
                    let difference = row[f].to_f64() - center[f];
                    distance += difference * difference;
                }
                if distance < best.1 {
                    best = (j as i32, distance);
                }
            }
            best.0
        })
        .collect()
}

/// Uniform in [-1, 1), from a small linear congruential generator.
fn uniform(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect()
}

const KINDS: [&str; 12] = [
    "plain",
    "offset",
    "blobs",
    "duplicates",
    "integers",
    "subnormal",
    "huge",
    "huge column",
    "far centre",
    "equal centres",
    "small",
    "midpoints",
];

fn make(kind: &str, n: usize, d: usize, seed: u64) -> Vec<f64> {
    let mut x = uniform(n * d, seed);
    if kind == "midpoints" {
        // Between two of the first rows, which are centres, a little nearer to one of them.
        for i in 30..n {
            let [a, b] = [i % 5, 5 + i % 7];
            let nearer = 0.5 + 10_f64.powi(-(i as i32 % 8)) * (i as f64).cos() / 4.0;
            for f in 0..d {
                x[i * d + f] = nearer * x[a * d + f] + (1.0 - nearer) * x[b * d + f];
            }
        }
    }
    for (i, row) in x.chunks_exact_mut(d).enumerate() {
        match kind {
            "offset" => row.iter_mut().for_each(|x| *x = 50.0 * *x + 1e6),
            "blobs" => row.iter_mut().for_each(|x| *x += if i % 2 == 0 { 1000.0 } else { -1000.0 }),
            "duplicates" => row.fill((i % 3) as f64),
            "integers" => row.iter_mut().for_each(|x| *x = (*x * 4.0).round()),
            "subnormal" => row.iter_mut().for_each(|x| *x *= 1e-41),
            "huge" => row.iter_mut().for_each(|x| *x *= 1e30),
            "huge column" => row[d - 1] *= 1e9,
            "far centre" if i == 1 => row.fill(1e12),
            "small" => row.iter_mut().for_each(|x| *x *= 1e-22),
            _ => {}
        }
    }
    x
}

fn check<F: Float>(kind: &str, n: usize, d: usize, k: usize, seed: u64) {
    let x: Vec<F> = make(kind, n, d, seed).iter().map(|&x| F::from_f64(x)).collect();
    // Half of the centres are rows, so that distances of zero and ties occur.
    let mut centers: Vec<f64> = x.iter().take(k * d).map(|x| x.to_f64()).collect();
    centers.resize(k * d, 0.0);
    for (c, noise) in centers.iter_mut().zip(uniform(k * d, seed + 1)).skip(k / 2 * d) {
        *c += *c * noise * 1e-3;
    }
    if kind == "equal centres" && k > 1 {
        centers.copy_within(0..d, (k - 1) * d);
    }
    let want = labels_by_definition(&x, &centers, d);
    let rows = Rows::Dense(Dense::new(&x, n, d).unwrap());
    for level in Level::available() {
        let mut got = vec![-1; n];
        let codebook = Codebook::around_mean(centers.clone(), k, d, level);
        assign(&rows, &codebook, &mut got, None, &Run::alone()).unwrap();
        let wrong = got.iter().zip(&want).filter(|(got, want)| got != want).count();
        assert_eq!(wrong, 0, "{kind} n={n} d={d} k={k} on {}", level.name());
    }
}

#[test]
fn labels_are_the_definitions_on_every_level() {
    for kind in KINDS {
        for (n, d, k) in
            [(70, 1, 3), (200, 2, 8), (131, 3, 17), (97, 4, 5), (65, 5, 1), (150, 16, 64), (33, 37, 13), (9, 130, 7)]
        {
            check::<f32>(kind, n, d, k, 7);
            check::<f64>(kind, n, d, k, 7);
        }
    }
}

#[test]
fn labels_are_the_definitions_where_long_rows_meet_few_centres() {
    for kind in KINDS {
        for (n, d, k) in [(100, 64, 15), (33, 65, 10), (130, 200, 1), (70, 791, 7), (40, 2003, 4)] {
            check::<f32>(kind, n, d, k, 13);
            check::<f64>(kind, n, d, k, 13);
        }
    }
}

#[test]
fn labels_are_the_definitions_where_rows_are_screened() {
    for kind in KINDS {
        for (n, d, k) in [(1700, 5, 30), (2000, 16, 64), (900, 32, 25), (900, 33, 47), (600, 131, 90), (300, 1100, 24)]
        {
            check::<f32>(kind, n, d, k, 11);
            check::<f64>(kind, n, d, k, 11);
        }
    }
}

#[test]
fn labels_are_the_definitions_where_shortlists_are_made() {
    for kind in KINDS {
        // With sums of 16 bits from 32 features and 384 centres on, with wide ones from 512 centres and 131,072 products.
        for (n, d, k) in [(1700, 32, 384), (400, 45, 391), (300, 131, 1010), (400, 64, 2050), (260, 1100, 512)] {
            check::<f32>(kind, n, d, k, 17);
            check::<f64>(kind, n, d, k, 17);
        }
    }
}

/// Two centres that drift, first far and then ever less, and change places on the way: with what is known from the passes before,
/// labels are still the definition's. Returns the share of the rows that the last passes looked at.
fn check_drifting_pair<F: Float>(kind: &str, n: usize, d: usize, seed: u64) -> f64 {
    const PASSES: usize = 24;
    let x: Vec<F> = make(kind, n, d, seed).iter().map(|&x| F::from_f64(x)).collect();
    let rows = Rows::Dense(Dense::new(&x, n, d).unwrap());
    let mut centers: Vec<f64> = x[..2 * d].iter().map(|x| x.to_f64()).collect();
    let spread = centers[0].abs().max((centers[0] - centers[d]).abs()).min((centers[0] - centers[d]).abs() * 4.0);
    let mut places = Vec::new();
    for pass in 0..PASSES as i32 {
        if kind == "equal centres" && pass % 5 == 0 {
            centers.copy_within(0..d, d);
        }
        if pass == 9 {
            centers.rotate_left(d);
        }
        places.push(centers.clone());
        let noise = uniform(2 * d, seed + pass as u64);
        centers.iter_mut().zip(noise).for_each(|(c, noise)| *c += spread * noise * 0.7_f64.powi(pass));
    }
    let mut shares = Vec::new();
    for (level, threads) in Level::available().into_iter().zip([1, 3].into_iter().cycle()) {
        let run = Run::new(threads, &Unattended);
        let mut codebook = Codebook::around_mean(places[0].clone(), 2, d, level);
        let (mut projections, mut looked_at, mut got) = (Projections::default(), 0, vec![-1; n]);
        for (pass, centers) in places.iter().enumerate() {
            let to_place = |to: &mut [f64]| {
                to.copy_from_slice(centers);
                Ok(vec![1.0; 2])
            };
            codebook.move_by(to_place, &run).unwrap();
            let plane = projections.plane(&codebook);
            let known = plane.as_ref().map(|plane| Known::Sides(projections.sides(n, plane)));
            let effort = assign(&rows, &codebook, &mut got, known, &run).unwrap();
            let want = labels_by_definition(&x, centers, d);
            let wrong = got.iter().zip(&want).filter(|(got, want)| got != want).count();
            assert_eq!(wrong, 0, "{kind} n={n} d={d}, pass {pass} on {}", level.name());
            looked_at += if pass >= PASSES / 2 { effort.distances } else { 0 };
        }
        shares.push(looked_at as f64 / (n * 2 * (PASSES - PASSES / 2)) as f64);
    }
    shares.into_iter().fold(0.0, f64::max)
}

#[test]
fn rows_keep_the_definitions_labels_while_two_centres_drift() {
    for kind in KINDS {
        for (n, d) in [(3, 5), (40, 2), (777, 5), (900, 11), (1600, 16), (300, 67), (90, 300)] {
            check_drifting_pair::<f32>(kind, n, d, 19);
            check_drifting_pair::<f64>(kind, n, d, 19);
        }
    }
}

#[test]
fn few_rows_are_looked_at_once_two_centres_hardly_drift() {
    assert!(check_drifting_pair::<f32>("plain", 20_000, 16, 23) < 0.2);
    assert!(check_drifting_pair::<f64>("offset", 20_000, 16, 23) < 0.2);
}

#[test]
fn a_row_that_is_on_no_side_is_named() {
    for (bad, kind) in [(f64::NAN, "NaN"), (f64::INFINITY, "infinity"), (1e200, "overflow")] {
        let mut x = uniform(900 * 7, 3);
        x[811 * 7 + 2] = bad;
        let rows = Rows::Dense(Dense::new(&x, 900, 7).unwrap());
        for level in Level::available() {
            let codebook = Codebook::around_mean(uniform(2 * 7, 4), 2, 7, level);
            let mut projections = Projections::default();
            let plane = projections.plane(&codebook).unwrap();
            let known = Some(Known::Sides(projections.sides(900, &plane)));
            let result = assign(&rows, &codebook, &mut [0; 900], known, &Run::alone());
            let Err(Error::NonFinite { row, column, kind: got }) = result else { panic!("{bad} passed: {result:?}") };
            assert_eq!((row, column, got.to_string().as_str()), (811, 2, kind));
        }
    }
}

#[test]
fn centres_that_outgrow_a_panel_and_rows_that_outgrow_a_strip() {
    check::<f32>("plain", 1000, 3, 200, 3);
    check::<f32>("plain", 64, 700, 90, 3);
    check::<f64>("offset", 900, 20, 300, 3);
}

/// Rows against centres of either type, without preparation.
fn check_few<F: Float, C: Float>(kind: &str, n: usize, d: usize, k: usize, seed: u64) {
    let x: Vec<F> = make(kind, n, d, seed).into_iter().map(F::from_f64).collect();
    let mut centers: Vec<C> = make(kind, k, d, seed).into_iter().map(C::from_f64).collect();
    for (c, noise) in centers.iter_mut().zip(uniform(k * d, seed + 1)).skip(k / 2 * d) {
        *c = C::from_f64(c.to_f64() * (1.0 + noise * 1e-3));
    }
    if kind == "equal centres" && k > 1 {
        centers.copy_within(0..d, (k - 1) * d);
    }
    let wide: Vec<f64> = centers.iter().map(|c| c.to_f64()).collect();
    let want = labels_by_definition(&x, &wide, d);
    for level in Level::available() {
        let mut got = vec![-1; n];
        assign_few(&Dense::new(&x, n, d).unwrap(), 0..n, &centers, &mut got, level, &Run::alone().pulse()).unwrap();
        assert_eq!(got, want, "{kind} n={n} d={d} k={k} on {}", level.name());
    }
}

#[test]
fn few_rows_get_the_definitions_labels_from_centres_of_either_type() {
    for kind in KINDS {
        for (n, d, k) in
            [(9, 1, 1), (9, 1, 50), (9, 2, 8), (9, 7, 33), (9, 16, 64), (9, 63, 20), (9, 64, 20), (9, 777, 40)]
        {
            check_few::<f32, f32>(kind, n, d, k, 7);
            check_few::<f32, f64>(kind, n, d, k, 7);
            check_few::<f64, f32>(kind, n, d, k, 7);
            check_few::<f64, f64>(kind, n, d, k, 7);
        }
    }
    check_few::<f32, f32>("plain", 2, 20_000, 3, 7);
    check_few::<f64, f64>("plain", 2, 3, 20_000, 7);
}

/// Centres that hold the same values in another order are equally far from the origin but for rounding, which the fast sums
/// do in another order than the definition. Where `square`, their distance, is at the end of a type's range, only some overflow.
fn check_permuted<F: Float>(square: f64, d: usize) {
    let values = uniform(d, 5);
    // Halves first: the sum of the squares may be beyond the largest number.
    let scale = (square / 4.0).sqrt() * 2.0 / values.iter().map(|x| x * x).sum::<f64>().sqrt();
    let centers: Vec<F> =
        (0..d).flat_map(|j| values[j..].iter().chain(&values[..j])).map(|x| F::from_f64(x * scale)).collect();
    let wide: Vec<f64> = centers.iter().map(|c| c.to_f64()).collect();
    let origin = vec![F::default(); d];
    let finite = wide.chunks_exact(d).any(|center| center.iter().fold(0.0, |sum, c| sum + c * c) < f64::INFINITY);
    let want = if finite { labels_by_definition(&origin, &wide, d) } else { vec![-1] };
    for level in Level::available() {
        let mut got = [-1];
        let result =
            assign_few(&Dense::new(&origin, 1, d).unwrap(), 0..1, &centers, &mut got, level, &Run::alone().pulse());
        assert_eq!((result.is_ok(), &got[..]), (finite, &want[..]), "{square:e} d={d} on {}", level.name());
    }
}

#[test]
fn rounding_overflow_and_underflow_of_fast_sums_decide_nothing() {
    for d in [3, 9, 40, 64, 100, 333] {
        for square in [1.0, 1e-42, 1e-38] {
            check_permuted::<f32>(square, d);
        }
        for square in [1.0, 1e-320, 1e-308] {
            check_permuted::<f64>(square, d);
        }
        for step in -8..8 {
            check_permuted::<f32>(f64::from(f32::MAX) * (1.0 + f64::from(step) * 1e-7), d);
            check_permuted::<f64>(f64::MAX * (1.0 - f64::from(step + 8) * 2e-16), d);
        }
    }
}

#[test]
fn few_rows_name_the_first_unusable_cell() {
    let centers = uniform(10 * 70, 2);
    for (bad, kind) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "infinity"), (1e200, "overflow")] {
        let mut x = uniform(3 * 70, 1);
        x[70 + 4] = bad;
        x[2 * 70] = f64::NAN;
        for level in Level::available() {
            let result =
                assign_few(&Dense::new(&x, 3, 70).unwrap(), 0..3, &centers, &mut [0; 3], level, &Run::alone().pulse());
            let Err(Error::NonFinite { row, column, kind: got }) = result else { panic!("{bad} passed: {result:?}") };
            assert_eq!((row, column, got.to_string().as_str()), (1, 4, kind));
        }
    }
    // 1e30 is no overflow: its square is beyond f32 alone.
    let (x, centers) = ([1e30_f32; 70], [[1e30_f32; 70], [0.0; 70]].concat());
    let mut label = [-1];
    assign_few(&Dense::new(&x, 1, 70).unwrap(), 0..1, &centers, &mut label, Level::detect(), &Run::alone().pulse())
        .unwrap();
    assert_eq!(label, [0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_shape_any_data(
        kind in 0..KINDS.len(), n in 1_usize..120, d in 1_usize..40, k in 1_usize..50, seed in 0_u64..1_000_000,
    ) {
        check::<f32>(KINDS[kind], n, d, k, seed);
        check::<f64>(KINDS[kind], n, d, k, seed);
        check_few::<f32, f32>(KINDS[kind], n, d, k, seed);
        check_few::<f32, f64>(KINDS[kind], n, d, k, seed);
    }

    #[test]
    fn two_centres_that_drift(kind in 0..KINDS.len(), n in 2_usize..300, d in 1_usize..40, seed in 0_u64..1_000_000) {
        check_drifting_pair::<f32>(KINDS[kind], n, d, seed);
        check_drifting_pair::<f64>(KINDS[kind], n, d, seed);
    }

    #[test]
    fn a_few_long_rows(kind in 0..KINDS.len(), d in 60_usize..300, k in 1_usize..80, seed in 0_u64..1_000_000) {
        check_few::<f32, f32>(KINDS[kind], 3, d, k, seed);
        check_few::<f64, f32>(KINDS[kind], 3, d, k, seed);
    }

    #[test]
    fn any_shape_that_is_screened(
        kind in 0..KINDS.len(), n in 256_usize..500, d in 5_usize..70, k in 24_usize..60, seed in 0_u64..1_000_000,
    ) {
        check::<f32>(KINDS[kind], n, d, k, seed);
        check::<f64>(KINDS[kind], n, d, k, seed);
    }

    #[test]
    fn any_shape_with_shortlists(
        kind in 0..KINDS.len(), n in 256_usize..400, d in 32_usize..90, k in 384_usize..410, seed in 0_u64..1_000_000,
    ) {
        check::<f32>(KINDS[kind], n, d, k, seed);
        check::<f64>(KINDS[kind], n, d, k, seed);
    }

    #[test]
    fn any_shape_with_shortlists_by_wide_sums(
        kind in 0..KINDS.len(), n in 256_usize..400, d in 250_usize..300, k in 530_usize..550, seed in 0_u64..1_000_000,
    ) {
        check::<f32>(KINDS[kind], n, d, k, seed);
        check::<f64>(KINDS[kind], n, d, k, seed);
    }

    #[test]
    fn sparse_rows_get_the_labels_of_dense_ones(
        kind in 0..KINDS.len(), n in 30_usize..80, d in 1_usize..60, k in 1_usize..30, seed in 0_u64..1_000_000,
    ) {
        check_sparse::<f32>(KINDS[kind], n, d, k, seed);
        check_sparse::<f64>(KINDS[kind], n, d, k, seed);
    }

    #[test]
    fn sparse_rows_get_the_labels_of_dense_ones_among_many(
        kind in 0..KINDS.len(), d in 1_usize..20, k in 60_usize..300, seed in 0_u64..1_000_000,
    ) {
        check_sparse::<f32>(KINDS[kind], k, d, k, seed);
        check_sparse::<f64>(KINDS[kind], k, d, k, seed);
    }
}

/// One cell in three is stored; then a third of the centres moves.
fn check_sparse<F: Float>(kind: &str, n: usize, d: usize, k: usize, seed: u64) {
    let mut cells: Vec<F> = make(kind, n, d, seed).iter().map(|&x| F::from_f64(x)).collect();
    cells.iter_mut().zip(uniform(n * d, seed + 1)).filter(|(_, keep)| *keep < 0.3).for_each(|(x, _)| *x = F::default());
    let (mut values, mut columns, mut starts) = (Vec::new(), Vec::new(), vec![0]);
    for row in cells.chunks_exact(d) {
        for (f, &x) in row.iter().enumerate().filter(|(_, x)| **x != F::default()) {
            values.push(x);
            columns.push(f as i32);
        }
        starts.push(values.len() as i64);
    }
    let rows = Rows::Csr(Csr::new(&values, &columns, &starts, d).unwrap());
    let mut centers: Vec<f64> = cells.iter().map(|x| x.to_f64()).cycle().take(k * d).collect();
    centers.iter_mut().zip(uniform(k * d, seed + 2)).skip(k / 2 * d).for_each(|(c, noise)| *c += *c * noise * 1e-3);
    if kind == "equal centres" && k > 1 {
        centers.copy_within(0..d, (k - 1) * d);
    }
    let mut further = centers.clone();
    further.chunks_mut(d).step_by(3).for_each(|center| center.iter_mut().for_each(|c| *c *= 0.9));
    let move_all = |to: &mut [f64]| {
        to.copy_from_slice(&further);
        Ok(further.chunks(d).zip(centers.chunks(d)).map(|(to, from)| f64::from(u8::from(to != from))).collect())
    };
    for level in Level::available() {
        let mut codebook = Codebook::around_mean(centers.clone(), k, d, level);
        for centers in [&centers, &further] {
            let mut got = vec![-1; n];
            assign(&rows, &codebook, &mut got, None, &Run::alone()).unwrap();
            assert_eq!(got, labels_by_definition(&cells, centers, d), "{kind} n={n} d={d} k={k} on {}", level.name());
            codebook.move_by(move_all, &Run::alone()).unwrap();
        }
    }
}

fn check_moved<F: Float>(kind: &str, n: usize, d: usize, k: usize) {
    let x: Vec<F> = make(kind, n, d, 1).iter().map(|&x| F::from_f64(x)).collect();
    let rows = Rows::Dense(Dense::new(&x, n, d).unwrap());
    let start: Vec<f64> = x[..k * d].iter().map(|x| x.to_f64()).collect();
    for level in Level::available() {
        let mut centers = start.clone();
        let mut codebook = Codebook::around_mean(centers.clone(), k, d, level);
        let mut got = vec![-1; n];
        assign(&rows, &codebook, &mut got, None, &Run::alone()).unwrap();
        // A third moves a little, onto others, far beyond all; then one comes back, then all move.
        for (step, (every, scale)) in
            [(3, 0.9), (4, 0.0), (k - 1, 1e3), (k - 1, 1e-3), (1, 1.1)].into_iter().enumerate()
        {
            let before = centers.clone();
            for j in (0..k).step_by(every) {
                let onto = if scale == 0.0 { (j + 1) % k } else { j };
                for f in 0..d {
                    centers[j * d + f] = before[onto * d + f] * if scale == 0.0 { 1.0 } else { scale };
                }
            }
            let move_all = |to: &mut [f64]| {
                to.copy_from_slice(&centers);
                let moved = centers.chunks(d).zip(before.chunks(d));
                Ok(moved.map(|(to, from)| f64::from(u8::from(to != from))).collect())
            };
            codebook.move_by(move_all, &Run::alone()).unwrap();
            assert_eq!(codebook.centers(), centers);
            assign(&rows, &codebook, &mut got, None, &Run::alone()).unwrap();
            let want = labels_by_definition(&x, &centers, d);
            let wrong = got.iter().zip(&want).filter(|(got, want)| got != want).count();
            assert_eq!(wrong, 0, "{kind} n={n} d={d} k={k} step {step} on {}", level.name());
        }
    }
}

#[test]
fn moved_centres_are_where_new_ones_would_be() {
    for kind in ["plain", "offset", "integers", "midpoints", "huge"] {
        for (d, k) in [(3, 7), (16, 40), (33, 25), (90, 9), (100, 50), (40, 400)] {
            check_moved::<f32>(kind, 600, d, k);
            check_moved::<f64>(kind, 600, d, k);
        }
    }
}

#[test]
fn the_first_unusable_cell_is_named() {
    for level in Level::available() {
        for (bad, kind) in
            [(f64::NAN, "NaN"), (f64::INFINITY, "infinity"), (f64::NEG_INFINITY, "infinity"), (1e200, "overflow")]
        {
            let mut x = uniform(5000 * 6, 1);
            x[3210 * 6 + 4] = bad;
            x[4000 * 6] = f64::NAN;
            let rows = Rows::Dense(Dense::new(&x, 5000, 6).unwrap());
            let codebook = Codebook::around_mean(uniform(10 * 6, 2), 10, 6, level);
            let result = assign(&rows, &codebook, &mut vec![0; 5000], None, &Run::new(3, &Unattended));
            let Err(Error::NonFinite { row, column, kind: got }) = result else { panic!("{bad} passed: {result:?}") };
            assert_eq!((row, column, got.to_string().as_str()), (3210, 4, kind));
        }
    }
}

#[test]
fn malformed_csr_is_refused() {
    let values = [1.0, 2.0];
    for (columns, starts) in [
        (vec![0, 5], vec![0, 2]),
        (vec![-1, 1], vec![0, 2]),
        (vec![1, 0], vec![0, 2]),
        (vec![1, 1], vec![0, 2]),
        (vec![0, 1], vec![0, 3]),
        (vec![0, 1], vec![0, 2, 1]),
        (vec![0, 1], vec![1, 2]),
        (vec![0, 1], vec![]),
        (vec![0], vec![0, 1]),
    ] {
        assert!(Csr::new(&values, &columns, &starts, 3).is_err(), "{columns:?} {starts:?}");
    }
}
