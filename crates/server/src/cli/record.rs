//! `shoal record verify`: whether a record or an activity was signed by whom it says, without a database and, with the
//! author's document at hand, without a network. What is checked is `shoal_federation::records::evidence`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use shoal_federation::fetch::{Client, Setup};
use shoal_federation::policy::Policy;
use shoal_federation::records::evidence::{self, Part};
use shoal_federation::vocab::exact;
use url::Url;

use super::say;
use crate::config::{Config, Overrides};

#[derive(Debug, Args)]
pub(super) struct Record {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Check who signed a record or an activity
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// The JSON as it was served, or - for standard input
    file: PathBuf,
    /// The document of the actor that signed it, instead of fetching it; give it again for each further actor
    #[arg(long, value_name = "FILE")]
    actor: Vec<PathBuf>,
    /// The edition before this one, byte for byte as it was served
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// For programs
    #[arg(long)]
    json: bool,
    /// Configuration file: whether plain http and private addresses may be fetched [default: shoal.toml, when it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Record {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Act::Verify(verify) = self.act;
        let json = verify.json;
        let checked = verify.check();
        match &checked {
            Ok(found) if json => say(&found.json().to_string()),
            Ok(found) => say(&found.text()),
            Err(error) if json => say(&json!({ "valid": false, "reason": format!("{error:#}") }).to_string()),
            Err(_) => {}
        }
        checked.map(drop)
    }
}

/// What was found to hold.
struct Found {
    parts: Vec<Part>,
    compared: bool,
}

impl Verify {
    fn check(&self) -> anyhow::Result<Found> {
        let parts = evidence::parts(&read(&self.file)?)?;
        let mut actors = Vec::new();
        for file in &self.actor {
            let actor = exact::read(&read(file)?).with_context(|| format!("{}", file.display()))?;
            actors.push(actor);
        }
        for part in parts.iter().filter(|part| part.key.is_some()) {
            let Some(owner) = &part.owner else { continue };
            let actor = match actors.iter().position(|actor| part.is_by(actor)) {
                Some(known) => &actors[known],
                None if self.actor.is_empty() => {
                    let fetched = self.fetch(owner).with_context(|| {
                        format!("{owner} cannot be fetched; if you have its document, name it with --actor")
                    })?;
                    actors.push(fetched);
                    &actors[actors.len() - 1]
                }
                None => bail!("{} is by {owner}, and no --actor is that one", part.name),
            };
            part.verify(actor, crate::clock::now())?;
        }
        if let (Some(file), Some(whole)) = (&self.previous, parts.first()) {
            whole.follows(&read(file)?)?;
        }
        Ok(Found {
            parts,
            compared: self.previous.is_some(),
        })
    }

    /// The actor's document as it is now, by the same rules by which a server fetches.
    fn fetch(&self, actor: &Url) -> anyhow::Result<Value> {
        let config = Config::load(&Overrides {
            config: self.config.clone(),
            data: None,
        })?;
        let extra_ca = config.federation.extra_ca_file.as_ref();
        let extra_ca = extra_ca
            .map(|file| std::fs::read(file).with_context(|| format!("cannot read {}", file.display())))
            .transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let policy = Policy {
                allow_http: config.federation.allow_http,
                allow_private: config.federation.allow_private_addresses.clone(),
            };
            let user_agent = format!("Shoal/{}", env!("CARGO_PKG_VERSION"));
            let client = Client::new(Setup::alone(
                policy,
                extra_ca,
                user_agent,
                Arc::new(crate::clock::now),
            ))?;
            Ok(evidence::actor(&client, actor).await?)
        })
    }
}

/// Reads a file or standard input, as much as a document may have and a byte more.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let most = exact::MOST_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let said = || format!("cannot read {}", file.display());
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(most)
            .read_to_end(&mut bytes)
            .with_context(said)?;
    } else {
        let file = std::fs::File::open(file).with_context(said)?;
        file.take(most).read_to_end(&mut bytes).with_context(said)?;
    }
    Ok(bytes)
}

impl Found {
    fn json(&self) -> Value {
        let part = |part: &Part| {
            json!({ "type": part.kind, "id": part.id.as_str(), "author": part.owner.as_ref().map(Url::as_str),
                "signed": part.key.is_some(), "key": part.key, "created": part.created,
                "version": part.member("version"), "was_revision_of": part.member("wasRevisionOf") })
        };
        let parts: Vec<Value> = self.parts.iter().map(part).collect();
        json!({ "valid": true, "parts": parts, "previous_compared": self.compared })
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            lines.push(format!("{} {}", part.kind, part.id));
            lines.extend(
                facts(part)
                    .into_iter()
                    .map(|(name, fact)| format!("  {name:<13}{fact}")),
            );
            if let Some(former) = part.member("wasRevisionOf") {
                let compared = if self.compared && index == 0 {
                    "is the file given"
                } else {
                    "not compared"
                };
                let former = former["id"].as_str().unwrap_or_default();
                lines.push(format!("  {:<13}{former} ({compared})", "after"));
            }
        }
        lines.push("Every signature holds.".to_owned());
        lines.join("\n")
    }
}

/// What is said of one part, with its name.
fn facts(part: &Part) -> Vec<(&'static str, String)> {
    let owner = part.owner.as_ref().map(Url::to_string);
    let mut facts = match (owner, &part.key) {
        (Some(owner), Some(key)) => vec![("signed by", owner), ("with the key", key.clone())],
        (owner, _) => {
            let by = owner.map(|owner| ("by", owner));
            let covered = ("signature", "none of its own; the one above covers it".to_owned());
            by.into_iter().chain([covered]).collect()
        }
    };
    facts.extend(part.created.iter().map(|time| ("made", time.clone())));
    let version = part.member("version").and_then(Value::as_u64);
    facts.extend(version.map(|version| ("edition", version.to_string())));
    facts
}
