use super::*;
use crate::rows::{Csr, Dense};

fn settings(loss: Loss, max_iter: usize) -> Settings {
    Settings {
        loss,
        l1_ratio: None,
        alpha: 1e-4,
        rate: Rate::Constant,
        eta0: 0.1,
        power_t: 0.25,
        fit_intercept: true,
        max_iter,
        tol: None,
        n_iter_no_change: 5,
        shuffle: false,
        average: 0,
        t: 1.0,
    }
}

fn problem(d: usize, class: Option<f64>) -> Problem {
    Problem {
        class,
        seed: 1,
        class_weights: [1.0, 1.0],
        coef: vec![0.0; d],
        intercept: 0.0,
        mean_coef: Vec::new(),
        mean_intercept: 0.0,
    }
}

fn learn(rows: Rows<'_, f64>, y: &[f64], settings: &Settings, problem: Problem) -> Result<Found> {
    let data = Data { rows, targets: y, weights: None, held_out: None };
    fit(&data, settings, vec![problem], None, &Run::alone()).map(|mut found| found.remove(0))
}

#[test]
fn two_steps_on_paper() {
    // p = 0, slope -2: w = 0.2, b = 0.2. Then p = 0.6, slope -3.4: w = 0.2 + 0.68, b = 0.2 + 0.34.
    let rows = Rows::Dense(Dense::new(&[1.0, 2.0], 2, 1).unwrap());
    let found = learn(rows, &[2.0, 4.0], &settings(Loss::Squared, 1), problem(1, None)).unwrap();
    assert!((found.coef[0] - 0.88).abs() < 1e-15 && (found.intercept - 0.54).abs() < 1e-15);
    assert!((found.epochs[0].loss - 0.25 * (4.0 + 3.4 * 3.4)).abs() < 1e-14);
}

#[test]
fn the_mean_is_the_mean_of_the_weights_of_all_steps() {
    let rows = Rows::Dense(Dense::new(&[1.0, 2.0], 2, 1).unwrap());
    let averaged = Settings { average: 1, l1_ratio: Some(0.0), alpha: 0.5, ..settings(Loss::Squared, 1) };
    let start = Problem { mean_coef: vec![0.0], ..problem(1, None) };
    let found = learn(rows, &[2.0, 4.0], &averaged, start).unwrap();
    // Each step shrinks by 1 - 0.1 x 0.5 first: 0.2, then 0.95 x 0.2 + 2 x 0.34.
    let second: f64 = 0.95 * 0.2 + 2.0 * 0.34;
    assert!((found.coef[0] - second).abs() < 1e-15);
    assert!((found.mean_coef[0] - 0.5 * (0.2 + second)).abs() < 1e-15);
    assert!((found.mean_intercept - 0.5 * (0.2 + 0.54)).abs() < 1e-15);
}

#[test]
fn sparse_rows_without_an_intercept_are_the_same_rows() {
    let dense = [1.0, 0.0, 0.0, 2.0, 0.5, -1.0];
    let (values, columns, starts) = ([1.0, 2.0, 0.5, -1.0], [0, 1, 0, 1], [0, 1, 2, 4]);
    for l1_ratio in [None, Some(0.0), Some(0.3), Some(1.0)] {
        for loss in [Loss::Log, Loss::Hinge(1.0), Loss::ModifiedHuber] {
            let settings = Settings { l1_ratio, alpha: 0.01, fit_intercept: false, shuffle: true, ..settings(loss, 7) };
            let y = [1.0, 0.0, 1.0];
            let a =
                learn(Rows::Dense(Dense::new(&dense, 3, 2).unwrap()), &y, &settings, problem(2, Some(1.0))).unwrap();
            let b = Csr::new(&values, &columns, &starts, 2).unwrap();
            let b = learn(Rows::Csr(b), &y, &settings, problem(2, Some(1.0))).unwrap();
            // The weights of columns that a row lacks pay their L1 penalty when they are met next.
            if l1_ratio.is_none_or(|ratio| ratio == 0.0) {
                assert!(a.coef.iter().zip(&b.coef).all(|(a, b)| (a - b).abs() < 1e-14));
            }
            assert_eq!(a.epochs.len(), b.epochs.len());
        }
    }
}

#[test]
fn an_order_has_every_row_once() {
    let mut order: Vec<u32> = (0..1000).collect();
    shuffle(&mut order, 7);
    assert_ne!(order[..3], [0, 1, 2]);
    order.sort_unstable();
    assert!(order.iter().enumerate().all(|(i, &row)| row == i as u32));
}

#[test]
fn a_flaw_is_named_and_sizes_must_agree() {
    for n in [3, 200] {
        let mut values = vec![1.0; 2 * n];
        values[2 * n - 1] = f64::NAN;
        let rows = Rows::Dense(Dense::new(&values, n, 2).unwrap());
        let error = learn(rows, &vec![0.0; n], &settings(Loss::Squared, 1), problem(2, None)).unwrap_err();
        assert_eq!(error, Error::NonFinite { row: n - 1, column: 1, kind: crate::error::NonFinite::Nan });
        assert!(learn(rows, &[0.0], &settings(Loss::Squared, 1), problem(2, None)).is_err());
    }
}
