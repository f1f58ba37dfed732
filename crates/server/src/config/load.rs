//! Puts a configuration together: defaults, then `shoal.toml`, then `SHOAL__SECTION__KEY`, then flags.
//!
//! Everything meets as one JSON tree, because its defaults name every key (an unset one is null): that is how an
//! unknown key is found and how the text of a variable gets the type of what it replaces. What the keys mean is in
//! `config.rs`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Config;

/// What a command line says over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config FILE`; without it `shoal.toml` in the working folder is read when it is there.
    pub config: Option<PathBuf>,
    /// `--data DIR`
    pub data: Option<PathBuf>,
}

/// A configuration that cannot be used: one sentence for each fault.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used:\n  {}", .faults.join("\n  "))]
pub struct ConfigError {
    /// Each names the key and says what would be right.
    pub faults: Vec<String>,
}

impl ConfigError {
    /// An error of a single fault.
    #[must_use]
    pub fn one(fault: String) -> Self {
        Self { faults: vec![fault] }
    }
}

impl Config {
    /// Reads the configuration of this process.
    ///
    /// # Errors
    /// Every fault found, each with its key.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let file = overrides.config.clone().or_else(|| {
            let usual = PathBuf::from("shoal.toml");
            usual.exists().then_some(usual)
        });
        let text = match &file {
            Some(path) => Some((path.as_path(), read(path)?)),
            None => None,
        };
        let environment: Vec<(String, String)> = std::env::vars()
            .filter(|(name, _)| name.starts_with("SHOAL__"))
            .collect();
        let mut config = Self::merge(text.as_ref().map(|(p, t)| (*p, t.as_str())), &environment)?;
        if let Some(data) = &overrides.data {
            config.data.clone_from(data);
        }
        let faults = config.faults();
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { faults })
        }
    }

    /// Lays a file's text and variables over the defaults; pure, so that tests need no process.
    ///
    /// # Errors
    /// Every unknown key, unreadable value and wrong type.
    pub fn merge(file: Option<(&Path, &str)>, environment: &[(String, String)]) -> Result<Self, ConfigError> {
        let defaults = serde_json::to_value(Self::default()).expect("plain structs are JSON");
        let mut tree = defaults.clone();
        let mut faults = Vec::new();
        if let Some((path, text)) = file {
            match toml::from_str::<Value>(text) {
                Ok(given) => lay_over(&mut tree, given, "", &mut faults),
                Err(e) => faults.push(format!("{}: {e}", path.display())),
            }
        }
        for (name, text) in environment {
            if let Some(given) = variable(name, text, &defaults, &mut faults) {
                lay_over(&mut tree, given, "", &mut faults);
            }
        }
        if !faults.is_empty() {
            return Err(ConfigError { faults });
        }
        from_tree(tree)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|e| ConfigError::one(format!("cannot read {}: {e}", path.display())))
}

/// Reads each section by itself, so that the fault of one names it and hides no other.
fn from_tree(tree: Value) -> Result<Config, ConfigError> {
    let Value::Object(sections) = tree else {
        return Err(ConfigError::one("not a table".into()));
    };
    let mut faults = Vec::new();
    for (section, value) in &sections {
        let mut alone = Map::new();
        alone.insert(section.clone(), value.clone());
        if let Err(e) = serde_json::from_value::<Config>(Value::Object(alone)) {
            faults.push(match culprit(section, value) {
                Some(key) => format!("{key}: {e}"),
                None => format!("{section}: {e}"),
            });
        }
    }
    if !faults.is_empty() {
        return Err(ConfigError { faults });
    }
    serde_json::from_value(Value::Object(sections)).map_err(|e| ConfigError::one(e.to_string()))
}

/// The key of a section whose value alone is already refused.
fn culprit(section: &str, value: &Value) -> Option<String> {
    value.as_object()?.iter().find_map(|(key, value)| {
        let tree = serde_json::json!({ section: { key: value } });
        serde_json::from_value::<Config>(tree)
            .is_err()
            .then(|| format!("{section}.{key}"))
    })
}

/// Lays `given` over `tree`, which holds every known key.
fn lay_over(tree: &mut Value, given: Value, path: &str, faults: &mut Vec<String>) {
    let (Value::Object(known), Value::Object(given)) = (tree, given) else {
        faults.push(format!("{path}: a table of settings is expected here"));
        return;
    };
    for (key, value) in given {
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match known.get_mut(&key) {
            None => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                faults.push(format!(
                    "{here}: no such setting; here there are {}",
                    names.join(", ")
                ));
            }
            Some(inner) if inner.is_object() => lay_over(inner, value, &here, faults),
            Some(inner) => *inner = value,
        }
    }
}

