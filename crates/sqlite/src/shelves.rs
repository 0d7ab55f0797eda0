//! Shelves: artifacts in the order of their names and sizes, for lists.
//!
//! The place of a name may be anywhere, and where very many artifacts are, each new one would write a page of an index for itself
//! alone. So these orders are tables of their own, and many artifacts are put there at a time and in the order of the shelf,
//! where neighbours share a page: by the writer when it has nothing else to do or very many have come together, and by whoever
//! lists by name or size before it looks.
//!
//! Nobody waits for a whole load of artifacts: it is put away in steps, each a transaction of its own. How far it has come is
//! kept in memory; whoever begins anew, here or in another process, finds what is there already and leaves it.

use rusqlite::{Connection, params};

use crate::lane::Transaction;

/// The writer puts artifacts away at the latest when it has recorded so many, and so many at a time. The more, the more of them
/// share a page; those who list by name or size while artifacts pour in wait for as many.
pub(crate) const LOAD: usize = 32_768;

/// Places taken in one step while others want to write, for each artifact recorded since the last step: so many that a load is on
/// all shelves before the next one has come together, and no more, since others wait for it.
pub(crate) const PLACES_PER_RECORD: usize = SHELVES.len() + 1;

/// Places taken in one step when nobody else wants to write, or somebody waits for it.
pub(crate) const LONG_STEP: usize = 2000;

/// What fills one shelf.
struct Shelf {
    /// The artifacts of a load, the last on the shelf first.
    order: &'static str,
    /// Puts one artifact in its place.
    put: &'static str,
}

const SHELVES: [Shelf; 3] = [
    Shelf {
        order: include_str!("../queries/shelve_by_name_order.sql"),
        put: include_str!("../queries/shelve_by_name.sql"),
    },
    Shelf {
        order: include_str!("../queries/shelve_by_function_order.sql"),
        put: include_str!("../queries/shelve_by_function.sql"),
    },
    Shelf {
        order: include_str!("../queries/shelve_by_size_order.sql"),
        put: include_str!("../queries/shelve_by_size.sql"),
    },
];

/// A load of artifacts on its way to the shelves.
#[derive(Debug)]
pub(crate) struct Load {
    /// The artifacts after the first and up to the second of these.
    after: i64,
    until: i64,
    /// The place in [`SHELVES`] of the one that is being filled.
    shelf: usize,
    /// What it has to get still, the next one last.
    rest: Vec<i64>,
}

impl Load {
    /// The next artifacts that are not on the shelves.
    fn next(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let after = shelved(connection)?;
        let until: Option<i64> = connection
            .prepare_cached(include_str!("../queries/shelve_next.sql"))?
            .query_row(params![after, LOAD], |row| row.get(0))?;
        let Some(until) = until else { return Ok(None) };
        let mut load = Self { after, until, shelf: 0, rest: Vec::new() };
        load.sort(connection)?;
        Ok(Some(load))
    }

