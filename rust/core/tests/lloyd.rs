//! Whole fits: by hand, against a plain loop, and over threads.

use fulcra_core::cluster::lloyd::{Fit, Rules, Start, Stop, fit};
use fulcra_core::run::Unattended;
use fulcra_core::{Dense, Float, Rows, Run};

fn rules(k: usize) -> Rules {
    Rules {
        k,
        max_iter: 300,
        tol: 0.0,
        shift_tol: None,
        inertia_tol: None,
        every_distance: false,
        breathing: false,
        on_sphere: false,
    }
}

fn fit_dense(x: &[f64], d: usize, weights: Option<&[f64]>, start: Start, rules: &Rules, threads: usize) -> Fit {
    let rows = Rows::Dense(Dense::new(x, x.len() / d, d).unwrap());
    fit(&rows, weights, &[start], rules, None, &Run::new(threads, &Unattended)).unwrap()
}

fn blobs(n: usize, d: usize) -> Vec<f64> {
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..n * d).map(|i| ((i / d) % 7) as f64 + 1.5 * next()).collect()
}

#[test]
fn four_points_on_paper() {
    let x = [0.0, 0.0, 0.0, 2.0, 10.0, 0.0, 10.0, 2.0];
    let fit = fit_dense(&x, 2, None, Start::Centers(vec![0.0, 0.0, 10.0, 0.0]), &rules(2), 1);
    assert_eq!(fit.centers, [0.0, 1.0, 10.0, 1.0]);
    assert_eq!(fit.labels, [0, 0, 1, 1]);
    assert_eq!(fit.inertia, 4.0);
    assert_eq!(fit.stop, Stop::Unchanged);
    assert_eq!(fit.history[0].inertia, 8.0);
}

#[test]
fn weights_move_the_centre() {
    let x = [0.0, 3.0];
    let fit = fit_dense(&x, 1, Some(&[2.0, 1.0]), Start::Centers(vec![0.5]), &rules(1), 1);
    assert_eq!(fit.centers, [1.0]);
    assert_eq!(fit.inertia, 2.0 + 4.0);
}

#[test]
fn inertia_never_rises_and_history_tells_it() {
    let x = blobs(3000, 4);
    let fit = fit_dense(&x, 4, None, Start::PlusPlus(3), &rules(12), 2);
    let inertias: Vec<f64> = fit.history.iter().map(|iteration| iteration.inertia).collect();
    assert!(inertias.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)), "{inertias:?}");
    assert!((inertias.last().unwrap() / fit.inertia - 1.0).abs() < 1e-12);
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    for (n, d, k) in [(150, 4, 3), (5000, 3, 20), (20_000, 16, 64), (4000, 100, 90)] {
        let x = blobs(n, d);
        for start in [Start::PlusPlus(1), Start::RandomPartition(1)] {
            let alone = fit_dense(&x, d, None, start.clone(), &Rules { max_iter: 12, ..rules(k) }, 1);
            for threads in [2, 3, 8] {
                let together = fit_dense(&x, d, None, start.clone(), &Rules { max_iter: 12, ..rules(k) }, threads);
                assert_eq!(alone.centers, together.centers, "{n} x {d}, k {k}, {threads} threads");
                assert_eq!(alone.labels, together.labels);
                assert_eq!(alone.inertia.to_bits(), together.inertia.to_bits());
            }
        }
    }
}

#[test]
fn restarts_side_by_side_are_those_one_by_one() {
    let x = blobs(700, 3);
    let starts: Vec<Start> = (0..7).map(Start::PlusPlus).chain([Start::RandomPartition(7)]).collect();
    let best = |starts: &[Start], threads| {
        let rows = Rows::Dense(Dense::new(&x, 700, 3).unwrap());
        fit(&rows, None, starts, &rules(9), None, &Run::new(threads, &Unattended)).unwrap()
    };
    let each: Vec<Fit> = starts.iter().map(|start| best(std::slice::from_ref(start), 1)).collect();
    let lowest = each.iter().map(|fit| fit.inertia).fold(f64::INFINITY, f64::min);
    assert!(each.iter().any(|fit| fit.inertia > lowest), "one optimum proves nothing");
    let alone = best(&starts, 1);
    assert!(alone.inertia <= lowest * (1.0 + 1e-12));
    for threads in [2, 3, 8] {
        assert_eq!(bits(&best(&starts, threads)), bits(&alone), "{threads} threads");
    }
}

