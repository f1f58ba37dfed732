//! `shoal torrent create | show | verify`: torrents without a server.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use shoal_torrent::check::FileState;
use shoal_torrent::{Format, Limits, Metainfo, check, create};

use super::{remark, say};
use crate::clock::hex;
use crate::progress::Progress;

#[derive(Debug, Args)]
pub(super) struct Torrent {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a torrent of a file or folder
    Create {
        path: PathBuf,
        /// Where to write it [default: NAME.torrent in the working folder]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        making: Making,
        /// Announce URL; give it again for more, each a tier of its own
        #[arg(long, value_name = "URL")]
        tracker: Vec<String>,
        /// URL under which the same files can be fetched (BEP 19)
        #[arg(long, value_name = "URL")]
        web_seed: Vec<String>,
    },
    /// Say what is in a torrent
    Show {
        file: PathBuf,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Check data on disk against a torrent
    Verify { file: PathBuf, path: PathBuf },
}

/// How a torrent is made; shared with `publish`.
#[derive(Clone, Debug, Args)]
pub(super) struct Making {
    /// v1, v2 or hybrid
    #[arg(long, default_value = "hybrid", value_parser = format)]
    format: Format,
    /// Bytes a piece, a power of two from 16384 on, or auto
    #[arg(long, default_value = "auto", value_name = "N", value_parser = piece_length)]
    piece_length: PieceLength,
    /// Ask clients to find peers by the torrent's trackers only (BEP 27); the server's serves it to members
    #[arg(long)]
    private: bool,
}

#[derive(Clone, Copy, Debug)]
struct PieceLength(Option<u32>);

fn format(text: &str) -> Result<Format, String> {
    match text {
        "v1" => Ok(Format::V1),
        "v2" => Ok(Format::V2),
        "hybrid" => Ok(Format::Hybrid),
        _ => Err("must be v1, v2 or hybrid".into()),
    }
}

fn piece_length(text: &str) -> Result<PieceLength, String> {
    if text == "auto" {
        return Ok(PieceLength(None));
    }
    text.parse()
        .map(|n| PieceLength(Some(n)))
        .map_err(|_| "must be a number of bytes, or auto".into())
}

impl Making {
    /// Hashes `path` with a progress bar and returns the bytes of the `.torrent`.
    pub(super) fn make(
        &self,
        path: &Path,
        trackers: Vec<String>,
        web_seeds: Vec<String>,
    ) -> anyhow::Result<Vec<u8>> {
        let options = create::Options {
            format: self.format,
            piece_length: self.piece_length.0,
            trackers: trackers.into_iter().map(|url| vec![url]).collect(),
            web_seeds,
            private: self.private,
            created_by: Some(format!("Shoal {}", env!("CARGO_PKG_VERSION"))),
            creation_date: Some(crate::clock::now() / 1000),
            ..create::Options::default()
        };
        let progress = Progress::new("hashing");
        let made = create::create(path, &options, &|step| progress.show(step.done, step.total));
        progress.finish();
        made.with_context(|| format!("cannot make a torrent of {}", path.display()))
    }
}

/// Reads and parses a `.torrent`, refusing anything larger than its limit before reading it. The limits are those for a
/// file of one's own: a server takes less from a stranger.
pub(super) fn read(file: &Path) -> anyhow::Result<(Vec<u8>, Metainfo)> {
    let said = || format!("cannot read {}", file.display());
    let size = std::fs::metadata(file).with_context(said)?.len();
    let limit = Limits::LOCAL.bytes as u64;
    if size > limit {
        bail!("{} has {size} bytes; up to {limit} are read", file.display());
    }
    let bytes = std::fs::read(file).with_context(said)?;
    let metainfo = Metainfo::parse_within(&bytes, &Limits::LOCAL)
        .with_context(|| format!("{} is refused", file.display()))?;
    Ok((bytes, metainfo))
}

/// Writes a file that is not there yet.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    let said = || format!("cannot write {}", file.display());
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .with_context(said)?;
    out.write_all(bytes)
        .and_then(|()| out.sync_all())
        .with_context(said)
}

