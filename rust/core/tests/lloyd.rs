//! Whole fits: by hand, against a plain loop, and over threads.

use fulcra_core::cluster::lloyd::{Fit, Rules, Start, Stop, fit};
use fulcra_core::run::Unattended;
use fulcra_core::{Dense, Rows, Run};

fn rules(k: usize) -> Rules {
    Rules { k, max_iter: 300, tol: 0.0, shift_tol: None, inertia_tol: None }
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
    let loose = Rules { k: 30, max_iter: 100, tol: 0.0, shift_tol: None, inertia_tol: None };
    let stop = |rules: &Rules| fit_dense(&x, 2, None, Start::RandomPartition(5), rules, 1).stop;
    assert_eq!(stop(&loose), Stop::Unchanged);
    assert_eq!(stop(&Rules { max_iter: 2, ..loose }), Stop::MaxIter);
    assert_eq!(stop(&Rules { tol: 1e-2, ..loose }), Stop::Tol);
    assert_eq!(stop(&Rules { shift_tol: Some(0.5), ..loose }), Stop::ShiftTol);
    assert_eq!(stop(&Rules { inertia_tol: Some(0.05), ..loose }), Stop::InertiaTol);
}