#[test]
fn an_empty_cluster_takes_the_farthest_row_with_its_copies() {
    // The third centre gets nothing; 9 stands twice and is farthest.
    let x = [0.0, 1.0, 2.0, 9.0, 9.0];
    let start = Start::Centers(vec![0.0, 2.0, 1000.0]);
    let fit = fit_dense(&x, 1, None, start, &rules(3), 1);
    assert_eq!(fit.labels[3], 2);
    assert_eq!(fit.labels[4], 2);
    assert_eq!(fit.centers[2], 9.0);
}

#[test]
fn fewer_distinct_rows_than_clusters() {
    let x = [1.0, 1.0, 2.0, 2.0, 2.0];
    let fit = fit_dense(&x, 1, None, Start::PlusPlus(0), &rules(4), 1);
    assert_eq!(fit.inertia, 0.0);
    assert_eq!(fit.n_found(4), 2);
}

#[test]
fn each_stopping_rule_stops() {
    let x = blobs(2000, 2);
    let loose = Rules {
        k: 30,
        max_iter: 100,
        tol: 0.0,
        shift_tol: None,
        inertia_tol: None,
        every_distance: false,
        breathing: false,
        on_sphere: false,
    };
    let stop = |rules: &Rules| fit_dense(&x, 2, None, Start::RandomPartition(5), rules, 1).stop;
    assert_eq!(stop(&loose), Stop::Unchanged);
    assert_eq!(stop(&Rules { max_iter: 2, ..loose }), Stop::MaxIter);
    assert_eq!(stop(&Rules { tol: 1e-2, ..loose }), Stop::Tol);
    assert_eq!(stop(&Rules { shift_tol: Some(0.5), ..loose }), Stop::ShiftTol);
    assert_eq!(stop(&Rules { inertia_tol: Some(0.05), ..loose }), Stop::InertiaTol);
}

/// The bits of a fit.
fn bits(fit: &Fit) -> (Vec<u64>, &[i32], u64, Vec<[u64; 3]>) {
    let of = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let history = fit.history.iter().map(|i| [i.inertia.to_bits(), i.shift.to_bits(), i.moved as u64]).collect();
    (of(&fit.centers), &fit.labels, fit.inertia.to_bits(), history)
}

/// Fits with every distance and without those that cannot matter; returns the lowest share that was computed.
fn skipping_changes_nothing<F: Float>(x: &[F], d: usize, k: usize, weights: Option<&[f64]>, threads: usize) -> f64 {
    let rows = Rows::Dense(Dense::new(x, x.len() / d, d).unwrap());
    let start = || [Start::Centers(x[..k * d].iter().map(|x| x.to_f64()).collect())];
    let run = Run::new(threads, &Unattended);
    let brief = Rules { max_iter: 60, ..rules(k) };
    let all = fit(&rows, weights, &start(), &Rules { every_distance: true, ..brief }, None, &run).unwrap();
    let few = fit(&rows, weights, &start(), &brief, None, &run).unwrap();
    assert_eq!(bits(&all), bits(&few), "{} x {d}, k {k}", rows.n());
    assert!(all.history.iter().all(|iteration| iteration.evaluated == 1.0));
    few.history.iter().map(|iteration| iteration.evaluated).fold(1.0, f64::min)
}

#[test]
fn distances_that_cannot_matter_change_no_bit() {
    for (n, d, k) in [
        (9000, 2, 300),
        (20_000, 3, 256),
        (9000, 16, 64),
        (4000, 100, 180),
        (1540, 20, 250),
        (4000, 140, 20),
        (3000, 40, 400),
    ] {
        let x = blobs(n, d);
        let narrow: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let weights: Vec<f64> = (0..n).map(|i| (i % 4) as f64).collect();
        for threads in [1, 2] {
            let lowest = skipping_changes_nothing(&x, d, k, None, threads);
            assert!(lowest < 0.5, "{n} x {d}, k {k}: {lowest} of the distances at least");
            assert!(skipping_changes_nothing(&narrow, d, k, None, threads) < 0.5);
            skipping_changes_nothing(&narrow, d, k, Some(&weights), threads);
        }
    }
}