    /// Puts the artifacts of the load into the order of its shelf.
    fn sort(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.rest = connection
            .prepare_cached(SHELVES[self.shelf].order)?
            .query_map([self.after, self.until], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Puts some of it away. True when there is more of it.
    fn put_some(&mut self, connection: &Connection, most: usize) -> rusqlite::Result<bool> {
        let mut put = connection.prepare_cached(SHELVES[self.shelf].put)?;
        for _ in 0..most {
            let Some(seq) = self.rest.pop() else { break };
            put.execute([seq])?;
        }
        if !self.rest.is_empty() {
            return Ok(true);
        }
        self.shelf += 1;
        if self.shelf < SHELVES.len() {
            self.sort(connection)?;
            return Ok(true);
        }
        connection.prepare_cached(include_str!("../queries/shelved_set.sql"))?.execute([self.until])?;
        Ok(false)
    }
}

/// Takes a step. True when there may be more to do.
pub(crate) fn shelve_some(transaction: &mut Transaction<'_>, most: usize) -> rusqlite::Result<bool> {
    let connection = transaction.connection;
    let load = match transaction.load.take() {
        None => Load::next(connection)?,
        begun => begun,
    };
    let Some(mut load) = load else { return Ok(false) };
    if load.put_some(connection, most)? {
        transaction.load = Some(load);
    }
    Ok(true)
}

/// The last artifact that is on the shelves with all before it.
pub(crate) fn shelved(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(include_str!("../queries/shelved.sql"))?.query_row([], |row| row.get(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
mod tests {
    use rusqlite::Connection;

    use super::{Load, shelved};

    /// Artifacts 1 to 4 of one job with the names d, b, a and c and sizes from 40 down to 10, and an upload of e, number 5, that
    /// is not whole.
    fn filled() -> Connection {
        let database = Connection::open_in_memory().unwrap();
        for migration in crate::connection::MIGRATIONS {
            database.execute_batch(migration).unwrap();
        }
        database
            .execute_batch(
                "INSERT INTO artifacts (seq, id, job, attempt, version, latest, filed, size_bytes, created_at, change, made, \
                 function, type, name)
                 SELECT value, value, 1, 1, iif(value = 5, -1, 1), value < 5, 0, 50 - 10 * value, 0, value, value, 'f', 'text', \
                 substr('dbace', value, 1) FROM json_each('[1, 2, 3, 4, 5]')",
            )
            .unwrap();
        database
    }

    fn texts(database: &Connection, sql: &str) -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// What is on the shelves, in their order.
    fn shelves(database: &Connection) -> [String; 3] {
        [
            texts(database, "SELECT name FROM artifacts_by_name ORDER BY name, seq"),
            texts(database, "SELECT name || latest FROM artifacts_by_function ORDER BY function, name, seq"),
            texts(
                database,
                "SELECT concat(size_bytes, ' ', seq, ' ') FROM artifacts_by_size ORDER BY size_bytes, seq",
            ),
        ]
        .map(|names| names.concat())
    }

    #[test]
    fn shelves_are_filled_in_their_own_order() {
        let database = filled();
        let mut load = Load::next(&database).unwrap().unwrap();
        for (most, wanted) in [(2, ["ab", "", ""]), (2, ["abcd", "", ""]), (9, ["abcd", "a1b1c1d1", ""])] {
            assert!(load.put_some(&database, most).unwrap());
            assert_eq!(shelves(&database), wanted);
        }
        assert_eq!(shelved(&database).unwrap(), 0);
        assert!(!load.put_some(&database, 9).unwrap());
        assert_eq!(shelves(&database), ["abcd", "a1b1c1d1", "10 4 20 3 30 2 40 1 "]);
        assert_eq!(shelved(&database).unwrap(), 5);
        assert!(Load::next(&database).unwrap().is_none());
    }

    #[test]
    fn what_changes_while_a_load_is_under_way_ends_up_right() {
        for steps in 0..12 {
            let database = filled();
            let mut load = Load::next(&database).unwrap().unwrap();
            for _ in 0..steps {
                load.put_some(&database, 1).unwrap();
            }
            database
                .execute_batch(
                    "DELETE FROM artifacts WHERE name = 'a';
                     UPDATE artifacts SET latest = 0 WHERE name IN ('b', 'c');
                     UPDATE artifacts SET latest = 1 WHERE name = 'c';
                     UPDATE artifacts SET latest = 1, version = 2, size_bytes = 5 WHERE name = 'e';
                     UPDATE artifacts SET size_bytes = 60 WHERE name IN ('b', 'd');",
                )
                .unwrap();
            while load.shelf < super::SHELVES.len() {
                load.put_some(&database, 1).unwrap();
            }
            let wanted = ["cde", "b0c1d1e1", "5 5 10 4 60 1 "];
            assert_eq!(shelves(&database), wanted, "changed after {steps} steps");
        }
    }

    #[test]
    fn a_load_that_was_forgotten_is_begun_anew() {
        let database = filled();
        for most in [3, 9] {
            let mut load = Load::next(&database).unwrap().unwrap();
            while load.put_some(&database, most).unwrap() && most == 9 {}
        }
        assert_eq!(shelves(&database), ["abcd", "a1b1c1d1", "10 4 20 3 30 2 40 1 "]);
    }
}
