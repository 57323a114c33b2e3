//! Random numbers that are the same on every machine.

/// The generator SplitMix64, which is good enough for arrivals and needs no state but its counter.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 to below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // All 32 bits fit, so nothing is rounded.
        let high = u32::try_from(self.next() >> 32).expect("32 bits are left");
        f64::from(high) / 4_294_967_296.0
    }

    /// Returns a number of the exponential distribution with mean 1: the time between arrivals that do not know of
    /// each other.
    ///
    /// By von Neumann's comparisons: a logarithm may differ in its last digit from one C library to another, and with
    /// it the order of events.
    pub(crate) fn exponential(&mut self) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.fraction();
            let (mut last, mut falling) = (first, 1_u32);
            loop {
                let next = self.fraction();
                if next >= last {
                    break;
                }
                last = next;
                falling += 1;
            }
            if falling % 2 == 1 {
                return whole + first;
            }
            whole += 1.0;
        }
    }
}

#[test]
fn the_exponential_distribution_has_mean_and_variance_one() {
    let mut random = Random::seeded(1);
    let numbers: Vec<f64> = (0..200_000).map(|_| random.exponential()).collect();
    let mean = numbers.iter().sum::<f64>() / 200_000.0;
    let variance = numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 200_000.0;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
    assert!((variance - 1.0).abs() < 0.03, "{variance}");
}
