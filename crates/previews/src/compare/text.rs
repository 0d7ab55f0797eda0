//! Two texts, line by line.

use std::time::{Duration, Instant};

use similar::{Algorithm, ChangeTag, TextDiff};

use crate::brief::brief;
use crate::text::drop_begun_character;
use crate::window::Window;
use crate::{Hunk, HunkLine, Limits, LineChange, TextDifference};

const CONTEXT_LINES: usize = 3;
/// Lines of each side. What they have in common is found with memory for each of them.
const MAX_LINES: usize = 50_000;
const LINE_CHARS: usize = 1000;

/// The hunks between the beginnings of two texts.
pub(super) fn difference(
    old: &mut Window<'_>,
    new: &mut Window<'_>,
    limits: &Limits,
    note: Option<String>,
) -> TextDifference {
    let (old_text, old_cut) = beginning(old, limits);
    let (new_text, new_cut) = beginning(new, limits);
    let deadline = old.deadline();
    // Looking for the shortest difference ends here with a longer one; half of the time is left to list it.
    let half = deadline.saturating_duration_since(Instant::now()) / 2;
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(half.max(Duration::from_millis(1)))
        .diff_lines(&old_text, &new_text);
    let mut difference = TextDifference { truncated: old_cut || new_cut, note, ..TextDifference::default() };
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => difference.added += 1,
            ChangeTag::Delete => difference.removed += 1,
            ChangeTag::Equal => {}
        }
    }
    let mut room = Room { lines: limits.changes, bytes: limits.output_bytes };
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        let mut lines = Vec::new();
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            if !room.has_line() {
                difference.truncated = true;
                break;
            }
            let text = brief(change.value().trim_end_matches(['\n', '\r']), LINE_CHARS);
            room.take(text.len());
            lines.push(HunkLine { change: line_change(change.tag()), text });
        }
        if lines.is_empty() {
            break;
        }
        difference.hunks.push(Hunk {
            old_start: start(&old_range),
            old_lines: old_range.len(),
            new_start: start(&new_range),
            new_lines: new_range.len(),
            lines,
        });
    }
    difference
}

/// Lines count from one, and an empty range stands behind the line before it.
const fn start(range: &std::ops::Range<usize>) -> usize {
    if range.start == range.end { range.start } else { range.start + 1 }
}

const fn line_change(tag: ChangeTag) -> LineChange {
    match tag {
        ChangeTag::Equal => LineChange::Context,
        ChangeTag::Insert => LineChange::Added,
        ChangeTag::Delete => LineChange::Removed,
    }
}

/// What is left of the answer.
struct Room {
    lines: usize,
    bytes: usize,
}

impl Room {
    const fn has_line(&self) -> bool {
        self.lines > 0 && self.bytes > 0
    }

    const fn take(&mut self, bytes: usize) {
        self.lines -= 1;
        self.bytes = self.bytes.saturating_sub(bytes + 32);
    }
}

/// The text up to the limit, and whether it goes on.
fn beginning(window: &mut Window<'_>, limits: &Limits) -> (String, bool) {
    window.again(limits.compared_bytes + 1);
    let mut bytes = window.head(limits.compared_bytes + 1).unwrap_or_default();
    let mut cut = bytes.len() as u64 > limits.compared_bytes || window.stopped().is_some();
    if cut {
        bytes.pop();
        drop_begun_character(&mut bytes);
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if let Some((end, _)) = text.match_indices('\n').nth(MAX_LINES - 1)
        && end + 1 < text.len()
    {
        text.truncate(end + 1);
        cut = true;
    }
    (text, cut)
}
