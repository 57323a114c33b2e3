//! The system call filter, compiled from [`super::rules`].
//!
//! seccompiler turns rules into a program that compares one call number after the other. The kernel runs it for every
//! number when it is installed, to know which calls are always allowed; with one long program that takes longer than
//! all mounts of a bay. So the rules are compiled in blocks of neighbouring numbers, and a dispatch in front jumps to
//! the block that a number belongs to.

use std::collections::BTreeMap;

use rustix::io::Errno;
use seccompiler::BackendError;
use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use seccompiler::TargetArch;
use seccompiler::sock_filter;

use super::rules;
use super::rules::Rule;
use super::rules::Test;
use crate::step::Step;
use crate::step::StepError;

/// The most system calls in one block.
const BLOCK: usize = 6;

// Instructions of the kernel's filter machine (linux/bpf_common.h).
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// The filter of every program.
pub(crate) struct Filter(BpfProgram);

impl Filter {
    /// Compiles the rules for this machine.
    pub(crate) fn compile() -> Result<Self, StepError> {
        compile().map(Self).map_err(|_| StepError::new(Step::CompileFilter, Errno::INVAL))
    }

    /// Installs the filter for the calling thread and all its children, for ever.
    pub(crate) fn install(&self) -> Result<(), Errno> {
        seccompiler::apply_filter(&self.0).map_err(|error| match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
                Errno::from_io_error(&error).unwrap_or(Errno::INVAL)
            }
            _ => Errno::INVAL,
        })
    }
}

/// Rules for neighbouring call numbers with the same answer.
struct Block {
    first: i64,
    answer: i32,
    rules: BTreeMap<i64, Vec<SeccompRule>>,
}

fn compile() -> Result<BpfProgram, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut program = check_architecture(architecture)?;
    let blocks = blocks()?;
    let mut bodies = Vec::new();
    let mut firsts = Vec::new();
    for block in blocks {
        firsts.push(block.first);
        let action = SeccompAction::Errno(block.answer.cast_unsigned());
        let filter = SeccompFilter::new(block.rules, SeccompAction::Allow, action, architecture)?;
        // Each starts with the check that the whole program starts with; once is enough.
        bodies.push(BpfProgram::try_from(filter)?.split_off(program.len()));
    }
    program.push(instruction(LOAD, 0, 0, 0));
    program.extend(refuse_unknown());
    program.extend(dispatch(&firsts, &bodies)?);
    program.extend(bodies.into_iter().flatten());
    Ok(program)
}

/// Sorts the rules by call number and cuts them where the answer changes or a block is full.
fn blocks() -> Result<Vec<Block>, BackendError> {
    let mut by_call = BTreeMap::<i64, (i32, Vec<SeccompRule>)>::new();
    for (rules, answer) in [
        (rules::FORBIDDEN, libc::EPERM),
        (rules::UNSUPPORTED, libc::EOPNOTSUPP),
        (rules::ABSENT, libc::ENOSYS),
        (rules::NEEDLESS, 0),
    ] {
        for rule in rules {
            let (_, of_call) = by_call.entry(rule.call).or_insert((answer, Vec::new()));
            // An empty list matches always.
            of_call.extend(compile_tests(rule)?);
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (call, (answer, rules)) in by_call {
        match blocks.last_mut() {
            Some(block) if block.answer == answer && block.rules.len() < BLOCK => {
                block.rules.insert(call, rules);
            }
            _ => blocks.push(Block { first: call, answer, rules: BTreeMap::from([(call, rules)]) }),
        }
    }
    Ok(blocks)
}

fn compile_tests(rule: &Rule) -> Result<Option<SeccompRule>, BackendError> {
    if rule.tests.is_empty() {
        return Ok(None);
    }
    let conditions = rule.tests.iter().map(condition).collect::<Result<_, _>>()?;
    SeccompRule::new(conditions).map(Some)
}

/// Compares the low 32 bits of numbers: the kernel ignores the high ones, so they must not save a call.
fn condition(test: &Test) -> Result<SeccompCondition, BackendError> {
    let (argument, length, operator, value) = match *test {
        Test::Equal(argument, value) => (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value),
        Test::NotEqual(argument, value) => (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value),
        Test::EqualBut(argument, value, bits) => {
            (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(u64::from(!bits)), value & !bits)
        }
        Test::HasFlags(argument, flags) => {
            (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(u64::from(flags)), flags)
        }
        Test::NotNull(argument) => (argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0),
    };
    SeccompCondition::new(argument, length, operator, u64::from(value))
}

/// Kills whoever uses the calls of another architecture, such as 32-bit ones, whose numbers mean other things.
fn check_architecture(architecture: TargetArch) -> Result<BpfProgram, BackendError> {
    // Without rules seccompiler makes the check and a last instruction that returns.
    let kill = SeccompAction::KillProcess;
    let mut program =
        BpfProgram::try_from(SeccompFilter::new(BTreeMap::new(), SeccompAction::Allow, kill, architecture)?)?;
    program.pop();
    Ok(program)
}

/// Answers ENOSYS to calls that are newer than the rules, as an older kernel would.
///
/// That covers the x32 ABI as well, whose numbers have bit 30 set.
fn refuse_unknown() -> [sock_filter; 2] {
    [
        instruction(JUMP_IF_AT_LEAST, rules::NEWEST + 1, 0, 1),
        instruction(RETURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned(), 0, 0),
    ]
}

/// Jumps to the last block that starts at or below the loaded number; allows numbers below all blocks.
fn dispatch(firsts: &[i64], bodies: &[BpfProgram]) -> Result<BpfProgram, BackendError> {
    let number = |value: usize| u32::try_from(value).map_err(|_| BackendError::FilterTooLarge(value));
    let mut program = BpfProgram::new();
    let length = 2 * firsts.len() + 1;
    for (index, first) in firsts.iter().enumerate().rev() {
        let first = u32::try_from(*first).map_err(|_| BackendError::InvalidArgumentNumber)?;
        let body: usize = bodies[..index].iter().map(Vec::len).sum();
        program.push(instruction(JUMP_IF_AT_LEAST, first, 0, 1));
        // Counted from the instruction after this one.
        let distance = length + body - (program.len() + 1);
        program.push(instruction(JUMP, number(distance)?, 0, 0));
    }
    program.push(instruction(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0));
    Ok(program)
}

const fn instruction(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests;
