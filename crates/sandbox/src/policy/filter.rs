//! The system call filter, compiled from [`super::rules`].
//!
//! seccompiler turns rules into a program that compares one call number after the other. The kernel runs it for every
//! number when it is installed, to know which calls are always allowed; with one long program that takes longer than
//! all mounts of a bay. So the rules are compiled in blocks of neighbouring numbers, and a dispatch in front jumps to
//! the block that a number belongs to.

use std::collections::BTreeMap;

use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;

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
use super::rules::Answer;
use super::rules::Rule;
use super::rules::Test;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;

/// The most system calls in one block.
const BLOCK: usize = 6;

// Instructions of the kernel's filter machine (linux/bpf_common.h).
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Stands in a compiled block for "go on with the next block" until that is known; no rule answers so.
const NEXT: u32 = libc::SECCOMP_RET_TRACE | 1;

/// Stands there for "ask the listener", which seccompiler has no word for.
const ASK: u32 = libc::SECCOMP_RET_TRACE | 2;

/// The filter of every program.
pub(crate) struct Filter(BpfProgram);

impl Filter {
    /// Compiles the rules for this machine; `one_user` tells whether all bays are one user of the host.
    pub(crate) fn compile(one_user: bool) -> Result<Self, StepError> {
        compile(one_user).map(Self).map_err(|_| StepError::new(Step::CompileFilter, Errno::INVAL))
    }

    /// Installs the filter for the calling thread and all its children, for ever.
    ///
    /// Returns what hears of the calls that are counted (seccomp_unotify(2), Linux 5.5). Fails with `BUSY` where somebody
    /// outside listens to calls of this process already.
    pub(crate) fn install(&self) -> Result<OwnedFd, Errno> {
        // A signal must not make a call that was heard of begin again (Linux 5.19).
        match self.install_with(libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
            Err(Errno::INVAL) => self.install_with(0),
            result => result,
        }
    }

    fn install_with(&self, flags: libc::c_ulong) -> Result<OwnedFd, Errno> {
        let length = u16::try_from(self.0.len()).map_err(|_| Errno::INVAL)?;
        // The kernel only reads it.
        let program = libc::sock_fprog { len: length, filter: self.0.as_ptr().cast_mut().cast() };
        let flags = flags | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        // SAFETY: the program's pointer leads to as many instructions as it says; both have the kernel's layout.
        let fd = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
        let fd = i32::try_from(fd).map_err(|_| Errno::INVAL)?;
        if fd < 0 {
            return Err(last_errno());
        }
        // SAFETY: the kernel has just made this fd, and nothing else owns it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// What becomes of neighbouring call numbers.
struct Block {
    first: i64,
    /// One after the other; where there are several, there is one call.
    stages: Vec<Stage>,
}

/// Rules with the same answer.
struct Stage {
    answer: Answer,
    rules: BTreeMap<i64, Vec<SeccompRule>>,
}

fn compile(one_user: bool) -> Result<BpfProgram, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let mut program = check_architecture(architecture)?;
    let start = program.len();
    let mut bodies = Vec::new();
    let mut firsts = Vec::new();
    for block in blocks(one_user)? {
        firsts.push(block.first);
        bodies.push(body(block, architecture, start)?);
    }
    program.push(instruction(LOAD, 0, 0, 0));
    program.extend(refuse_unknown());
    program.extend(dispatch(&firsts, &bodies)?);
    program.extend(bodies.into_iter().flatten());
    Ok(program)
}

/// Compiles a block; each of its stages leads to the next one, and the last one to leave.
fn body(block: Block, architecture: TargetArch, start: usize) -> Result<BpfProgram, BackendError> {
    let mut body = BpfProgram::new();
    let last = block.stages.len() - 1;
    for (index, stage) in block.stages.into_iter().enumerate() {
        let otherwise = if index == last { SeccompAction::Allow } else { placeholder(NEXT) };
        let action = match stage.answer {
            Answer::Errno(error) => SeccompAction::Errno(error.cast_unsigned()),
            Answer::Counted => placeholder(ASK),
        };
        let filter = SeccompFilter::new(stage.rules, otherwise, action, architecture)?;
        // Each starts with the check that the whole program starts with; once is enough.
        let mut stage = BpfProgram::try_from(filter)?.split_off(start);
        let length = stage.len();
        for (at, place) in stage.iter_mut().enumerate().filter(|(_, place)| place.code == RETURN) {
            match place.k {
                NEXT => *place = instruction(JUMP, number(length - at - 1)?, 0, 0),
                ASK => place.k = libc::SECCOMP_RET_USER_NOTIF,
                _ => {}
            }
        }
        body.extend(stage);
    }
    Ok(body)
}

fn placeholder(answer: u32) -> SeccompAction {
    SeccompAction::Trace(answer & libc::SECCOMP_RET_DATA)
}

/// Sorts the rules by call number and cuts them where the answer changes or a block is full.
fn blocks(one_user: bool) -> Result<Vec<Block>, BackendError> {
    let mut by_call = BTreeMap::<i64, Vec<(Answer, Vec<SeccompRule>)>>::new();
    let lists = rules::ALL.iter().chain(if one_user { rules::ONE_USER } else { &[] });
    for (answer, rules) in lists {
        for rule in *rules {
            let stages = by_call.entry(rule.call).or_default();
            if stages.last().is_none_or(|(last, _)| last != answer) {
                stages.push((*answer, Vec::new()));
            }
            // An empty list matches always.
            stages.last_mut().expect("one was pushed").1.extend(compile_tests(rule)?);
        }
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (call, stages) in by_call {
        match (blocks.last_mut().map(|block| &mut *block.stages), &*stages) {
            (Some([last]), [(answer, rules)]) if last.answer == *answer && last.rules.len() < BLOCK => {
                last.rules.insert(call, rules.clone());
            }
            _ => {
                let stages = stages.into_iter();
                let stages = stages.map(|(answer, rules)| Stage { answer, rules: BTreeMap::from([(call, rules)]) });
                blocks.push(Block { first: call, stages: stages.collect() });
            }
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
        Test::AtLeast(argument, value) => (argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Ge, value),
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

fn number(value: usize) -> Result<u32, BackendError> {
    u32::try_from(value).map_err(|_| BackendError::FilterTooLarge(value))
}

const fn instruction(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests;