impl Torrent {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self.act {
            Act::Create {
                path,
                output,
                making,
                tracker,
                web_seed,
            } => {
                let bytes = making.make(&path, tracker, web_seed)?;
                let metainfo = Metainfo::parse_within(&bytes, &Limits::LOCAL)?;
                let output = output.unwrap_or_else(|| PathBuf::from(format!("{}.torrent", metainfo.name())));
                write_new(&output, &bytes)?;
                remark(&format!("Wrote {}.", output.display()));
                say(&metainfo.magnet().to_string());
            }
            Act::Show { file, json } => {
                let (_, metainfo) = read(&file)?;
                say(&if json {
                    json_of(&metainfo).to_string()
                } else {
                    text_of(&metainfo)
                });
            }
            Act::Verify { file, path } => verify(&file, &path)?,
        }
        Ok(())
    }
}

fn verify(file: &Path, path: &Path) -> anyhow::Result<()> {
    let (_, metainfo) = read(file)?;
    let progress = Progress::new("checking");
    let report = check::check(&metainfo, path, &|step| progress.show(step.done, step.total));
    progress.finish();
    let report = report?;
    for file in &report.files {
        if let Some(fault) = fault(&file.state) {
            say(&format!("{fault}: {}", file.path));
        }
    }
    if !report.is_complete() {
        bail!(
            "{} is not what {} describes: {} of {} pieces are missing or wrong",
            path.display(),
            file.display(),
            report.bad_pieces,
            report.pieces
        );
    }
    say("Every byte is as the torrent says.");
    Ok(())
}

/// What is wrong with a file, in a few words.
fn fault(state: &FileState) -> Option<String> {
    match state {
        FileState::Whole => None,
        FileState::Missing => Some("missing".into()),
        FileState::WrongSize { found } => Some(format!("has {found} bytes")),
        FileState::NotAFile => Some("not a file".into()),
        FileState::Unreadable(why) => Some(format!("cannot be read ({why})")),
        FileState::Damaged { bad_pieces } => Some(format!("damaged in {bad_pieces} pieces")),
        FileState::Unproven { pieces } => Some(format!("cannot be proven in {pieces} pieces")),
        _ => Some("not as it should be".into()),
    }
}

fn json_of(metainfo: &Metainfo) -> serde_json::Value {
    let files: Vec<_> = metainfo
        .files()
        .iter()
        .map(|file| {
            serde_json::json!({ "path": file.path.to_vec(), "size": file.size,
                "pieces_root": file.pieces_root.map(hex), "pad": file.pad })
        })
        .collect();
    serde_json::json!({
        "format": metainfo.format().as_str(),
        "name": metainfo.name(),
        "info_hash_v1": metainfo.info_hash_v1().map(|h| h.to_string()),
        "info_hash_v2": metainfo.info_hash_v2().map(|h| h.to_string()),
        "piece_length": metainfo.piece_length(),
        "total_size": metainfo.total_size(),
        "private": metainfo.private(),
        "trackers": metainfo.trackers(),
        "web_seeds": metainfo.web_seeds(),
        "files": files,
    })
}

fn text_of(metainfo: &Metainfo) -> String {
    let mut lines = vec![
        format!("name          {}", metainfo.name()),
        format!("format        {}", metainfo.format().as_str()),
        format!(
            "size          {} bytes in {} pieces of {}",
            metainfo.total_size(),
            metainfo.piece_count(),
            metainfo.piece_length()
        ),
    ];
    lines.extend(
        metainfo
            .info_hash_v1()
            .map(|hash| format!("info-hash v1  {hash}")),
    );
    lines.extend(
        metainfo
            .info_hash_v2()
            .map(|hash| format!("info-hash v2  {hash}")),
    );
    lines.extend(
        metainfo
            .trackers()
            .iter()
            .map(|tier| format!("trackers      {}", tier.join("  "))),
    );
    lines.extend(
        metainfo
            .web_seeds()
            .iter()
            .map(|url| format!("web seed      {url}")),
    );
    if metainfo.private() {
        lines.push("private       yes (BEP 27)".into());
    }
    lines.push(format!("magnet        {}", metainfo.magnet()));
    let content = metainfo.files().iter().filter(|file| !file.pad);
    lines.extend(content.map(|file| format!("{:>16}  {}", file.size, file.path)));
    lines.join("\n")
}
