use super::*;
use crate::rows::{Csr, Dense};

const RULES: Rules = Rules { gap: 1e-12, max_iter: 100 };

fn value(i: usize) -> f64 {
    (i as f64 * 0.37).sin() + (i as f64 * 1.7).cos() * 0.6
}

/// Rows (n, d), a third of them zero, and classes below `n_classes`.
fn data(n: usize, d: usize, n_classes: u32) -> (Vec<f64>, Vec<u32>) {
    let x: Vec<f64> = (0..n * d).map(|i| if i % 3 == 1 { 0.0 } else { value(7 * i + i / d) }).collect();
    let classes =
        (0..n).map(|i| ((x[i * d] * 1.5 - x[i * d + 1] + value(i * 31) + 2.0).max(0.0) as u32).min(n_classes - 1));
    let classes = classes.collect();
    (x, classes)
}

/// The largest violation of the optimality conditions, by their definition, beside alpha.
fn violation(x: &[f64], classes: &[u32], s: &[f64], fit: &Fit, penalty: Penalty) -> f64 {
    let (n, k) = (classes.len(), fit.intercept.len());
    let d = x.len() / n;
    let Penalty { alpha, l1_ratio, intercept } = penalty;
    let mut gradient = vec![0.0; k * d];
    let mut ones = vec![0.0; k];
    for i in 0..n {
        let score = |c: usize| (0..d).map(|f| x[i * d + f] * fit.coef[c * d + f]).sum::<f64>() + fit.intercept[c];
        let odds: Vec<f64> = if k == 1 { vec![1.0, score(0).exp()] } else { (0..k).map(|c| score(c).exp()).collect() };
        let total: f64 = odds.iter().sum();
        for c in 0..k {
            let class = if k == 1 { 1 } else { c };
            let r = s[i] * (odds[class] / total - f64::from(u8::from(classes[i] as usize == class)));
            (0..d).for_each(|f| gradient[c * d + f] += r * x[i * d + f]);
            ones[c] += r;
        }
    }
    let mut most = if intercept { ones.iter().fold(0.0, |most: f64, g| most.max(g.abs())) } else { 0.0 };
    for (g, w) in gradient.iter().zip(&fit.coef) {
        let g = g + alpha * (1.0 - l1_ratio) * w;
        let l1 = alpha * l1_ratio;
        most = most.max(if *w == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1.copysign(*w)).abs() });
    }
    most / alpha
}

#[test]
fn the_optimality_conditions_hold() {
    for (n, d, n_classes) in [(60, 5, 2), (25, 40, 2), (60, 5, 3), (30, 40, 4)] {
        let (x, classes) = data(n, d, n_classes);
        let cells: Vec<usize> = (0..n * d).filter(|&i| x[i] != 0.0).collect();
        let values: Vec<f64> = cells.iter().map(|&i| x[i]).collect();
        let at: Vec<i32> = cells.iter().map(|&i| (i % d) as i32).collect();
        let starts: Vec<i64> = (0..=n).map(|i| cells.iter().filter(|&&cell| cell < i * d).count() as i64).collect();
        let dense = Rows::Dense(Dense::new(&x, n, d).unwrap());
        let sparse = Rows::Csr(Csr::new(&values, &at, &starts, d).unwrap());
        let s: Vec<f64> = (0..n).map(|i| f64::from(i as u8 % 3)).collect();
        for (alpha, l1_ratio, intercept) in [(1.0, 1.0, true), (0.3, 0.5, true), (2.0, 0.9, false)] {
            let penalty = Penalty { alpha, l1_ratio, intercept };
            let mut found = Vec::new();
            for rows in [&dense, &sparse] {
                let fit =
                    fit(rows, &classes, n_classes as usize, Some(&s), None, penalty, RULES, &Run::alone()).unwrap();
                assert!(fit.converged && fit.gap <= 1e-11, "{n} {d} {n_classes} {penalty:?} {fit:?}");
                let off = violation(&x, &classes, &s, &fit, penalty);
                assert!(off < 1e-4, "{n} {d} {n_classes} {penalty:?} {off:e}");
                assert!(d == 5 || fit.coef.contains(&0.0));
                found.push(fit);
            }
            for (a, b) in found[0].coef.iter().zip(&found[1].coef) {
                assert!((a - b).abs() < 1e-5, "{n} {d} {n_classes} {penalty:?} {a} {b}");
            }
        }
    }
}

#[test]
fn a_strong_penalty_leaves_the_shares() {
    let (x, classes) = data(30, 3, 2);
    let rows = Rows::Dense(Dense::new(&x, 30, 3).unwrap());
    let penalty = Penalty { alpha: 1e6, l1_ratio: 1.0, intercept: true };
    let fit = fit(&rows, &classes, 2, None, None, penalty, RULES, &Run::alone()).unwrap();
    let share = classes.iter().sum::<u32>() as f64 / 30.0;
    assert_eq!(fit.coef, [0.0; 3]);
    assert!((fit.intercept[0] - (share / (1.0 - share)).ln()).abs() < 1e-9);
    assert_eq!(fit.n_iter, 0);
}

#[test]
fn bad_input_is_an_error() {
    let rows = Rows::Dense(Dense::new(&[1.0, 2.0], 2, 1).unwrap());
    let right = Penalty { alpha: 1.0, l1_ratio: 1.0, intercept: true };
    let run = Run::alone();
    assert!(fit(&rows, &[0, 2], 2, None, None, right, RULES, &run).is_err());
    assert!(fit(&rows, &[0], 2, None, None, right, RULES, &run).is_err());
    assert!(fit(&rows, &[0, 1], 1, None, None, right, RULES, &run).is_err());
    assert!(fit(&rows, &[0, 1], 2, None, None, Penalty { l1_ratio: 0.0, ..right }, RULES, &run).is_err());
    assert!(fit(&rows, &[0, 1], 2, None, None, Penalty { alpha: 0.0, ..right }, RULES, &run).is_err());
    assert!(fit(&rows, &[0, 1], 2, None, Some((&[0.0; 2], &[0.0])), right, RULES, &run).is_err());
    let rows = Rows::Dense(Dense::new(&[1.0, f64::NAN], 2, 1).unwrap());
    assert!(fit(&rows, &[0, 1], 2, None, None, right, RULES, &run).is_err());
}
