use super::*;
use crate::linear_model::ridge;
use crate::rows::{Csr, Dense};
use crate::run::Unattended;

fn value(i: usize) -> f64 {
    (i as f64 * 0.37).sin() + (i as f64 * 1.7).cos() * 0.3 + (i as f64 * 0.011).sin()
}

fn close(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{got} is not {want}");
    }
}

fn dense(x: &[f64], d: usize) -> Rows<'_, f64> {
    Rows::Dense(Dense::new(x, x.len() / d, d).unwrap())
}

fn least(rows: &Rows<'_, f64>, y: &[f64], weights: Option<&[f64]>) -> Fit {
    fit(rows, y, 1, weights, true, &Run::alone()).unwrap()
}

/// The coefficients, by elimination in the normal equations of a small problem, and then the intercept.
fn naive(x: &[f64], d: usize, y: &[f64], weights: &[f64], alpha: f64) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mean = |column: &dyn Fn(usize) -> f64| (0..y.len()).map(|i| weights[i] * column(i)).sum::<f64>() / total;
    let means: Vec<f64> = (0..d).map(|f| mean(&|i| x[i * d + f])).collect();
    let middle = mean(&|i| y[i]);
    let mut system = vec![vec![0.0; d + 1]; d];
    for f in 0..d {
        system[f][f] = alpha;
        for i in 0..y.len() {
            let pull = weights[i] * (x[i * d + f] - means[f]);
            (0..d).for_each(|g| system[f][g] += pull * (x[i * d + g] - means[g]));
            system[f][d] += pull * (y[i] - middle);
        }
    }
    for f in 0..d {
        let pivot = system[f].clone();
        for (g, row) in system.iter_mut().enumerate().filter(|(g, _)| *g != f) {
            let factor = row[f] / pivot[f];
            assert!(g != f);
            row.iter_mut().zip(&pivot).for_each(|(value, p)| *value -= factor * p);
        }
    }
    let mut found: Vec<f64> = (0..d).map(|f| system[f][d] / system[f][f]).collect();
    found.push(middle - found.iter().zip(&means).map(|(b, m)| b * m).sum::<f64>());
    found
}

#[test]
fn salaries_on_paper() {
    // Years 1 to 5: the means are 3 and 66.5 - 3 * 7.5.
    let years = [1.0, 2.0, 3.0, 4.0, 5.0];
    let salaries = [30.0, 35.0, 45.0, 50.0, 60.0];
    let found = least(&dense(&years, 1), &salaries, None);
    close(&found.coef, &[7.5], 1e-15);
    close(&found.intercept, &[21.5], 1e-15);
    assert_eq!((found.rank, found.method), (1, Method::Cholesky));
    close(&found.singular().unwrap(), &[10.0_f64.sqrt()], 1e-15);
    let found = fit(&dense(&years, 1), &salaries, 1, None, false, &Run::alone()).unwrap();
    close(&found.coef, &[735.0 / 55.0], 1e-15);
    assert_eq!(found.intercept, [0.0]);
}

#[test]
fn agrees_with_elimination_dense_and_sparse_and_however_large() {
    for (n, d) in [(12, 3), (300, 7), (20_000, 6)] {
        let x: Vec<f64> = (0..n * d).map(|i| if i % 5 == 0 { 0.0 } else { value(i * i) }).collect();
        let y: Vec<f64> = (0..n).map(|i| value(i * 7 + 3) + 5.0).collect();
        let weights: Vec<f64> = (0..n).map(|i| (i % 4) as f64).collect();
        let (mut values, mut columns, mut starts) = (Vec::new(), Vec::new(), vec![0_i64]);
        for row in x.chunks_exact(d) {
            for (f, &x) in row.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                values.push(x);
                columns.push(f as i32);
            }
            starts.push(values.len() as i64);
        }
        let csr = Csr::new(&values, &columns, &starts, d).unwrap();
        for alpha in [0.0, 2.5] {
            let want = naive(&x, d, &y, &weights, alpha);
            for rows in [dense(&x, d), Rows::Csr(csr)] {
                let found = ridge::fit(&rows, &y, Some(&weights), &[alpha], true, &Run::alone()).unwrap();
                close(&found.coef, &want[..d], 1e-10);
                close(&found.intercept, &want[d..], 1e-10);
            }
            let found = lsqr::fit(&csr, &y, 1, Some(&weights), &[alpha], true, &Run::alone()).unwrap();
            assert!(found.converged);
            close(&found.coef, &want[..d], 1e-8);
            close(&found.intercept, &want[d..], 1e-8);
        }
    }
}

