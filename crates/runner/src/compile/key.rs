//! The key of a compilation: equal keys give equal artefacts.

use std::fs;
use std::os::unix::fs::MetadataExt;

use runbay_sandbox::Invocation;
use runbay_sandbox::Job;
use runbay_sandbox::Runtime;
use sha2::Digest;
use sha2::Sha256;

use super::request::CompileRequest;

/// The version of the key. It must change whenever the hashed values or their order change.
const VERSION: u64 = 2;

/// A hash of everything that decides what a compiler makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// Who may use an artefact again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// The tenant whose code was compiled.
    Tenant,
    /// All tenants.
    All,
}

impl Key {
    /// Hashes the compiler, its command line, its files and its limits.
    pub(super) fn of(request: &CompileRequest<'_>, invocation: &Invocation, sharing: Sharing) -> Self {
        let CompileRequest { tenant, installed, limits, .. } = request;
        let mut hash = Hash::default();
        hash.number(VERSION);
        match sharing {
            Sharing::Tenant => hash.list([tenant.as_str()]),
            Sharing::All => hash.list::<&str>([]),
        }
        hash.bytes(installed.recipe.id.as_str());
        hash.bytes(&installed.found.version);
        // Read again each time, because a compiler may be upgraded while the service runs.
        let programs: Vec<_> = installed.found.programs.iter().chain(&installed.found.compiler).collect();
        hash.number(programs.len() as u64);
        for program in programs {
            hash.program(program);
        }
        hash.number(limits.compile_time_ms);
        hash.number(limits.compile_memory_bytes);
        hash.invocation(invocation);
        hash.number(installed.recipe.support_files.len() as u64);
        for file in &installed.recipe.support_files {
            hash.bytes(file.path.as_os_str().as_encoded_bytes());
            hash.bytes(&file.content);
        }
        Self(hash.0.finalize().into())
    }
}

/// A hash of several values. Each length comes first, so that neighbours cannot be confused.
#[derive(Default)]
struct Hash(Sha256);

impl Hash {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: impl AsRef<[u8]>) {
        self.number(bytes.as_ref().len() as u64);
        self.0.update(bytes);
    }

    fn list<T: AsRef<[u8]>>(&mut self, values: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) {
        let values = values.into_iter();
        self.number(values.len() as u64);
        for value in values {
            self.bytes(value);
        }
    }

    /// Adds the path, size and modification time of a program.
    fn program(&mut self, path: &str) {
        self.bytes(path);
        if let Ok(metadata) = fs::metadata(path) {
            self.number(metadata.size());
            self.bytes(metadata.mtime().to_le_bytes());
            self.bytes(metadata.mtime_nsec().to_le_bytes());
        }
    }

    fn invocation(&mut self, invocation: &Invocation) {
        // Without `..`, so that each new field has to be considered here. The three omitted fields are the same for all
        // requests.
        let Invocation { runtime, job } = invocation;
        let Runtime { argv, environment: common, stderr: _ } = runtime;
        let Job { files, arguments, environment, keep, unpack: _, terminal: _ } = job;
        self.list(argv);
        self.list(arguments);
        for variables in [common, environment] {
            self.number(variables.len() as u64);
            for (name, value) in variables {
                self.bytes(name);
                self.bytes(value);
            }
        }
        self.list(keep.iter().map(|path| path.as_os_str().as_encoded_bytes()).collect::<Vec<_>>());
        self.number(files.len() as u64);
        for file in files {
            self.bytes(file.name.as_os_str().as_encoded_bytes());
            self.bytes(&file.content);
        }
    }
}

#[cfg(test)]
mod tests;