/// `SHOAL__TRACKER__MODE=open` as `{"tracker": {"mode": "open"}}`: numbers, booleans and lists are read as JSON where
/// the default has that type, anything else is text.
fn variable(name: &str, text: &str, defaults: &Value, faults: &mut Vec<String>) -> Option<Value> {
    let keys: Vec<String> = name
        .strip_prefix("SHOAL__")?
        .split("__")
        .map(str::to_lowercase)
        .collect();
    let default = keys.iter().try_fold(defaults, |tree, key| tree.get(key));
    let Some(default) = default else {
        faults.push(format!("{name}: no such setting ({})", keys.join(".")));
        return None;
    };
    let value = match default {
        Value::String(_) | Value::Null => Value::String(text.to_owned()),
        _ => match serde_json::from_str(text) {
            Ok(value) => value,
            Err(e) => {
                faults.push(format!(
                    "{name}: {text:?} is not valid JSON ({e}); lists look like [\"a\", \"b\"]"
                ));
                return None;
            }
        },
    };
    Some(
        keys.into_iter()
            .rev()
            .fold(value, |inner, key| serde_json::json!({ key: inner })),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EXAMPLE, TrackerMode};

    fn faults(result: Result<Config, ConfigError>) -> String {
        result.expect_err("must be refused").faults.join("\n")
    }

    #[test]
    fn the_printed_example_is_the_default_and_names_every_key() {
        let read = Config::merge(Some((Path::new("example"), EXAMPLE)), &[]).expect("the example is valid");
        assert_eq!(read, Config::default());
        let tree = serde_json::to_value(Config::default()).expect("JSON");
        for (section, value) in tree.as_object().expect("a table") {
            assert_named(section, value);
        }
    }

    /// Checks that the example has each key of a section and of the sections inside.
    fn assert_named(section: &str, value: &Value) {
        for (key, value) in value.as_object().into_iter().flatten() {
            if value.is_object() {
                assert_named(&format!("{section}.{key}"), value);
                continue;
            }
            let after = EXAMPLE.split(&format!("[{section}]")).nth(1);
            let after = after.expect("the section is there");
            let part = after.split("\n[").next().unwrap_or(after);
            assert!(
                part.contains(&format!("{key} = ")),
                "{section}.{key} is not in shoal.example.toml"
            );
        }
    }

    #[test]
    fn variables_win_over_the_file_and_take_the_type_of_the_default() {
        let file = "[instance]\ntitle = \"from file\"\n[tracker]\nmode = \"closed\"";
        let variables = [
            ("SHOAL__TRACKER__MODE", "open"),
            ("SHOAL__INSTANCE__TITLE", "2024"),
            ("SHOAL__TRACKER__INTERVAL", "900"),
            ("SHOAL__FEDERATION__ALLOW_PRIVATE_ADDRESSES", "[\"127.0.0.0/8\"]"),
        ];
        let variables = variables.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let config = Config::merge(Some((Path::new("f"), file)), &variables).expect("valid");
        assert_eq!(config.tracker.mode, TrackerMode::Open);
        assert_eq!(config.instance.title, "2024");
        assert_eq!(config.tracker.interval, 900);
        assert_eq!(config.federation.allow_private_addresses.len(), 1);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_named() {
        let said = faults(Config::merge(
            Some((Path::new("f"), "[tracker]\nmoode = \"open\"")),
            &[],
        ));
        assert!(said.contains("tracker.moode") && said.contains("mode"), "{said}");
        let said = faults(Config::merge(
            Some((Path::new("f"), "[http]\nlisten = \"nowhere\"")),
            &[],
        ));
        assert!(said.contains("http.listen"), "{said}");
        let said = faults(Config::merge(None, &[("SHOAL__HTTP__PORT".into(), "1".into())]));
        assert!(said.contains("SHOAL__HTTP__PORT"), "{said}");
        let said = faults(Config::merge(
            None,
            &[("SHOAL__HTTP__WORKERS".into(), "two".into())],
        ));
        assert!(said.contains("SHOAL__HTTP__WORKERS"), "{said}");
    }

    #[test]
    fn a_base_url_with_a_path_is_a_fault() {
        let file = "[instance]\nurl = \"https://archive.example/shoal\"";
        let config = Config::merge(Some((Path::new("f"), file)), &[]).expect("it reads");
        assert!(config.faults().iter().any(|f| f.contains("instance.url")));
    }
}