#[test]
fn a_weight_is_a_repetition_and_zero_is_no_row() {
    let (n, d) = (40, 3);
    let x: Vec<f64> = (0..n * d).map(|i| value(i * i)).collect();
    let y: Vec<f64> = (0..n).map(|i| value(5 * i)).collect();
    let weights: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
    let repeated: Vec<usize> = (0..n).flat_map(|i| std::iter::repeat_n(i, i % 3)).collect();
    let rows: Vec<f64> = repeated.iter().flat_map(|&i| x[i * d..][..d].to_vec()).collect();
    let targets: Vec<f64> = repeated.iter().map(|&i| y[i]).collect();
    for alpha in [0.0, 1.0] {
        let weighted = ridge::fit(&dense(&x, d), &y, Some(&weights), &[alpha], true, &Run::alone()).unwrap();
        let plain = ridge::fit(&dense(&rows, d), &targets, None, &[alpha], true, &Run::alone()).unwrap();
        close(&weighted.coef, &plain.coef, 1e-13);
        close(&weighted.intercept, &plain.intercept, 1e-13);
    }
}

#[test]
fn an_offset_costs_no_digits() {
    for n in [500, 60_000] {
        let x: Vec<f64> = (0..n * 2).map(|i| 1e6 + (value(i * i) * 1024.0).round() / 1024.0).collect();
        let y: Vec<f64> = x.chunks_exact(2).map(|x| 3.0 * (x[0] - 1e6) - 2.0 * (x[1] - 1e6)).collect();
        let found = least(&dense(&x, 2), &y, None);
        assert_eq!(found.method, Method::Cholesky);
        close(&found.coef, &[3.0, -2.0], 1e-13);
        close(&found.intercept, &[-1e6], 1e-12);
    }
}

#[test]
fn twins_and_constants_get_the_least_norm() {
    for n in [30, 3000] {
        // The second column is the first, the third does not vary, and the fourth is its own.
        let base: Vec<f64> = (0..n * 2).map(|i| value(i * i)).collect();
        let x: Vec<f64> = base.chunks_exact(2).flat_map(|x| [x[0], x[0], 0.1, x[1]]).collect();
        let y: Vec<f64> = base.chunks_exact(2).map(|x| 4.0 * x[0] - x[1] + 7.0).collect();
        let columns: Vec<i32> = (0..n).flat_map(|_| 0..4).collect();
        let starts: Vec<i64> = (0..=n as i64).map(|i| 4 * i).collect();
        for rows in [dense(&x, 4), Rows::Csr(Csr::new(&x, &columns, &starts, 4).unwrap())] {
            let found = least(&rows, &y, None);
            assert_eq!((found.rank, found.method), (2, Method::Qr));
            close(&found.coef, &[2.0, 2.0, 0.0, -1.0], 1e-12);
            close(&found.intercept, &[7.0], 1e-12);
            assert!(found.singular().unwrap()[2] < 1e-12);
        }
    }
}

#[test]
fn more_columns_than_rows_interpolate() {
    let (n, d) = (6, 20);
    let x: Vec<f64> = (0..n * d).map(|i| value(i * i)).collect();
    let y: Vec<f64> = (0..n).map(|i| value(3 * i)).collect();
    let found = least(&dense(&x, d), &y, None);
    assert_eq!(found.rank, n - 1);
    let predicted = crate::linear_model::predict::predict(&dense(&x, d), &found.coef, &found.intercept, &Run::alone());
    close(&predicted.unwrap(), &y, 1e-12);
    // Of least norm: what ridge regression tends to.
    let near = ridge::fit(&dense(&x, d), &y, None, &[1e-9], true, &Run::alone()).unwrap();
    close(&found.coef, &near.coef, 1e-7);
}

#[test]
fn powers_keep_their_digits() {
    // Wampler's first problem: powers of 0 to 20 whose sum is the target.
    let x: Vec<f64> = (0..21).flat_map(|i| (1..6).map(move |p| f64::from(i).powi(p))).collect();
    let y: Vec<f64> = x.chunks_exact(5).map(|row| 1.0 + row.iter().sum::<f64>()).collect();
    let found = least(&dense(&x, 5), &y, None);
    assert_eq!(found.method, Method::Qr);
    close(&found.coef, &[1.0; 5], 1e-14);
    close(&found.intercept, &[1.0], 1e-14);
    // The same in f32, which holds these powers less exactly: exact arithmetic of what it holds.
    let held: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    let wide: Vec<f64> = held.iter().map(|&x| f64::from(x)).collect();
    let rows = Rows::Dense(Dense::new(&held, 21, 5).unwrap());
    let narrow = fit(&rows, &y, 1, None, true, &Run::alone()).unwrap();
    close(&narrow.coef, &least(&dense(&wide, 5), &y, None).coef, 1e-12);
}

