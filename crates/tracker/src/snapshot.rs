//! Swarms over a restart: written shard by shard while the tracker works, and read back before it serves. What is listed
//! and how many downloads were completed is the store's, and not in here.
//!
//! The format: eight bytes `SHOALSW` and the version; then blocks of a length (u32), the checksum of all that was
//! written so far (u64), and so many bytes; a block of length 0 ends it. A block holds runs: a key (20), the number of
//! peers (u32), and for each peer its family (4 or 6), address, port and meta, the time in which is an age. Numbers are
//! little-endian, addresses and ports in network order.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use shoal_torrent::SwarmKey;
use thiserror::Error;

use crate::mix::Checksum;
use crate::peer::{Meta, Peer, Record};
use crate::shard::{Shard, swarm_at};
use crate::swarm::{Position, Visit};
use crate::sweep::Cursor;
use crate::time::{Seconds, Tick};
use crate::torrents::{Holding, Torrent};
use crate::tracker::Tracker;

const NAME: &[u8; 7] = b"SHOALSW";
const VERSION: u8 = 2;

/// A block is written when it has so many bytes.
const BLOCK: usize = 64 << 10;

/// No block is longer than this.
const LONGEST_BLOCK: usize = 1 << 20;

/// Why a snapshot was not restored. The swarms are empty then, and fill again as clients announce.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// It is something else.
    #[error("this is not a snapshot of swarms")]
    NotASnapshot,
    /// A later version of the program wrote it.
    #[error(
        "this snapshot of swarms has version {0}, which a newer Shoal wrote; this one reads version {VERSION}"
    )]
    Newer(u8),
    /// An earlier version of the program wrote it.
    #[error(
        "this snapshot of swarms has version {0}, which an older Shoal wrote; this one reads version {VERSION}, and swarms \
         fill again as clients announce"
    )]
    Older(u8),
    /// It was cut short or changed.
    #[error("this snapshot of swarms is damaged")]
    Damaged,
    /// It could not be read.
    #[error("a snapshot of swarms could not be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged,
            _ => Self::Io(error),
        }
    }
}

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Peers that are back.
    pub peers: u64,
    /// Peers that are not: their torrent is no longer served, or a limit is lower now.
    pub left_out: u64,
}

impl Tracker {
    /// Writes all swarms, and says how many peers. Announces go on meanwhile; each waits for some thousand peers at most.
    ///
    /// # Errors
    /// What the writer says.
    pub fn snapshot(&self, now: Seconds, mut out: impl Write) -> io::Result<u64> {
        let mut scribe = Scribe {
            now: Tick::of(now),
            block: Vec::new(),
            run: Vec::new(),
            in_run: 0,
            peers: 0,
        };
        let mut checksum = Checksum::new();
        out.write_all(NAME)?;
        out.write_all(&[VERSION])?;
        for shard in &self.shards {
            let mut cursor = Cursor::default();
            loop {
                let is_done = shard.0.lock().copy(&mut cursor, &mut scribe);
                if scribe.block.len() >= BLOCK {
                    write_block(&mut scribe.block, &mut checksum, &mut out)?;
                }
                if is_done {
                    break;
                }
            }
        }
        if !scribe.block.is_empty() {
            write_block(&mut scribe.block, &mut checksum, &mut out)?;
        }
        write_block(&mut Vec::new(), &mut checksum, &mut out)?;
        out.flush()?;
        Ok(scribe.peers)
    }

    /// Reads back what `snapshot` wrote, with the same ages: the time in between does not count. To be called when the
    /// listing is complete and before anybody is served. Reads in pieces of at most 1 MiB.
    ///
    /// # Errors
    /// It is no whole snapshot: all swarms are empty then.
    pub fn restore(&self, now: Seconds, from: impl Read) -> Result<Restored, SnapshotError> {
        let restored = self.read(Tick::of(now), from);
        if restored.is_err() {
            self.empty();
        }
        restored
    }

    fn read(&self, now: Tick, mut from: impl Read) -> Result<Restored, SnapshotError> {
        let mut head = [0; 8];
        from.read_exact(&mut head)
            .map_err(|_| SnapshotError::NotASnapshot)?;
        match head.split_last() {
            Some((version, name)) if name == NAME && *version > VERSION => {
                return Err(SnapshotError::Newer(*version));
            }
            Some((version, name)) if name == NAME && *version < VERSION => {
                return Err(SnapshotError::Older(*version));
            }
            Some((&VERSION, name)) if name == NAME => {}
            _ => return Err(SnapshotError::NotASnapshot),
        }
        let (mut checksum, mut restored, mut block) = (Checksum::new(), Restored::default(), Vec::new());
        loop {
            let (mut len, mut sum) = ([0; 4], [0; 8]);
            from.read_exact(&mut len)?;
            from.read_exact(&mut sum)?;
            let length = u32::from_le_bytes(len) as usize;
            if length > LONGEST_BLOCK {
                return Err(SnapshotError::Damaged);
            }
            block.resize(length, 0);
            from.read_exact(&mut block)?;
            checksum.add(&len);
            checksum.add(&block);
            if checksum.value() != u64::from_le_bytes(sum) {
                return Err(SnapshotError::Damaged);
            }
            if length == 0 {
                return Ok(restored);
            }
            self.adopt_block(now, &block, &mut restored)
                .ok_or(SnapshotError::Damaged)?;
        }
    }

