//! The source of all bays of the runner.

use std::time::Duration;

use runbay_model::Interaction;
use runbay_model::Limits;
use runbay_sandbox::BayLimits;
use runbay_sandbox::Clocks;
use runbay_sandbox::Invocation;
use runbay_sandbox::Isolation;
use runbay_sandbox::Report;
use runbay_sandbox::Running;
use runbay_sandbox::Sandbox;
use runbay_sandbox::Stdin;

use crate::fault::RunFault;
use crate::limits::TOOL_OUTPUT_BYTES;
use crate::limits::bay_limits;
use crate::limits::clocks;
use crate::limits::tool_bay_limits;
use crate::limits::tool_clocks;
use crate::recipe::Recipe;

/// How long a program may take to print its version on a busy machine.
const VERSION_PATIENCE: Duration = Duration::from_secs(10);

/// Starts programs that a recipe describes, each in a bay of its own.
///
/// Callers say what they want and not how a bay is made, so that bays can be made in advance.
#[derive(Debug, Clone)]
pub(crate) struct Bays {
    sandbox: Sandbox,
}

/// The purpose of a bay.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// A program in the language of this recipe.
    Program(&'a Recipe),
    /// A program that a person takes part in.
    Interactive(&'a Recipe, Interaction),
    /// A compiler or checker.
    Tool,
    /// A program of the host that prints its version.
    Version,
}

impl Bays {
    pub(crate) fn new(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    /// Starts a program within the limits of an execution.
    ///
    /// CANCEL: dropping the future kills the program.
    pub(crate) async fn start(
        &self,
        purpose: Purpose<'_>,
        limits: &Limits,
        invocation: &Invocation,
    ) -> Result<(Running, Stdin), RunFault> {
        let bay = self.sandbox.bay(purpose.bay_limits(limits)).await.map_err(RunFault::Bay)?;
        bay.start(invocation, &purpose.clocks(limits)).await.map_err(RunFault::Run)
    }

    /// Runs a program without input to its end, or until `stop`, and collects its output.
    ///
    /// CANCEL: dropping the future kills the program.
    pub(crate) async fn run(
        &self,
        purpose: Purpose<'_>,
        limits: &Limits,
        invocation: &Invocation,
        stop: impl Future<Output = ()>,
    ) -> Result<Report, RunFault> {
        let (running, stdin) = self.start(purpose, limits, invocation).await?;
        running.collect_until(stop, async { drop(stdin) }, |_| {}).await.map_err(RunFault::Run)
    }

    /// See [`Sandbox::isolation`].
    pub(crate) fn isolation(&self) -> Isolation {
        self.sandbox.isolation()
    }

    /// See [`Sandbox::lost`].
    pub(crate) async fn lost(&self) {
        self.sandbox.lost().await;
    }
}

impl Purpose<'_> {
    fn bay_limits(self, limits: &Limits) -> BayLimits {
        match self {
            Self::Program(recipe) => {
                BayLimits { data_bytes: recipe.data_bytes(limits.memory_bytes), ..bay_limits(limits) }
            }
            Self::Interactive(recipe, interaction) => {
                BayLimits { terminal: interaction.has_terminal, ..Self::Program(recipe).bay_limits(limits) }
            }
            Self::Tool | Self::Version => tool_bay_limits(limits),
        }
    }

    fn clocks(self, limits: &Limits) -> Clocks {
        match self {
            Self::Program(_) => clocks(limits),
            Self::Interactive(..) => {
                Clocks { idle: Some(Duration::from_millis(limits.idle_time_ms)), ..clocks(limits) }
            }
            Self::Tool => tool_clocks(limits),
            Self::Version => Clocks {
                wall: VERSION_PATIENCE,
                cpu: VERSION_PATIENCE,
                idle: None,
                stdout_bytes: TOOL_OUTPUT_BYTES,
                stderr_bytes: TOOL_OUTPUT_BYTES,
            },
        }
    }
}
