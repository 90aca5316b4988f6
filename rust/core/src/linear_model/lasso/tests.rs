use super::*;
use crate::rows::{Csr, Dense, Rows};
use crate::run::Unattended;

fn value(i: usize) -> f64 {
    (i as f64 * 0.37).sin() + (i as f64 * 1.7).cos() * 0.3 + (i as f64 * i as f64 * 0.011).sin()
}

/// Conditions for a minimum, in the user's units: the largest amount by which one is missed, as a share of `l1 + 1`.
fn flaw(
    x: &[f64],
    (n, d): (usize, usize),
    y: &[f64],
    weights: &[f64],
    settings: &Settings<'_>,
    found: (&[f64], f64),
    alpha: f64,
) -> f64 {
    let (coef, intercept) = found;
    let total: f64 = weights.iter().sum();
    let r: Vec<f64> = (0..n).map(|i| y[i] - intercept - (0..d).map(|f| x[i * d + f] * coef[f]).sum::<f64>()).collect();
    let mean = |f: usize| (0..n).map(|i| weights[i] * x[i * d + f]).sum::<f64>() / total;
    let mut worst = 0.0_f64;
    for f in 0..d {
        let m = if settings.intercept { mean(f) } else { 0.0 };
        let pull: f64 = (0..n).map(|i| weights[i] / total * r[i] * (x[i * d + f] - m)).sum();
        let a = pull - alpha * (1.0 - settings.l1_ratio) * coef[f];
        let l1 = alpha * settings.l1_ratio;
        let miss = if coef[f] != 0.0 {
            (a - l1 * coef[f].signum()).abs()
        } else if settings.positive {
            (a - l1).max(0.0)
        } else {
            (a.abs() - l1).max(0.0)
        };
        assert!(!settings.positive || coef[f] >= 0.0);
        worst = worst.max(miss / (l1 + 1.0));
    }
    worst
}

#[test]
fn every_layout_finds_the_minimum() {
    for (n, d) in [(1, 1), (40, 5), (200, 90), (30, 200), (3, 7)] {
        let x: Vec<f64> = (0..n * d).map(|i| if i % 3 == 0 { 0.0 } else { value(i) + 2.0 }).collect();
        let turned: Vec<f64> = (0..d * n).map(|at| x[at % n * d + at / n]).collect();
        let y: Vec<f64> = (0..n).map(|i| value(7 * i + 1) * 3.0 + x[i * d] + 5.0).collect();
        let weights: Vec<f64> = (0..n).map(|i| 0.5 + value(i).abs()).collect();
        let (mut cells, mut rows, mut starts) = (vec![], vec![], vec![0_i64]);
        for f in 0..d {
            for i in 0..n {
                if x[i * d + f] != 0.0 {
                    cells.push(x[i * d + f]);
                    rows.push(i as i32);
                }
            }
            starts.push(cells.len() as i64);
        }
        let layouts = [
            Layout::new(Rows::Dense(Dense::new(&x, n, d).unwrap()), false).unwrap(),
            Layout::new(Rows::Dense(Dense::new(&turned, d, n).unwrap()), true).unwrap(),
            Layout::new(Rows::Csr(Csr::new(&cells, &rows, &starts, n).unwrap()), true).unwrap(),
        ];
        let alphas = [1.0, 0.1, 0.01];
        for (l1_ratio, positive, intercept) in
            [(1.0, false, true), (0.5, false, true), (1.0, true, true), (0.7, true, false), (1.0, false, false)]
        {
            let settings = Settings { alphas: &alphas, l1_ratio, intercept, positive, max_iter: 100_000, tol: 1e-14 };
            for layout in layouts {
                let found = path(layout, &y, 1, Some(&weights), &settings, None, &Run::alone()).unwrap();
                for (m, &alpha) in alphas.iter().enumerate() {
                    let coef = &found.coef[m * d..][..d];
                    let flaw = flaw(&x, (n, d), &y, &weights, &settings, (coef, found.intercept[m]), alpha);
                    assert!(flaw < 1e-6, "{n} {d} {l1_ratio} {positive} {intercept} {alpha}: {flaw}");
                    assert!(found.gap[m] <= found.allowed[0]);
                }
            }
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (n, d) = (3_000, 300);
    let x: Vec<f64> = (0..n * d).map(value).collect();
    let y: Vec<f64> = (0..n).map(|i| x[i * d] - x[i * d + 7] + value(3 * i)).collect();
    let on = |threads, alphas: &[f64]| {
        let settings = Settings { alphas, l1_ratio: 0.9, intercept: true, positive: false, max_iter: 1000, tol: 1e-8 };
        let layout = Layout::Rows(Dense::new(&x, n, d).unwrap());
        path(layout, &y, 1, None, &settings, None, &Run::new(threads, &Unattended)).unwrap().coef
    };
    let many: Vec<f64> = (0..12).map(|k| 0.3 * 0.7_f64.powi(k)).collect();
    for alphas in [&[0.05][..], &many] {
        assert_eq!(on(1, alphas), on(2, alphas));
        assert_eq!(on(1, alphas), on(5, alphas));
    }
}
