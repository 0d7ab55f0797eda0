//! The index behind substring search over names and labels.
//!
//! Artifacts are not put into it when they are recorded, which would cost more than the recording itself. The writer
//! does it when it has nothing else to do, and a search sees to it first that little is missing.

use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::folding::without_case;

use crate::lane::Transaction;

/// Artifacts that are put into the index in one transaction.
const BATCH: usize = 2000;

/// Shortest text that the index can find: it knows texts by runs of three characters.
pub(crate) const SHORTEST: usize = 3;

/// Adds the next artifacts to the index. True when there may be more.
pub(crate) fn index_some(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let connection = transaction.connection;
    let from = searchable(connection)?;
    let mut pending = connection.prepare_cached(include_str!("../queries/search_pending.sql"))?;
    let mut add = connection.prepare_cached(include_str!("../queries/search_add.sql"))?;
    let mut rows = pending.query(params![from, BATCH])?;
    let (mut last, mut count) = (from, 0);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        count += 1;
        add.execute(params![last, row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str_or_null()?])?;
    }
    if count > 0 {
        connection.prepare_cached(include_str!("../queries/searchable_set.sql"))?.execute([last])?;
    }
    Ok(count == BATCH)
}

/// The last artifact that is in the index.
pub(crate) fn searchable(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(include_str!("../queries/searchable.sql"))?.query_row([], |row| row.get(0))
}

/// The newest artifact.
pub(crate) fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(include_str!("../queries/search_newest.sql"))?.query_row([], |row| row.get(0))
}

/// Brings the entry of an artifact up to date, if it has one: also when the artifact is gone.
pub(crate) fn renew(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    if seq > searchable(connection)? {
        return Ok(());
    }
    connection.prepare_cached(include_str!("../queries/search_remove.sql"))?.execute([seq])?;
    let found = connection
        .prepare_cached(include_str!("../queries/search_row.sql"))?
        .query_row([seq], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)))
        .optional()?;
    if let Some((name, words)) = found {
        connection
            .prepare_cached(include_str!("../queries/search_add.sql"))?
            .execute(params![seq, name, words])?;
    }
    Ok(())
}

/// The words of a search, without letter case. No artifact holds NUL where a search looks.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| !word.is_empty())
        .map(without_case)
        .collect()
}

/// What the index is asked for: every text somewhere, or in the name alone. `None` when it cannot help.
pub(crate) fn expression(anywhere: &[String], in_name: &[String]) -> Option<String> {
    // The index's language ends at NUL. Nothing holds one, which the other filters will find.
    let fits = |text: &&String| text.chars().count() >= SHORTEST && !text.contains('\0');
    let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    let anywhere = anywhere.iter().filter(fits).map(quoted);
    let in_name = in_name.iter().filter(fits).map(|text| format!("name : {}", quoted(text)));
    let terms: Vec<String> = anywhere.chain(in_name).collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// The texts that a name must hold to fit a glob, without letter case.
pub(crate) fn literals(glob: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut characters = glob.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' => found.push(String::new()),
            '[' => {
                // A class: its first character may be `]` (after `^`), and stands for itself.
                let mut rest = characters.clone().peekable();
                let mut taken = 0;
                if rest.next_if_eq(&'^').is_some() {
                    taken += 1;
                }
                if rest.next_if_eq(&']').is_some() {
                    taken += 1;
                }
                let closes = rest.position(|character| character == ']');
                found.push(String::new());
                match closes {
                    Some(length) => drop(characters.nth(taken + length)),
                    None => break,
                }
            }
            character => {
                if let Some(last) = found.last_mut() {
                    last.push(character);
                }
            }
        }
    }
    found.iter().map(|text| without_case(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_give_the_texts_they_need() {
        let needed =
            |glob: &str| literals(glob).into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        assert_eq!(needed("*Report-*.json"), ["report-", ".json"]);
        assert_eq!(needed("a[x-z]b?c"), ["a", "b", "c"]);
        assert_eq!(needed("a[]b]c[^]d]e"), ["a", "c", "e"]);
        assert_eq!(needed("open[class"), ["open"]);
    }

    #[test]
    fn expressions_quote_what_they_are_given() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            expression(&texts(&["say \"hi\"", "ab"]), &texts(&["report"])).as_deref(),
            Some("\"say \"\"hi\"\"\" AND name : \"report\"")
        );
        assert_eq!(expression(&texts(&["ab"]), &[]), None);
    }
}
