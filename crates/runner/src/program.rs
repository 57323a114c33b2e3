//! The run stage: a program that is ready, in a bay of its own.

use runbay_model::Environment;
use runbay_model::Facts;
use runbay_model::Fault;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::Sources;
use runbay_model::Verdict;
use runbay_sandbox::Artefact;
use runbay_sandbox::BayLimits;
use runbay_sandbox::RunError;
use runbay_sandbox::Sandbox;
use runbay_sandbox::Step;

use crate::amount::size;
use crate::installed::Installed;
use crate::judge::judge;
use crate::limits::bay_limits;
use crate::limits::clocks;
use crate::recipe::RunParts;
use crate::recipe::RunProgram;
use crate::runner::RunFault;

/// A program that can be run, as often as is wanted.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) installed: &'a Installed,
    pub(crate) sources: &'a Sources,
    pub(crate) environment: &'a Environment,
    pub(crate) limits: &'a Limits,
    /// What the compile stage made.
    pub(crate) artefact: Option<Artefact>,
}

impl Program<'_> {
    /// Runs the program to its end.
    ///
    /// CANCEL: dropping the future kills the program.
    pub(crate) async fn run(
        &self,
        sandbox: &Sandbox,
        args: &[String],
        stdin: &[u8],
    ) -> Result<(Verdict, Outcome), RunFault> {
        let Installed { recipe, found, .. } = self.installed;
        let job = recipe.run_job(RunParts {
            program: found.runtime.as_deref(),
            artefact: self.artefact.clone(),
            sources: self.sources,
            args,
            environment: self.environment,
            limits: self.limits,
        });
        let data_bytes = recipe.data_bytes(self.limits.memory_bytes);
        let limits = BayLimits { data_bytes, ..bay_limits(self.limits) };
        let bay = sandbox.bay(limits).await.map_err(RunFault::Bay)?;
        match runbay_sandbox::run(bay, &job, stdin, &clocks(self.limits)).await {
            Ok(report) => Ok(judge(report, self.limits, &recipe.out_of_memory)),
            Err(error) => match self.excuse(&error) {
                Some(message) => {
                    let facts = Facts { message: Some(message), ..Facts::default() };
                    let outcome = Outcome { facts, ..Outcome::default() };
                    Ok((Verdict::Failed(Fault::RuntimeError), outcome))
                }
                None => Err(RunFault::Run(error)),
            },
        }
    }

    /// Says in one sentence why a program did not start by its own fault; none if it was not its fault.
    fn excuse(&self, error: &RunError) -> Option<String> {
        let RunError::NotStarted(error) = error else {
            return None;
        };
        if error.is_disk_full() {
            return Some(format!(
                "The program's files do not fit into its limits: disk_bytes is {}, inodes is {}.",
                size(self.limits.disk_bytes),
                self.limits.inodes
            ));
        }
        let is_own = self.installed.recipe.run.program == RunProgram::Artefact;
        (is_own && error.step == Step::Execute)
            .then(|| "The code was compiled, but to something that cannot be executed.".to_owned())
    }
}
