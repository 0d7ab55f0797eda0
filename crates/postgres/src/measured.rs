//! What `bench/` counts the instructions of, and nobody else calls.

use bytes::BytesMut;
use upnext_core::NewJob;

use crate::enqueue::Columns;

/// The values of the statement that enqueues these jobs, as they are sent.
///
/// # Panics
/// Never: all of these types can be sent.
#[must_use]
pub fn enqueue_values(jobs: &[NewJob]) -> BytesMut {
    let jobs: Vec<&NewJob> = jobs.iter().collect();
    let columns = Columns::of(&jobs);
    let mut sent = BytesMut::new();
    for value in columns.values(&None) {
        value.to_sql_checked(&value.kind(), &mut sent).expect("a column can be sent");
    }
    sent
}
