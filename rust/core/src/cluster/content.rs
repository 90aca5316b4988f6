//! An order of the rows that depends on what they hold, not on where they stand.
//!
//! Whatever draws or ranks rows in this order gives the same clusters for shuffled rows, for a row given twice instead of
//! with weight 2, for dense and CSR, and (up to rounding) for f32 and f64.

use std::cmp::Ordering;

use crate::error::Result;
use crate::float::Float;
use crate::rows::Rows;
use crate::run::Run;

/// A hash of row i: the wrapping sum over its non-zero cells of a mix of column and value, the value rounded to f32 so that
/// the last bits of an f64 do not matter.
#[inline(always)]
pub fn hash<F: Float>(rows: &Rows<'_, F>, i: usize) -> u64 {
    let mut sum = 0_u64;
    rows.for_cells(i, |column, value| {
        if value != 0.0 {
            let bits = u64::from((value as f32).to_bits());
            sum = sum.wrapping_add(mix(bits ^ (column as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        }
    });
    mix(sum)
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood 2014): each input bit changes each output bit half of the time.
#[inline(always)]
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Sorts rows by hash, then by their cells, so that only rows of equal content are equal. The hashes are taken once.
pub fn sort<F: Float>(rows: &Rows<'_, F>, members: &mut [u32]) {
    let mut hashed: Vec<(u64, u32)> = members.iter().map(|&i| (hash(rows, i as usize), i)).collect();
    hashed.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare_cells(rows, a.1 as usize, b.1 as usize)));
    members.iter_mut().zip(hashed).for_each(|(member, (_, i))| *member = i);
}

/// The first row of each content, in the order of [`sort`], and the weight of all rows that are like it; rows without weight
/// are left out.
pub fn distinct<F: Float>(rows: &Rows<'_, F>, weights: Option<&[f64]>, run: &Run<'_>) -> Result<Vec<(i64, f64)>> {
    let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
    let mut members: Vec<u32> = (0..rows.n() as u32).filter(|&i| weight(i as usize) > 0.0).collect();
    run.check()?;
    sort(rows, &mut members);
    run.check()?;
    let mut distinct: Vec<(i64, f64)> = Vec::new();
    for i in members.into_iter().map(|i| i as usize) {
        match distinct.last_mut() {
            Some((first, sum)) if compare_cells(rows, *first as usize, i) == Ordering::Equal => *sum += weight(i),
            _ => distinct.push((i as i64, weight(i))),
        }
    }
    Ok(distinct)
}

/// Orders two rows by their non-zero cells.
pub fn compare_cells<F: Float>(rows: &Rows<'_, F>, a: usize, b: usize) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let cells = |i: usize| {
        let mut cells = Vec::new();
        rows.for_cells(i, |column, value| {
            if value != 0.0 {
                cells.push((column, value));
            }
        });
        cells
    };
    cells(a).partial_cmp(&cells(b)).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Csr, Dense};

    #[test]
    fn dense_and_csr_rows_agree_and_zeros_do_not_count() {
        let dense = Rows::Dense(Dense::new(&[0.0, 2.0, -0.0, 1.5], 1, 4).unwrap());
        let csr = Rows::Csr(Csr::new(&[2.0, 1.5], &[1, 3], &[0, 2], 4).unwrap());
        assert_eq!(hash(&dense, 0), hash(&csr, 0));
    }

    #[test]
    fn distinct_rows_carry_the_weight_of_their_copies() {
        let rows = Rows::Dense(Dense::new(&[1.0, 2.0, 1.0, 3.0, 2.0], 5, 1).unwrap());
        let mut found = distinct(&rows, Some(&[1.0, 0.5, 2.0, 0.0, 4.0]), &Run::alone()).unwrap();
        found.sort_by_key(|&(i, _)| i);
        assert_eq!(found, [(0, 3.0), (1, 4.5)]);
    }

    #[test]
    fn equal_values_in_other_columns_differ() {
        let rows = Rows::Dense(Dense::new(&[1.0_f32, 2.0, 2.0, 1.0, 1.0, 2.0], 3, 2).unwrap());
        assert_ne!(hash(&rows, 0), hash(&rows, 1));
        assert_eq!(compare_cells(&rows, 0, 2), Ordering::Equal);
        assert_eq!(compare_cells(&rows, 0, 1), compare_cells(&rows, 1, 0).reverse());
        // Equal rows keep the order that they came in; the other is first or last for both.
        let (mut rising, mut falling) = ([0, 1, 2], [2, 1, 0]);
        sort(&rows, &mut rising);
        sort(&rows, &mut falling);
        assert!(rising == [0, 2, 1] && falling == [2, 0, 1] || rising == [1, 0, 2] && falling == [1, 2, 0]);
    }
}
