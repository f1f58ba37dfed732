//! One socket: the body of an answer that goes on for as long as the client stays, and reads what the client says while it
//! is asked for more to send. So it needs no task of its own, has buffers only while something is under way, and whatever
//! ends the connection ends it: whoever drops it has it leave all swarms.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_http::ws::{CloseCode, OpCode, Parser};
use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut, Data};
use futures_util::Stream;
use shoal_tracker::wire::websocket::MAX_MESSAGE;
use shoal_tracker::{Family, Outcome, Said, Tally};
use tokio::time::{Duration, Instant, Sleep, sleep_until};

use super::sockets::{Line, Waiting};
use crate::app::App;

/// The head of a frame has so many bytes at most.
const FRAME_HEAD: usize = 14;

/// What is handed to the connection at once, and before it is given time to send: as much as its own buffer holds, so that
/// that need not grow.
const PIECE: usize = 4 << 10;
const AT_ONCE: usize = 8 << 10;

/// A socket under way.
pub(super) struct Conversation {
    app: Data<App>,
    line: Arc<Line>,
    family: Family,
    tally: Arc<Tally>,
    coming: Payload,
    /// What came and is no whole frame yet.
    read: BytesMut,
    /// The frames of a message that is no whole one yet.
    parts: Option<BytesMut>,
    /// Frames that are to be sent before anything that waits.
    going: BytesMut,
    /// Bytes handed to the connection since it was last given time.
    handed: usize,
    /// After what is in `going`, nothing is sent.
    is_over: bool,
    /// When the client last said anything, and when it last said a message.
    heard: Instant,
    said: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Conversation {
    pub(super) fn new(
        app: Data<App>,
        line: Arc<Line>,
        source: IpAddr,
        (coming, tally): (Payload, Arc<Tally>),
    ) -> Self {
        let now = Instant::now();
        let family = Family::of(source);
        tally.count(family, Outcome::Connected, 1);
        let pulse = pulse(&app);
        Self {
            app,
            line,
            family,
            tally,
            coming,
            read: BytesMut::new(),
            parts: None,
            going: BytesMut::new(),
            handed: 0,
            is_over: false,
            heard: now,
            said: now,
            alarm: Box::pin(sleep_until(now + pulse)),
        }
    }

    /// Says good-bye and nothing more.
    fn end(&mut self, code: CloseCode) {
        if !self.is_over {
            Parser::write_close(&mut self.going, Some(code.into()), false);
            self.is_over = true;
        }
    }

    /// A piece of what is to be sent, if there is any.
    fn piece(&mut self, context: &mut Context<'_>) -> Option<Bytes> {
        if self.going.is_empty() && !self.is_over {
            match self.line.next(context.waker()) {
                Waiting::Letter(text) => {
                    Parser::write_message(&mut self.going, text.as_bytes(), OpCode::Text, true, false);
                }
                Waiting::End(code) => self.end(code),
                Waiting::Nothing => {}
            }
        }
        if self.going.is_empty() {
            self.going = BytesMut::new();
            return None;
        }
        let length = self.going.len().min(PIECE);
        Some(self.going.split_to(length).freeze())
    }

    /// Reads on, once all that waits is handed over. Whether anything came of it; if not, what comes will wake us.
    fn listen(&mut self, context: &mut Context<'_>) -> bool {
        match self.frame() {
            Ok(true) => return true,
            Ok(false) => {}
            Err(code) => {
                self.end(code);
                return true;
            }
        }
        match Pin::new(&mut self.coming).poll_next(context) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.heard = Instant::now();
                self.read.extend_from_slice(&bytes);
                true
            }
            Poll::Ready(Some(Err(_)) | None) => {
                self.is_over = true;
                true
            }
            Poll::Pending => false,
        }
    }

    /// Takes in one frame, if a whole one has come.
    fn frame(&mut self) -> Result<bool, CloseCode> {
        let parsed = Parser::parse(&mut self.read, true, MAX_MESSAGE).map_err(|error| match error {
            actix_http::ws::ProtocolError::Overflow => CloseCode::Size,
            _ => CloseCode::Protocol,
        })?;
        let Some((is_last, code, bytes)) = parsed else {
            if self.read.len() > MAX_MESSAGE + FRAME_HEAD {
                return Err(CloseCode::Size);
            }
            if self.read.is_empty() {
                self.read = BytesMut::new();
            }
            return Ok(false);
        };
        let bytes = bytes.unwrap_or_default();
        match code {
            OpCode::Text | OpCode::Binary if self.parts.is_some() => return Err(CloseCode::Protocol),
            OpCode::Text | OpCode::Binary if is_last => self.hear(&bytes)?,
            OpCode::Text | OpCode::Binary => self.parts = Some(bytes),
            OpCode::Continue => {
                let mut parts = self.parts.take().ok_or(CloseCode::Protocol)?;
                if parts.len() + bytes.len() > MAX_MESSAGE {
                    return Err(CloseCode::Size);
                }
                parts.extend_from_slice(&bytes);
                if is_last {
                    self.hear(&parts)?;
                } else {
                    self.allow()?;
                    self.parts = Some(parts);
                }
            }
            OpCode::Ping => {
                self.allow()?;
                Parser::write_message(&mut self.going, bytes, OpCode::Pong, true, false);
            }
            OpCode::Pong => self.allow()?,
            OpCode::Close | OpCode::Bad => return Err(CloseCode::Normal),
        }
        Ok(true)
    }

    /// A frame that is no message counts as one, so that nobody is kept busy with them.
    fn allow(&mut self) -> Result<(), CloseCode> {
        let allowed = self.line.session().allow(self.app.tracker_now());
        allowed.map_err(|_| self.give_up())
    }

    fn give_up(&self) -> CloseCode {
        self.tally.count(self.family, Outcome::TooMany, 1);
        CloseCode::Policy
    }

    /// Has a message served and its letters put down.
    fn hear(&mut self, text: &[u8]) -> Result<(), CloseCode> {
        let began = std::time::Instant::now();
        self.said = Instant::now();
        let said = Said {
            now: self.app.tracker_now(),
            text,
        };
        let mut letters = Vec::new();
        let heard = self
            .line
            .session()
            .hear(&self.app.tracker, said, &mut rand::rng(), &mut letters);
        let heard = heard.map_err(|_| self.give_up())?;
        letters
            .into_iter()
            .for_each(|letter| self.app.sockets.send(letter, &self.app.tracker));
        self.tally.count(self.family, heard.outcome, 1);
        self.tally
            .count(self.family, Outcome::Relayed, heard.offers as u64);
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.tally.time(nanos, 1);
        Ok(())
    }

    /// Looks whether the client is still there, when it is time to. Whether there is anything to be done.
    fn look(&mut self, context: &mut Context<'_>) -> bool {
        if self.is_over || self.alarm.as_mut().poll(context).is_pending() {
            return false;
        }
        let (now, pulse) = (Instant::now(), pulse(&self.app));
        // Whoever spoke a moment after the last look has been silent for nearly as long as whoever did before it.
        let nearly = |since: Instant, pulses: u32| now - since + pulse / 2 >= pulse * pulses;
        // Signs of life are enough from those who are in a swarm.
        let is_idle = !self.line.session().is_anywhere() && nearly(self.said, 3);
        if is_idle || nearly(self.heard, 3) {
            self.end(CloseCode::Away);
            return true;
        }
        self.alarm.as_mut().reset(now + pulse);
        if nearly(self.heard, 1) {
            Parser::write_message(&mut self.going, [], OpCode::Ping, true, false);
        }
        true
    }
}

/// How often a silent client is asked for a sign of life: so often that proxies, which give up after a minute, see some.
fn pulse(app: &App) -> Duration {
    Duration::from_secs(app.config.tracker.websocket.idle_seconds.into()) / 3
}

impl Stream for Conversation {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.handed >= AT_ONCE {
                this.handed = 0;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(piece) = this.piece(context) {
                this.handed += piece.len();
                return Poll::Ready(Some(Ok(piece)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            if !this.listen(context) && !this.look(context) {
                this.handed = 0;
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.line.session().close(&self.app.tracker);
        self.app.sockets.forget(&self.line);
    }
}
