//! Means and products of weighted columns and targets: what standard errors ask of rows that are well-conditioned.

use super::checked;
use super::least_squares::roots;
use super::normal::{Frame, Normal};
use crate::error::Result;
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;

/// Of d columns and t targets.
pub struct Moments {
    /// (d,), zero where nothing is centred.
    pub means: Vec<f64>,
    /// (d,), lengths of the weighted, centred columns.
    pub norms: Vec<f64>,
    /// (d, d), products of these columns at length one.
    pub gram: Vec<f64>,
    /// (t, d), products of them with the targets, weighted and centred too.
    pub cross: Vec<f64>,
    /// Whether centring cancelled so many digits, or a column is so nearly constant, that only the rows can tell.
    pub lost: bool,
}

/// Multiplies all out, in f64 whatever the rows are in.
pub fn moments<F: Float>(
    rows: &Rows<'_, F>,
    targets: &[f64],
    t: usize,
    weights: Option<&[f64]>,
    centred: bool,
    run: &Run<'_>,
) -> Result<Moments> {
    checked(rows, targets, t, weights)?;
    let roots = roots(weights);
    let normal = Normal::new::<F, f64>(rows, targets, roots.as_deref(), Frame::new(rows, targets, centred), run)?;
    let (d, frame) = (rows.d(), &normal.frame);
    let means = (0..d).map(|f| if centred { normal.mean(f) } else { 0.0 }).collect();
    let norms = (0..d).map(|f| normal.norms[f] / frame.scale[f]).collect();
    let cross = normal.cross.chunks(d.max(1)).zip(&frame.scale[d..]);
    let cross = cross.flat_map(|(cross, scale)| cross.iter().map(move |value| value / scale)).collect();
    let lost = normal.cancelled || normal.constant.iter().any(|&constant| constant);
    Ok(Moments { means, norms, gram: normal.gram, cross, lost })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Dense;

    #[test]
    fn by_hand() {
        // x = 1, 2, 6 with weights 1, 2, 1: mean 11/4, squares around it 71/4 - 11/4 * 11/4 ... summed below.
        let (x, y, w) = ([1.0, 2.0, 6.0], [1.0, 0.0, 2.0], [1.0, 2.0, 1.0]);
        let rows = Rows::Dense(Dense::new(&x, 3, 1).unwrap());
        let found = moments::<f64>(&rows, &y, 1, Some(&w), true, &Run::alone()).unwrap();
        assert!((found.means[0] - 2.75).abs() < 1e-15);
        // 1.75² + 2 * 0.75² + 3.25²
        let length = 14.75_f64.sqrt();
        assert!((found.norms[0] - length).abs() < 1e-14 && (found.gram[0] - 1.0).abs() < 1e-15);
        // -1.75 * (1 - 0.75) + 2 * -0.75 * -0.75 + 3.25 * (2 - 0.75)
        assert!((found.cross[0] - 4.75 / length).abs() < 1e-14);
        assert!(!found.lost);
        let plain = moments::<f64>(&rows, &y, 1, None, false, &Run::alone()).unwrap();
        assert!((plain.norms[0] - 41.0_f64.sqrt()).abs() < 1e-14 && plain.means == [0.0]);
        assert!((plain.cross[0] - 13.0 / 41.0_f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn what_centring_takes_away_is_said() {
        let x = [1e9, 1e9, 1e9 + 1.0, 1e9];
        let rows = Rows::Dense(Dense::new(&x, 2, 2).unwrap());
        assert!(moments::<f64>(&rows, &[0.0, 1.0], 1, None, true, &Run::alone()).unwrap().lost);
    }
}