#[test]
fn f32_rows_get_the_coefficients_of_their_values() {
    let (n, d) = (30_000, 8);
    let x: Vec<f32> = (0..n * d).map(|i| value(i * i) as f32 + 100.0).collect();
    let y: Vec<f64> = (0..n).map(|i| value(i * 3) + f64::from(x[i * d])).collect();
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let rows = Rows::Dense(Dense::new(&x, n, d).unwrap());
    let found = fit(&rows, &y, 1, None, true, &Run::alone()).unwrap();
    let want = least(&dense(&wide, d), &y, None);
    close(&found.coef, &want.coef, 1e-9);
    close(&found.intercept, &want.intercept, 1e-9);
}

#[test]
fn sizes_are_seen_through() {
    let (n, d) = (50, 2);
    let x: Vec<f64> = (0..n * d).map(|i| value(i * i)).collect();
    let y: Vec<f64> = (0..n).map(|i| value(3 * i)).collect();
    let want = least(&dense(&x, d), &y, None).coef;
    for size in [1e-200, 1e-30, 1e30, 1e200] {
        let sized: Vec<f64> = x.iter().map(|x| x * size).collect();
        let found: Vec<f64> = least(&dense(&sized, d), &y, None).coef.iter().map(|b| b * size).collect();
        close(&found, &want, 1e-12);
    }
    let sized: Vec<f32> = x.iter().map(|&x| x as f32 * 1e30).collect();
    let rows = Rows::Dense(Dense::new(&sized, n, d).unwrap());
    let found = fit(&rows, &y, 1, None, true, &Run::alone()).unwrap();
    close(&found.coef.iter().map(|b| b * 1e30).collect::<Vec<_>>(), &want, 1e-5);
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (n, d) = (9000, 12);
    let x: Vec<f64> = (0..n * d).map(|i| value(i * i)).collect();
    let twins: Vec<f64> = x.chunks_exact(2).flat_map(|x| [x[0], x[0] * 2.0]).collect();
    let y: Vec<f64> = (0..n).map(|i| value(3 * i)).collect();
    for x in [x, twins] {
        let on = |threads| {
            let run = Run::new(threads, &Unattended);
            let found = fit(&dense(&x, d), &y, 1, None, true, &run).unwrap();
            (found.coef, found.intercept, found.rank)
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(5));
    }
}

#[test]
fn each_target_has_its_penalty() {
    let (n, d) = (60, 4);
    let x: Vec<f64> = (0..n * d).map(|i| value(i * i)).collect();
    let y: Vec<f64> = (0..n * 3).map(|i| value(3 * i)).collect();
    let alphas = [0.0, 1.0, 100.0];
    let found = ridge::fit(&dense(&x, d), &y, None, &alphas, true, &Run::alone()).unwrap();
    for (s, &alpha) in alphas.iter().enumerate() {
        let target: Vec<f64> = y.iter().skip(s).step_by(3).copied().collect();
        let want = naive(&x, d, &target, &vec![1.0; n], alpha);
        close(&found.coef[s * d..][..d], &want[..d], 1e-12);
        close(&found.intercept[s..=s], &want[d..], 1e-12);
    }
}

#[test]
fn what_cannot_be_fitted_is_an_error() {
    let (rows, run) = ([1.0, f64::NAN, 2.0], Run::alone());
    let found = fit(&dense(&rows, 1), &[1.0, 2.0, 3.0], 1, None, true, &run).unwrap_err();
    assert_eq!(found, Error::NonFinite { row: 1, column: 0, kind: crate::error::NonFinite::Nan });
    let rows = dense(&[1.0, 2.0, 3.0], 1);
    assert!(fit(&rows, &[1.0, 2.0], 1, None, true, &run).is_err());
    assert!(fit(&rows, &[1.0, f64::INFINITY, 2.0], 1, None, true, &run).is_err());
    assert!(fit(&rows, &[1.0; 3], 1, Some(&[0.0; 3]), true, &run).is_err());
    assert!(fit(&rows, &[1.0; 3], 1, Some(&[1.0, -1.0, 1.0]), true, &run).is_err());
    assert!(ridge::fit(&rows, &[1.0; 3], None, &[-1.0], true, &run).is_err());
}