    fn adopt_block(&self, now: Tick, block: &[u8], restored: &mut Restored) -> Option<()> {
        let mut rest = block;
        while !rest.is_empty() {
            let key = SwarmKey::new(take(&mut rest)?);
            for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
                let [family] = take(&mut rest)?;
                let ip = match family {
                    4 => IpAddr::V4(Ipv4Addr::from(take::<4>(&mut rest)?)),
                    6 => IpAddr::V6(Ipv6Addr::from(take::<16>(&mut rest)?)),
                    _ => return None,
                };
                let port = u16::from_be_bytes(take(&mut rest)?);
                let meta = Meta::from_age_bits(u16::from_le_bytes(take(&mut rest)?), now);
                let peer = Peer::new(ip, port, meta);
                let adopted = port > 0
                    && self.follow(key, |shard, place| shard.adopt(place, &peer, &self.house)) == Some(true);
                restored.peers += u64::from(adopted);
                restored.left_out += u64::from(!adopted);
            }
        }
        Some(())
    }

    fn empty(&self) {
        for shard in &self.shards {
            let mut shard = shard.0.lock();
            self.house.count_peers(-(shard.members.all() as i32));
            shard.empty();
        }
    }
}

impl Shard {
    /// Copies some thousand peers from the cursor on; whether that was the end.
    fn copy(&mut self, cursor: &mut Cursor, scribe: &mut Scribe) -> bool {
        while scribe.block.len() < BLOCK && cursor.at < self.torrents.places() {
            let key = self.torrents.get(cursor.at).map(|torrent| torrent.key);
            let shown = swarm_at(&mut self.torrents, cursor.at)
                .and_then(|swarm| swarm.walk(&mut cursor.position, scribe));
            match shown.zip(key) {
                Some((_, key)) => scribe.end_run(key),
                None => {
                    *cursor = Cursor {
                        at: cursor.at + 1,
                        position: Position::default(),
                        ..*cursor
                    }
                }
            }
        }
        cursor.at >= self.torrents.places()
    }

    fn empty(&mut self) {
        for at in 0..self.torrents.places() {
            if let Some(Torrent {
                holding: Holding::Swarm(swarm),
                ..
            }) = self.torrents.get_mut(at)
            {
                *swarm = Default::default();
            }
        }
        self.members = Default::default();
        self.swarms = 0;
    }
}

/// Writes down each peer it sees, and lets it stay.
#[derive(Debug)]
struct Scribe {
    now: Tick,
    block: Vec<u8>,
    run: Vec<u8>,
    in_run: u32,
    peers: u64,
}

impl Scribe {
    /// Puts the peers seen since the last run into the block.
    fn end_run(&mut self, key: SwarmKey) {
        if self.in_run > 0 {
            self.block.extend_from_slice(key.as_bytes());
            self.block.extend_from_slice(&self.in_run.to_le_bytes());
            self.block.append(&mut self.run);
            self.peers += u64::from(std::mem::take(&mut self.in_run));
        }
    }
}

impl Visit for Scribe {
    fn keeps<R: Record>(&mut self, peer: &R) -> bool {
        match peer.ip() {
            IpAddr::V4(ip) => {
                self.run.push(4);
                self.run.extend_from_slice(&ip.octets());
            }
            IpAddr::V6(ip) => {
                self.run.push(6);
                self.run.extend_from_slice(&ip.octets());
            }
        }
        self.run.extend_from_slice(&peer.port().to_be_bytes());
        self.run
            .extend_from_slice(&peer.meta().age_bits(self.now).to_le_bytes());
        self.in_run += 1;
        true
    }
}

/// Writes a block and leaves it empty.
fn write_block(block: &mut Vec<u8>, checksum: &mut Checksum, out: &mut impl Write) -> io::Result<()> {
    let len = (block.len() as u32).to_le_bytes();
    checksum.add(&len);
    checksum.add(block);
    out.write_all(&len)?;
    out.write_all(&checksum.value().to_le_bytes())?;
    out.write_all(block)?;
    block.clear();
    Ok(())
}

/// Takes so many bytes off the front.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}
