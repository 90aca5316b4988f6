//! Lists of rows that vectors of comparisons pick.

/// Positions of rows, in order.
#[derive(Default)]
pub struct List {
    /// Those found, and room for more.
    positions: Vec<u32>,
    found: usize,
}

impl List {
    /// Positions that are written at once, whether there are so many or not: branches would be mispredicted.
    const AT_ONCE: usize = 4;

    /// The positions.
    pub fn get(&self) -> &[u32] {
        &self.positions[..self.found]
    }

    /// The positions, to be changed.
    pub(super) fn get_mut(&mut self) -> &mut [u32] {
        &mut self.positions[..self.found]
    }

    /// Keeps the first `found`.
    pub(super) fn truncate(&mut self, found: usize) {
        self.found = self.found.min(found);
    }

    /// Lists all of `n` rows.
    pub fn fill(&mut self, n: usize) {
        self.positions.clear();
        self.positions.extend(0..n as u32);
        self.found = n;
    }

    /// Empty, with room for `n` rows.
    #[inline(always)]
    pub(super) fn open(&mut self, n: usize) {
        self.positions.resize(n + Self::AT_ONCE, 0);
        self.found = 0;
    }

    /// Adds those rows of a block, of which the first is row `first`, whose bits are set.
    #[inline(always)]
    pub(super) fn add(&mut self, first: usize, mut bits: u64) {
        let mut found = self.found;
        self.found += bits.count_ones() as usize;
        loop {
            for position in &mut self.positions[found..found + Self::AT_ONCE] {
                *position = first as u32 + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            if bits == 0 {
                return;
            }
            found += Self::AT_ONCE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_listed_in_order_however_many_there_are() {
        let blocks: [u64; 6] = [0, 1, u64::MAX, 1 << 63, 0b1011_0110_1101, 0];
        let mut list = List::default();
        for _ in 0..2 {
            list.open(64 * blocks.len());
            blocks.iter().enumerate().for_each(|(b, &bits)| list.add(64 * b, bits));
            let want: Vec<u32> =
                (0..64 * blocks.len()).filter(|i| blocks[i / 64] >> (i % 64) & 1 == 1).map(|i| i as u32).collect();
            assert_eq!(list.get(), want);
        }
        list.truncate(3);
        assert_eq!(list.get(), [64, 128, 129]);
        list.fill(2);
        assert_eq!(list.get(), [0, 1]);
    }
}
