//! Percentiles, and times for people.

/// Durations in milliseconds, in order.
pub(crate) struct Durations(Vec<f64>);

impl Durations {
    pub(crate) fn new(mut durations: Vec<f64>) -> Self {
        durations.sort_by(f64::total_cmp);
        Self(durations)
    }

    /// Returns the duration that so many of a thousand do not exceed; 0 if there is none.
    pub(crate) fn per_mille(&self, share: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * share / 1000).copied().unwrap_or(0.0)
    }

    #[cfg(test)]
    pub(crate) fn mean(&self) -> f64 {
        let count = u32::try_from(self.0.len()).expect("simulations are small");
        self.0.iter().sum::<f64>() / f64::from(count.max(1))
    }
}

/// Writes a duration with two or three digits and its unit.
pub(crate) fn shown(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 9.95 => format!("{short:.1} ms"),
        medium if medium < 999.5 => format!("{medium:.0} ms"),
        long if long < 99_950.0 => format!("{:.1} s", long / 1000.0),
        longer => format!("{:.0} s", longer / 1000.0),
    }
}

#[test]
fn durations_are_shown_with_their_unit() {
    let texts = [0.0, 0.06, 9.96, 15.4, 999.6, 10_040.0, 100_000.0].map(shown);
    assert_eq!(texts, ["0.0 ms", "0.1 ms", "10 ms", "15 ms", "1.0 s", "10.0 s", "100 s"]);
}

#[test]
fn percentiles_are_values_that_occurred() {
    let durations = Durations::new((0..1001_u32).rev().map(f64::from).collect());
    assert_eq!([0, 500, 990, 1000].map(|share| durations.per_mille(share)), [0.0, 500.0, 990.0, 1000.0]);
    assert_eq!(Durations::new(Vec::new()).per_mille(500), 0.0);
}
