//! `shoal publish`: makes a torrent when a folder or file is given, uploads it through the API, and says how to seed.
//!
//! It is a client of a server like any other; nothing here touches a database.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use url::Url;

use super::torrent::{Making, read, write_new};
use super::{remark, say};

#[derive(Debug, Args)]
pub(super) struct Publish {
    /// A folder or file to make a torrent of, or a .torrent
    path: PathBuf,
    /// The dataset that it is a copy of
    #[arg(long, value_name = "SLUG")]
    dataset: String,
    /// Make that dataset, with this title, when it is not there yet
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// How the copy was acquired (Markdown)
    #[arg(long, default_value = "")]
    method: String,
    /// What is particular about this copy (Markdown)
    #[arg(long, default_value = "")]
    description: String,
    /// The server
    #[arg(
        long,
        env = "SHOAL_SERVER",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    server: Url,
    /// An API token with the scope upload
    #[arg(long, env = "SHOAL_TOKEN", hide_env_values = true, value_name = "T")]
    token: String,
    /// Where to keep the torrent that is made [default: PATH.torrent]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    making: Making,
    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,
}

impl Publish {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (torrent, bytes) = self.torrent()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answer = runtime.block_on(self.upload(&torrent, bytes))?;
        if self.json {
            say(&answer.to_string());
            return Ok(());
        }
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        say(&text("url"));
        if answer["private"] == false {
            say(&text("magnet"));
        }
        remark(&format!(
            "To seed: open {} in your BitTorrent client and choose the folder that holds {} as its place, so that it finds \
             the data there. It checks the data, announces here, and the page shows a complete copy.",
            torrent.display(),
            self.path
                .file_name()
                .map(|n| n.to_string_lossy())
                .unwrap_or_default(),
        ));
        Ok(())
    }

    /// The `.torrent` on disk and its bytes, made when `path` is not one already.
    fn torrent(&self) -> anyhow::Result<(PathBuf, Vec<u8>)> {
        let is_torrent = self
            .path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("torrent"))
            && self.path.is_file();
        if is_torrent {
            return Ok((self.path.clone(), read(&self.path)?.0));
        }
        let output = self.output.clone().unwrap_or_else(|| beside(&self.path));
        if output.exists() {
            bail!(
                "{} is already there: publish it instead, remove it, or give --output",
                output.display()
            );
        }
        let announce = self.server.join("announce")?;
        let bytes = self
            .making
            .make(&self.path, vec![announce.to_string()], Vec::new())?;
        write_new(&output, &bytes)?;
        Ok((output, bytes))
    }

    async fn upload(&self, torrent: &Path, bytes: Vec<u8>) -> anyhow::Result<Value> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("Shoal/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let datasets = self.server.join("api/v1/datasets")?;
        let dataset = self.server.join(&format!("api/v1/datasets/{}", self.dataset))?;
        if let Some(title) = &self.title {
            let found = client
                .get(dataset.clone())
                .send()
                .await
                .context("cannot reach the server")?;
            if found.status() == 404 {
                let body = json!({ "slug": self.dataset, "title": title });
                answer(
                    client
                        .post(datasets)
                        .bearer_auth(&self.token)
                        .json(&body)
                        .send()
                        .await?,
                )
                .await?;
                remark(&format!("Made the dataset {}.", self.dataset));
            }
        }
        let name = torrent
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let part = Part::bytes(bytes)
            .file_name(name)
            .mime_str("application/x-bittorrent")?;
        let form = Form::new()
            .part("torrent", part)
            .text("method", self.method.clone())
            .text("description", self.description.clone());
        let uploads = self
            .server
            .join(&format!("api/v1/datasets/{}/uploads", self.dataset))?;
        let sent = client
            .post(uploads)
            .bearer_auth(&self.token)
            .multipart(form)
            .send()
            .await;
        answer(sent.context("cannot reach the server")?).await
    }
}

/// `PATH.torrent`, beside the folder or file.
fn beside(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".torrent");
    path.with_file_name(name)
}

/// The JSON of an answer; a problem document becomes an error with its sentence.
async fn answer(response: reqwest::Response) -> anyhow::Result<Value> {
    let status = response.status();
    let text = response.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(body);
    }
    let sentence = body["detail"]
        .as_str()
        .or(body["title"].as_str())
        .unwrap_or("no reason given");
    bail!("the server refused ({}): {sentence}", status.as_u16())
}
