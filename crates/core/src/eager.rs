//! Work that begins on the caller's own thread and ends on whichever thread completes it.
//!
//! A task on the runtime costs two changes of threads before it even reaches the database, and two more on the way back.
//! For something as small as one inline artifact these cost more than the work. So it is polled right away, where it was
//! asked for, and again where it is woken: by the database's writer, when the commit is durable.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::Handle;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Nobody polls.
const IDLE: u8 = 0;
/// Somebody polls.
const POLLING: u8 = 1;
/// Somebody polls, and has to once more.
const AGAIN: u8 = 2;

struct Eager {
    runtime: Handle,
    state: AtomicU8,
    /// `None` once it is done. Only ever locked by whoever polls.
    work: Mutex<Option<Work>>,
}

/// Begins `work` on this thread. It must never block, and do little each time it is polled: whoever wakes it waits. If it
/// panics it is dropped.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let (sender, said) = std::sync::mpsc::channel();
/// upnext_core::eager::begin(runtime.handle().clone(), async move { sender.send("done").unwrap() });
/// assert_eq!(said.try_recv(), Ok("done"), "nothing had to be waited for");
/// ```
pub fn begin(runtime: Handle, work: impl Future<Output = ()> + Send + 'static) {
    let work = Mutex::new(Some(Box::pin(work) as Work));
    Arc::new(Eager { runtime, state: AtomicU8::new(IDLE), work }).wake();
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        let change = |from, to| self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        loop {
            match change(IDLE, POLLING) {
                Ok(_) => break,
                Err(AGAIN) => return,
                // Whoever polls may have come to its end in between: then this one polls after all.
                Err(_) if change(POLLING, AGAIN).is_ok() => return,
                Err(_) => {}
            }
        }
        loop {
            self.poll();
            if change(POLLING, IDLE).is_ok() {
                return;
            }
            self.state.store(POLLING, Ordering::Release);
        }
    }
}

impl Eager {
    fn poll(self: &Arc<Self>) {
        let mut slot = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(work) = slot.as_mut() else { return };
        let _entered = self.runtime.enter();
        let waker = Waker::from(Arc::clone(self));
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut Context::from_waker(&waker))));
        // A panic ends the work, and must not end the thread that happened to wake it.
        if !matches!(polled, Ok(Poll::Pending)) {
            *slot = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn run(work: impl FnOnce(mpsc::Sender<&'static str>) -> Work) -> Vec<&'static str> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (sender, said) = mpsc::channel();
        begin(runtime.handle().clone(), work(sender));
        said.iter().collect()
    }

    #[test]
    fn it_goes_on_where_it_is_woken() {
        let (wake, woken) = tokio::sync::oneshot::channel::<()>();
        let said = run(|said| {
            let told = said.clone();
            std::thread::spawn(move || {
                told.send("waking").unwrap();
                wake.send(()).unwrap();
            });
            Box::pin(async move {
                woken.await.unwrap();
                said.send("woken").unwrap();
            })
        });
        assert_eq!(said, ["waking", "woken"]);
    }

    #[test]
    fn what_wakes_itself_is_polled_to_its_end() {
        let said = run(|said| {
            Box::pin(async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                    said.send("again").unwrap();
                }
            })
        });
        assert_eq!(said, ["again"; 3]);
    }

    #[test]
    fn a_panic_ends_the_work_and_nothing_else() {
        let said = run(|said| {
            Box::pin(async move {
                said.send("before").unwrap();
                std::panic::resume_unwind(Box::new("no message"));
            })
        });
        assert_eq!(said, ["before"]);
    }

    #[test]
    fn timers_and_blocking_work_of_the_runtime_are_at_hand() {
        let said = run(|said| {
            Box::pin(async move {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                said.send(tokio::task::spawn_blocking(|| "done").await.unwrap()).unwrap();
            })
        });
        assert_eq!(said, ["done"]);
    }
}
