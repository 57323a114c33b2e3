//! The system call filter, compiled from [`super::rules`].

use rustix::io::Errno;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use seccompiler::TargetArch;

use super::rules;
use super::rules::Test;
use crate::step::Step;
use crate::step::StepError;

/// The filters of every program, in the order of their installation.
///
/// The kernel runs all of them for each call and takes the strictest answer; seccompiler has one action a filter.
pub(crate) struct Filter(Vec<BpfProgram>);

impl Filter {
    /// Compiles the rules for this machine.
    pub(crate) fn compile() -> Result<Self, StepError> {
        compile().map(Self).map_err(|_| StepError::new(Step::CompileFilter, Errno::INVAL))
    }

    /// Installs the filters for the calling thread and all its children, for ever.
    pub(crate) fn install(&self) -> Result<(), Errno> {
        for program in &self.0 {
            seccompiler::apply_filter(program).map_err(|error| match error {
                seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
                    Errno::from_io_error(&error).unwrap_or(Errno::INVAL)
                }
                _ => Errno::INVAL,
            })?;
        }
        Ok(())
    }
}

fn compile() -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut programs = Vec::new();
    for (rules, answer) in [(rules::FORBIDDEN, libc::EPERM), (rules::ABSENT, libc::ENOSYS)] {
        let mut filter = std::collections::BTreeMap::<i64, Vec<SeccompRule>>::new();
        for rule in rules {
            let tests: Vec<_> = rule.tests.iter().map(condition).collect::<Result<_, _>>()?;
            let of_call = filter.entry(rule.call).or_default();
            // An empty list of rules matches always.
            if !tests.is_empty() {
                of_call.push(SeccompRule::new(tests)?);
            }
        }
        let action = SeccompAction::Errno(answer.cast_unsigned());
        programs.push(SeccompFilter::new(filter, SeccompAction::Allow, action, architecture)?.try_into()?);
    }
    #[cfg(target_arch = "x86_64")]
    programs.push(refuse_x32());
    Ok(programs)
}

/// Compares the low 32 bits: the kernel ignores the high ones of these arguments, so they must not save a call.
fn condition(test: &Test) -> Result<SeccompCondition, seccompiler::BackendError> {
    let (argument, operator, value) = match *test {
        Test::Equal(argument, value) => (argument, SeccompCmpOp::Eq, value),
        Test::NotEqual(argument, value) => (argument, SeccompCmpOp::Ne, value),
        Test::HasFlag(argument, flag) => (argument, SeccompCmpOp::MaskedEq(u64::from(flag)), flag),
    };
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, u64::from(value))
}

/// Answers ENOSYS to every call of the x32 ABI: its numbers have bit 30 set, and no list of numbers would cover them.
#[cfg(target_arch = "x86_64")]
fn refuse_x32() -> BpfProgram {
    use seccompiler::sock_filter;
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32_BIT: u32 = 0x4000_0000;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
    vec![
        sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 },
        sock_filter { code: JUMP_IF_AT_LEAST, jt: 0, jf: 1, k: X32_BIT },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: refuse },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_compile() {
        assert!(!compile().unwrap().is_empty());
    }
}
