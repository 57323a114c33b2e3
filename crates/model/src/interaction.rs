//! Runs that a person takes part in.

use std::str::FromStr;

use crate::UnknownWord;

/// How a person takes part in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Interaction {
    /// Whether the language's own prompt is run, with the code loaded, in place of the program alone.
    pub is_repl: bool,
    /// Whether the program has a terminal for its input and output.
    pub has_terminal: bool,
}

/// What a person sends to a program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveInput {
    /// The next bytes of its standard input, at most [`LiveInput::MOST_BYTES`].
    Stdin(Vec<u8>),
    /// The end of its standard input.
    EndOfFile,
    /// A signal for its processes.
    Signal(ProgramSignal),
    /// The size of its terminal.
    Resize(WindowSize),
    /// Nothing: somebody is connected.
    Presence,
    /// A signal, and some time later the end of the run as cancelled.
    Stop(ProgramSignal),
}

impl LiveInput {
    /// The most bytes of one piece of standard input.
    pub const MOST_BYTES: usize = 16 * 1024;
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

impl Default for WindowSize {
    /// The size of the terminals that programs are written for.
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A signal that a client may send to a program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProgramSignal {
            $($(#[$doc])* $name,)*
        }

        impl ProgramSignal {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the name, as in signal(7).
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

signals! {
    /// What Ctrl-C sends.
    Interrupt = "SIGINT",
    /// A request to end.
    Terminate = "SIGTERM",
    /// What Ctrl-\ sends.
    Quit = "SIGQUIT",
    /// The terminal is gone.
    HangUp = "SIGHUP",
    /// For the program's own use.
    User1 = "SIGUSR1",
    /// For the program's own use.
    User2 = "SIGUSR2",
    /// The end.
    Kill = "SIGKILL",
}

impl FromStr for ProgramSignal {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|signal| signal.as_str() == name).ok_or_else(|| UnknownWord(name.to_owned()))
    }
}

impl Interaction {
    /// Returns the word that stores it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match (self.is_repl, self.has_terminal) {
            (false, false) => "pipes",
            (true, false) => "repl",
            (false, true) => "terminal",
            (true, true) => "repl_terminal",
        }
    }
}

impl FromStr for Interaction {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let all = [(false, false), (true, false), (false, true), (true, true)];
        let all = all.map(|(is_repl, has_terminal)| Self { is_repl, has_terminal });
        all.into_iter().find(|known| known.as_str() == word).ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for is_repl in [false, true] {
            for has_terminal in [false, true] {
                let interaction = Interaction { is_repl, has_terminal };
                assert_eq!(interaction.as_str().parse(), Ok(interaction));
            }
        }
        for signal in ProgramSignal::ALL {
            assert_eq!(signal.as_str().parse(), Ok(*signal));
        }
        assert!("SIGSTOP".parse::<ProgramSignal>().is_err());
        assert!("".parse::<Interaction>().is_err());
    }
}
