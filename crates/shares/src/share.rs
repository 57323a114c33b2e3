//! How much of a whole one client may have.

/// How much of a whole one client may have, as a multiple of what is left for others.
///
/// The bound follows the load: a client alone has most, several have about the same, and however many there are,
/// something is left for the next (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet
/// switches"). A fixed part would be too little for a client alone, or nothing for the last of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Share {
    /// As much as is left: half of the whole for a client alone, a third for each of two.
    Ordinary,
    /// Seven times what is left: seven eighths of the whole for a client alone. It is for those who pass on the
    /// requests of many.
    Bulk,
}

impl Share {
    /// Returns how many times as much as is left a client may have.
    #[must_use]
    pub const fn times_the_rest(self) -> u64 {
        match self {
            Self::Ordinary => 1,
            Self::Bulk => 7,
        }
    }

    /// Returns whether a client that has `held` may take `more` of the `free` rest. One that has nothing may take the
    /// last.
    #[must_use]
    pub const fn allows(self, held: u64, more: u64, free: u64) -> bool {
        match free.checked_sub(more) {
            None => false,
            Some(_) if held == 0 => true,
            Some(rest) => held.saturating_add(more) <= rest.saturating_mul(self.times_the_rest()),
        }
    }

    /// Returns how many places of `whole` may be taken by all together before a client that has `held` takes one more.
    ///
    /// It says the same as [`allows`](Self::allows), for a whole that others count.
    #[must_use]
    pub const fn most_taken(self, held: u64, whole: u64) -> u64 {
        if held == 0 {
            return whole;
        }
        whole.saturating_sub(held.saturating_add(1).div_ceil(self.times_the_rest()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: u64 = 1024;

    /// Lets each of these clients take as much as it may, in turn, and returns what they have.
    fn shared_out(clients: &[Share]) -> Vec<u64> {
        let mut held = vec![0; clients.len()];
        loop {
            let before = held.clone();
            for (index, share) in clients.iter().enumerate() {
                let free = WHOLE - held.iter().sum::<u64>();
                held[index] += u64::from(share.allows(held[index], 1, free));
            }
            if held == before {
                return held;
            }
        }
    }

    #[test]
    fn a_client_alone_has_most_and_several_have_the_same() {
        assert_eq!(shared_out(&[Share::Ordinary]), [512]);
        assert_eq!(shared_out(&[Share::Bulk]), [896]);
        assert_eq!(shared_out(&[Share::Ordinary; 3]), [256; 3]);
        assert_eq!(shared_out(&[Share::Bulk, Share::Ordinary]), [597, 341]);
    }

    proptest! {
        #[test]
        fn whoever_has_nothing_finds_room(bulk in 0_usize..20, ordinary in 0_usize..20) {
            let clients = [vec![Share::Bulk; bulk], vec![Share::Ordinary; ordinary]].concat();
            prop_assert!(shared_out(&clients).iter().sum::<u64>() < WHOLE);
        }

        #[test]
        fn both_forms_of_the_rule_agree(held in 0_u64..2000, others in 0_u64..2000, whole in 1_u64..2000) {
            let taken = held + others;
            for share in [Share::Ordinary, Share::Bulk] {
                let allowed = share.allows(held, 1, whole.saturating_sub(taken));
                prop_assert_eq!(allowed, taken < share.most_taken(held, whole));
            }
        }
    }
}