#[test]
fn skipping_holds_where_rounding_is_worst() {
    let near = blobs(6000, 3);
    let apart = |by: f64| -> Vec<f64> {
        near.iter().enumerate().map(|(i, x)| x + if i / 3 % 2 == 0 { by } else { -by }).collect()
    };
    let (far, farther) = (apart(3e5), apart(1e6));
    let whole: Vec<f64> = near.iter().map(|x| (4.0 * x).round()).collect(); // many rows and centres the same
    let tiny: Vec<f64> = near.iter().map(|x| x * 1e-160).collect();
    let huge: Vec<f64> = near.iter().map(|x| x * 1e120).collect();
    let wide: Vec<f64> = near.iter().enumerate().map(|(i, x)| if i % 3 == 1 { x * 1e7 } else { *x }).collect();
    for (name, x) in
        [("far", far), ("farther", farther), ("whole", whole), ("tiny", tiny), ("huge", huge), ("wide", wide)]
    {
        let lowest = skipping_changes_nothing(&x, 3, 300, None, 1);
        // Beyond the range of f32 nothing is known; and of rows farther apart so little that it may not pay with long vectors.
        assert!(
            lowest < 0.9 || matches!(name, "farther" | "tiny" | "huge"),
            "{name}: {lowest} of the distances at least"
        );
        let narrow: Vec<f32> = x.iter().map(|&x| x as f32).filter(|x| x.is_finite()).collect();
        if narrow.len() == x.len() {
            skipping_changes_nothing(&narrow, 3, 300, None, 1);
        }
    }
}

/// A grid of 5 x 5 clumps: one start in which two clumps share a centre never recovers.
fn clumps() -> Vec<f64> {
    blobs(2500, 2)
        .chunks_exact(2)
        .enumerate()
        .flat_map(|(i, x)| [x[0] * 0.05 + (i % 5) as f64, x[1] * 0.05 + (i / 5 % 5) as f64])
        .collect()
}

#[test]
fn breathing_finds_the_clumps_that_a_start_missed() {
    let x = clumps();
    // All centres start in one corner.
    let start = || Start::Centers(x.iter().step_by(3).take(50).map(|x| x * 0.1).collect());
    let lloyd = fit_dense(&x, 2, None, start(), &rules(25), 1);
    let breathed = fit_dense(&x, 2, None, start(), &Rules { breathing: true, ..rules(25) }, 1);
    let truth: Vec<f64> = (0..25).flat_map(|i| [(i % 5) as f64, (i / 5) as f64]).collect();
    let best = fit_dense(&x, 2, None, Start::Centers(truth), &rules(25), 1);
    assert!(lloyd.inertia > 2.0 * best.inertia, "the start is too good to test anything: {}", lloyd.inertia);
    assert!((breathed.inertia / best.inertia - 1.0).abs() < 1e-9, "{} {}", breathed.inertia, best.inertia);
    assert_eq!(breathed.history.len(), breathed.n_iter);
    assert!(breathed.n_iter > lloyd.n_iter);
    let together = fit_dense(&x, 2, None, start(), &Rules { breathing: true, ..rules(25) }, 3);
    assert_eq!(bits(&breathed), bits(&together));
}

#[test]
fn breathing_never_makes_it_worse() {
    for (x, d, k) in [
        (clumps(), 2, 7),
        (blobs(300, 5), 5, 1),
        (blobs(60, 5), 5, 12),
        (vec![1.0, 1.0, 2.0, 5.0], 1, 4),
        (vec![3.0; 6], 1, 2),
    ] {
        let plain = fit_dense(&x, d, None, Start::PlusPlus(3), &rules(k), 1);
        let breathed = fit_dense(&x, d, None, Start::PlusPlus(3), &Rules { breathing: true, ..rules(k) }, 1);
        assert!(breathed.inertia <= plain.inertia, "{d} {k}");
        assert_eq!(breathed.centers.len(), k * d);
    }
}
