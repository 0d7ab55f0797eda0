//! Looks at a footer before the library builds it in memory: its schema is a tree that is read with recursion, reserved
//! by its own counts, and kept with the full path of each leaf.

use super::thrift::{BINARY, Compact, Flaw, I32, LIST, STRUCT};

const MAX_DEPTH: usize = 32;
/// All paths of all leaves together.
const MAX_PATH_BYTES: usize = 16 << 20;

/// Refuses a footer that would cost more than its size.
pub(super) fn check(footer: &[u8]) -> Result<(), String> {
    let mut compact = Compact::new(footer);
    let mut last = 0;
    while let Some(field) = compact.field(&mut last)? {
        if (field.id, field.kind) == (2, LIST) {
            check_schema(&mut compact)?;
        } else {
            compact.skip(field.kind)?;
        }
    }
    Ok(())
}

/// A group that still waits for children.
struct Open {
    children: usize,
    path_bytes: usize,
}

fn check_schema(compact: &mut Compact<'_>) -> Result<(), String> {
    let (kind, count) = compact.list()?;
    if kind != STRUCT {
        return Err(Flaw::Broken.into());
    }
    let mut open: Vec<Open> = Vec::new();
    let mut path_bytes = 0_usize;
    for index in 0..count {
        let (name_bytes, children) = element(compact)?;
        let above = open.last().map_or(0, |group| group.path_bytes);
        let here = above + name_bytes + size_of::<String>();
        if let Some(group) = open.last_mut() {
            group.children -= 1;
        } else if index > 0 {
            return Err(Flaw::Broken.into());
        }
        if children > count - index {
            return Err("the schema claims more columns than it lists".to_owned());
        }
        if children > 0 {
            open.push(Open { children, path_bytes: here });
        } else {
            path_bytes = path_bytes.saturating_add(here);
        }
        while open.last().is_some_and(|group| group.children == 0) {
            open.pop();
        }
        if open.len() > MAX_DEPTH || path_bytes > MAX_PATH_BYTES {
            return Err("the schema is too deep or too wide for a preview; download the file".to_owned());
        }
    }
    if open.is_empty() { Ok(()) } else { Err(Flaw::Broken.into()) }
}

/// The length of an element's name and the number of its children.
fn element(compact: &mut Compact<'_>) -> Result<(usize, usize), Flaw> {
    let (mut name_bytes, mut children) = (0, 0);
    let mut last = 0;
    while let Some(field) = compact.field(&mut last)? {
        match (field.id, field.kind) {
            (4, BINARY) => name_bytes = compact.binary()?.len(),
            (5, I32) => children = usize::try_from(compact.i32()?).map_err(|_| Flaw::Broken)?,
            _ => compact.skip(field.kind)?,
        }
    }
    Ok((name_bytes, children))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer that is nothing but a schema of these names and numbers of children.
    fn footer(elements: &[(&str, u8)]) -> Vec<u8> {
        let mut bytes = vec![0x29, 0xfc];
        let count = elements.len();
        bytes.extend([0x80 | (count & 0x7f) as u8, 0x80 | (count >> 7 & 0x7f) as u8, (count >> 14) as u8]);
        for (name, children) in elements {
            bytes.push(0x48);
            bytes.extend([0x80 | (name.len() & 0x7f) as u8, (name.len() >> 7) as u8]);
            bytes.extend(name.as_bytes());
            bytes.extend([0x15, children * 2, 0x00]);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn a_tree_is_accepted() {
        check(&footer(&[("root", 2), ("a", 0), ("b", 1), ("c", 0)])).unwrap();
        check(&footer(&[("root", 0)])).unwrap();
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        check(&footer(&[("root", 2), ("a", 0)])).unwrap_err();
        check(&footer(&[("root", 1), ("a", 0), ("b", 0)])).unwrap_err();
        check(&footer(&[("root", 60)])).unwrap_err();
    }

    #[test]
    fn a_deep_or_repeating_schema_is_refused() {
        let mut chain = vec![("x", 1); 100];
        chain.push(("leaf", 0));
        assert!(check(&footer(&chain)).unwrap_err().contains("too deep"));
        let long = "n".repeat(10_000);
        let mut wide = vec![("root", 60)];
        for _ in 0..60 {
            wide.push((&long, 60));
            wide.extend([("leaf", 0); 60]);
        }
        assert!(check(&footer(&wide)).unwrap_err().contains("too wide"));
    }
}
