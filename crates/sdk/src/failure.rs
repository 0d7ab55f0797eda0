//! What becomes of the error that a task returned: its line, its causes, and whether another attempt makes sense.

use std::error::Error as StdError;
use std::fmt;

use upnext_core::Outcome;

/// Causes of causes that are written down at most.
const MOST_CAUSES: usize = 50;

/// An error after which another attempt makes no sense: the job fails at once, whatever `retries` says.
///
/// It shows as the error inside of it, and counts wherever it stands among the causes of what a task returns. So it
/// passes through `?` into `Box<dyn Error>`, `anyhow::Error` and errors of your own.
///
/// ```
/// use upnext::GiveUp;
///
/// #[upnext::task(retries = 5)]
/// async fn charge(cents: i64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     if cents <= 0 {
///         return Err(GiveUp::new(format!("{cents} cents cannot be charged")).into());
///     }
///     let rate: f64 = "1.5".parse().map_err(GiveUp::new)?;
/// #   let _ = rate;
///     Ok(())
/// }
/// # assert_eq!(GiveUp::new("no").to_string(), "no");
/// ```
#[derive(Debug)]
pub struct GiveUp(Box<dyn StdError + Send + Sync>);

impl GiveUp {
    /// Marks an error, or a text, as final.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for GiveUp {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// The end of an attempt that failed: one line, its causes, and whether to try again.
///
/// Tasks may return it themselves; every error turns into it with `?`.
///
/// ```
/// use upnext::TaskFailure;
///
/// #[upnext::task(retries = 5)]
/// async fn parse(text: String) -> Result<i64, TaskFailure> {
///     if text.is_empty() {
///         return Err(TaskFailure::give_up("there is nothing to parse"));
///     }
///     Ok(text.parse()?)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFailure {
    error: String,
    causes: Option<String>,
    retryable: bool,
}

impl TaskFailure {
    /// A failure that is retried as the task's policy says.
    #[must_use]
    pub fn new(error: impl fmt::Display) -> Self {
        Self { error: error.to_string(), causes: None, retryable: true }
    }

    /// A failure after which no attempt follows.
    #[must_use]
    pub fn give_up(error: impl fmt::Display) -> Self {
        Self { retryable: false, ..Self::new(error) }
    }

    /// The failure that an error means: with its causes, and final if one of them is a [`GiveUp`].
    #[must_use]
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes: Vec<_> =
            std::iter::successors(error.source(), |cause| (*cause).source()).take(MOST_CAUSES).collect();
        let final_for_good = error.is::<GiveUp>() || causes.iter().any(|cause| cause.is::<GiveUp>());
        let mut lines = vec![error.to_string()];
        lines.extend(causes.iter().map(|cause| format!("caused by: {cause}")));
        Self {
            causes: (!causes.is_empty()).then(|| lines.join("\n")),
            retryable: !final_for_good,
            ..Self::new(error)
        }
    }

    /// True when the task's policy may try again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.retryable
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        Outcome::Failed { error: self.error, traceback: self.causes, retryable: self.retryable }
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

// Not an error itself, so that every error can turn into it.
impl<E: StdError + 'static> From<E> for TaskFailure {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// An error of any type as a task returned it. The traits below give it the most telling conversion that its type has:
/// the compiler looks through the references from the outermost.
#[derive(Debug)]
pub struct Thrown<'a, E>(pub &'a E);

macro_rules! conversions {
    ($($(#[$doc:meta])* $name:ident)+) => {
        $($(#[$doc])*
        pub trait $name {
            /// The failure that the error means.
            fn failure(&self) -> TaskFailure;
        })+
    };
}

conversions! {
    /// It is a failure already.
    ThrownFailure
    /// It is an error with causes.
    ThrownError
    /// It holds an error that other threads may see (`anyhow::Error`).
    ThrownShared
    /// It holds an error (`Box<dyn Error>`).
    ThrownBox
    /// It can be shown, and that is all.
    ThrownText
}

impl ThrownFailure for &&&&Thrown<'_, TaskFailure> {
    fn failure(&self) -> TaskFailure {
        self.0.clone()
    }
}

impl<E: StdError + 'static> ThrownError for &&&Thrown<'_, E> {
    fn failure(&self) -> TaskFailure {
        TaskFailure::of(self.0)
    }
}

impl<E: AsRef<dyn StdError + Send + Sync>> ThrownShared for &&Thrown<'_, E> {
    fn failure(&self) -> TaskFailure {
        TaskFailure::of(self.0.as_ref())
    }
}

impl<E: AsRef<dyn StdError>> ThrownBox for &Thrown<'_, E> {
    fn failure(&self) -> TaskFailure {
        TaskFailure::of(self.0.as_ref())
    }
}

impl<E: fmt::Display> ThrownText for Thrown<'_, E> {
    fn failure(&self) -> TaskFailure {
        TaskFailure::new(self.0)
    }
}
