//! The two sets of migrations side by side: the same steps, and after them the same tables with the same columns.
//!
//! Only the full-text index differs by nature: virtual tables on SQLite, generated `tsvector` columns on PostgreSQL.
//! Both kinds are passed over. Next in the flow: `documents.rs`, the pages for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{Faults, root};

/// The columns of each table.
type Tables = BTreeMap<String, BTreeSet<String>>;

/// Words that open a line of a table which is no column.
const CONSTRAINTS: &[&str] = &["primary", "unique", "foreign", "check", "constraint", "exclude"];

fn steps(backend: &str) -> Vec<String> {
    let folder = root().join("migrations").join(backend);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn tables(backend: &str) -> Tables {
    let mut tables = Tables::new();
    for step in steps(backend) {
        let path = root().join("migrations").join(backend).join(&step).join("up.sql");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for statement in statements(&text) {
            read_statement(&statement, &mut tables);
        }
    }
    tables
}

/// The statements of a script in lower case, without comments; what stands between `$$` or in a trigger is not ours to
/// read and passes through as scraps that match nothing.
fn statements(text: &str) -> Vec<String> {
    let without_comments: Vec<&str> = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or(""))
        .collect();
    let joined = without_comments.join(" ").to_lowercase();
    joined
        .split(';')
        .map(|statement| statement.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn read_statement(statement: &str, tables: &mut Tables) {
    if let Some(rest) = statement.strip_prefix("create table ") {
        let rest = rest.trim_start_matches("if not exists ");
        let Some((name, body)) = rest.split_once('(') else {
            return;
        };
        let body = body.rsplit_once(')').map_or(body, |(inside, _)| inside);
        let columns = top_level(body)
            .into_iter()
            .filter_map(|part| column(&part))
            .collect();
        tables.insert(bare(name), columns);
    } else if let Some(rest) = statement.strip_prefix("alter table ") {
        let Some((name, change)) = rest.split_once(' ') else {
            return;
        };
        let columns = tables.entry(bare(name)).or_default();
        for part in top_level(change) {
            let added = part
                .trim()
                .strip_prefix("add ")
                .map(|added| added.trim_start_matches("column "));
            columns.extend(added.and_then(column));
        }
    } else if let Some(rest) = statement.strip_prefix("drop table ") {
        tables.remove(&bare(rest.trim_start_matches("if exists ")));
    }
}

/// The parts between commas that stand in no bracket.
fn top_level(body: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0i32);
    for letter in body.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts
}

fn column(part: &str) -> Option<String> {
    let part = part.trim();
    let name = part.split([' ', '(']).next().filter(|name| !name.is_empty())?;
    let generated = part.contains("tsvector");
    (!CONSTRAINTS.contains(&name) && !generated).then(|| bare(name))
}

fn bare(name: &str) -> String {
    name.trim().trim_matches('"').to_owned()
}

#[test]
fn both_databases_take_the_same_steps() {
    assert_eq!(steps("sqlite"), steps("postgres"));
    let mut faults = Faults::default();
    for backend in ["sqlite", "postgres"] {
        for step in steps(backend) {
            for half in ["up.sql", "down.sql"] {
                let path = root().join("migrations").join(backend).join(&step).join(half);
                if !path.is_file() {
                    faults.add(format!("{} is missing", path.display()));
                }
            }
        }
    }
    faults.report();
}

#[test]
fn both_databases_end_with_the_same_tables_and_columns() {
    let (sqlite, postgres) = (tables("sqlite"), tables("postgres"));
    assert!(
        !sqlite.is_empty(),
        "no table was found: this test no longer reads the migrations"
    );
    let mut faults = Faults::default();
    for name in sqlite.keys().chain(postgres.keys()).collect::<BTreeSet<_>>() {
        match (sqlite.get(name), postgres.get(name)) {
            (Some(one), Some(other)) => {
                for column in one.symmetric_difference(other) {
                    let only = if one.contains(column) {
                        "SQLite"
                    } else {
                        "PostgreSQL"
                    };
                    faults.add(format!("{name}.{column}: only on {only}"));
                }
            }
            (Some(_), None) => faults.add(format!("table {name}: only on SQLite")),
            _ => faults.add(format!("table {name}: only on PostgreSQL")),
        }
    }
    faults.report();
}

#[test]
fn a_table_is_read_as_it_is_written() {
    let mut tables = Tables::new();
    let text = "CREATE TABLE a (id TEXT PRIMARY KEY, -- why, oh why
        n INTEGER CHECK (n IN (1, 2)), words tsvector GENERATED ALWAYS AS (x) STORED, UNIQUE (id, n));
        ALTER TABLE a ADD COLUMN m BIGINT; CREATE TABLE gone (id TEXT); DROP TABLE gone;";
    statements(text)
        .iter()
        .for_each(|statement| read_statement(statement, &mut tables));
    let columns: Vec<&str> = tables["a"].iter().map(String::as_str).collect();
    assert_eq!((tables.len(), columns), (1, vec!["id", "m", "n"]));
}
