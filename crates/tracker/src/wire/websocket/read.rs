//! Reading a message. As tolerant as the announce over HTTP: fields that are not known, statistics and odd numbers are
//! passed over. Next: `write.rs`.

use shoal_torrent::SwarmKey;

use super::json::{Json, Text};
use super::{Answer, Id, MAX_MESSAGE, MAX_OFFERS, MAX_SDP, Message, Offer, Sdp, Unread};
use crate::request::{AnnounceRequest, Event, Refusal};

/// The most hashes of one scrape that are read; what follows is not looked at. `Settings::max_scrape` may be lower.
const MAX_HASHES: usize = 1000;

/// The fields of a message that mean anything here.
#[derive(Default)]
struct Fields<'a> {
    action: Option<Json<'a>>,
    info_hash: Option<Json<'a>>,
    peer_id: Option<Json<'a>>,
    left: Option<Json<'a>>,
    event: Option<Json<'a>>,
    numwant: Option<Json<'a>>,
    offers: Option<Json<'a>>,
    answer: Option<Json<'a>>,
    to_peer_id: Option<Json<'a>>,
    offer_id: Option<Json<'a>>,
}

impl<'a> Fields<'a> {
    fn of(object: Json<'a>) -> Self {
        let mut fields = Self::default();
        object.fields(|name, value| {
            let known = [
                ("action", &mut fields.action),
                ("info_hash", &mut fields.info_hash),
                ("peer_id", &mut fields.peer_id),
                ("left", &mut fields.left),
                ("event", &mut fields.event),
                ("numwant", &mut fields.numwant),
                ("offers", &mut fields.offers),
                ("answer", &mut fields.answer),
                ("to_peer_id", &mut fields.to_peer_id),
                ("offer_id", &mut fields.offer_id),
            ];
            let field = known.into_iter().find(|(known, _)| name.is(known));
            if let Some((_, field)) = field.filter(|_| !value.is_null()) {
                *field = Some(value);
            }
        });
        fields
    }
}

/// Reads a message.
///
/// # Errors
/// What is missing or wrong, to be told to the client with `write_failure`.
pub fn parse(text: &[u8]) -> Result<Message<'_>, Unread> {
    let mut unread = Unread {
        is_scrape: false,
        about: None,
        refusal: Refusal::Malformed("a message must be a JSON object, not nested more than 16 deep"),
    };
    if text.len() > MAX_MESSAGE {
        let refusal = Refusal::Malformed("a message must not be longer than 65,536 bytes");
        return Err(Unread { refusal, ..unread });
    }
    let object = std::str::from_utf8(text)
        .ok()
        .and_then(|text| Json::whole(text).ok());
    let fields = Fields::of(object.filter(Json::is_object).ok_or(unread)?);
    let action = fields.action.and_then(Json::text);
    let wrong = |refusal| Unread { refusal, ..unread };
    match action {
        Some(action) if action.is("scrape") => {
            unread.is_scrape = true;
            let wrong = |refusal| Unread { refusal, ..unread };
            hashes(fields.info_hash).map(Message::Scrape).map_err(wrong)
        }
        Some(action) if action.is("announce") => {
            let key = info_hash(fields.info_hash).map_err(wrong)?;
            unread.about = Some(key);
            let wrong = |refusal| Unread { refusal, ..unread };
            let asked = match fields.answer {
                Some(answer) => read_answer(key, answer, &fields).map(Message::Answer),
                None => read_announce(key, &fields),
            };
            asked.map_err(wrong)
        }
        _ => Err(wrong(Refusal::Malformed("action must be “announce” or “scrape”"))),
    }
}

fn read_announce<'a>(key: SwarmKey, fields: &Fields<'a>) -> Result<Message<'a>, Refusal> {
    let peer_id = id(fields.peer_id, "peer_id must be 20 characters, one for each byte")?;
    let whole = |value: Option<Json<'_>>| value.and_then(Json::number).filter(|number| *number >= 0.0);
    // A number that is too large becomes the largest.
    let request = AnnounceRequest {
        left: whole(fields.left).map(|left| left as u64),
        numwant: whole(fields.numwant).map(|numwant| numwant as u32),
        event: fields.event.and_then(Json::text).map_or(Event::None, event_named),
        ..AnnounceRequest::new(key, peer_id, 0)
    };
    let mut offers = Vec::new();
    let mut wrong = None;
    if let Some(list) = fields.offers {
        let is_list = list.items(|item| {
            match read_offer(item) {
                Ok(offer) => offers.push(offer),
                Err(refusal) => wrong = Some(refusal),
            }
            wrong.is_none() && offers.len() < MAX_OFFERS
        });
        if !is_list {
            wrong = Some(Refusal::Malformed("offers must be a list"));
        }
    }
    wrong.map_or(Ok(Message::Announce(request, offers)), Err)
}

fn read_offer(item: Json<'_>) -> Result<Offer<'_>, Refusal> {
    let (mut offer, mut offer_id) = (None, None);
    item.fields(|name, value| {
        if name.is("offer") {
            offer = Some(value);
        } else if name.is("offer_id") {
            offer_id = Some(value);
        }
    });
    Ok(Offer {
        id: id(offer_id, "offer_id must be 20 characters, one for each byte")?,
        sdp: sdp(offer, "an offer must be an object with a text “sdp”")?,
    })
}

fn read_answer<'a>(key: SwarmKey, answer: Json<'a>, fields: &Fields<'a>) -> Result<Answer<'a>, Refusal> {
    Ok(Answer {
        key,
        peer_id: id(fields.peer_id, "peer_id must be 20 characters, one for each byte")?,
        to: id(
            fields.to_peer_id,
            "an answer must name in to_peer_id whose offer it answers",
        )?,
        offer_id: id(
            fields.offer_id,
            "an answer must name in offer_id which offer it answers",
        )?,
        sdp: sdp(Some(answer), "an answer must be an object with a text “sdp”")?,
    })
}

/// The session description in an offer or answer.
fn sdp<'a>(object: Option<Json<'a>>, otherwise: &'static str) -> Result<Sdp<'a>, Refusal> {
    let mut sdp = None;
    if let Some(object) = object {
        object.fields(|name, value| {
            if name.is("sdp") {
                sdp = value.text();
            }
        });
    }
    let sdp = sdp.ok_or(Refusal::Malformed(otherwise))?.escaped();
    if sdp.len() > MAX_SDP {
        return Err(Refusal::Malformed("an sdp must not be longer than 16,384 bytes"));
    }
    Ok(Sdp(sdp))
}

/// The hashes of a scrape: one, or a list.
fn hashes(value: Option<Json<'_>>) -> Result<Vec<SwarmKey>, Refusal> {
    let value = value.ok_or(Refusal::FullScrape)?;
    let mut all = Vec::new();
    let mut wrong = None;
    let is_list = value.items(|item| {
        match info_hash(Some(item)) {
            Ok(key) => all.push(key),
            Err(refusal) => wrong = Some(refusal),
        }
        wrong.is_none() && all.len() < MAX_HASHES
    });
    if !is_list {
        all.push(info_hash(Some(value))?);
    }
    match wrong {
        Some(refusal) => Err(refusal),
        None if all.is_empty() => Err(Refusal::FullScrape),
        None => Ok(all),
    }
}

fn info_hash(value: Option<Json<'_>>) -> Result<SwarmKey, Refusal> {
    let value = value.ok_or(Refusal::Malformed("info_hash is missing"))?;
    let text = value.text();
    let hash = text.and_then(twenty).map(SwarmKey::new);
    hash.ok_or_else(|| {
        Refusal::Malformed(match text.map(|text| text.characters().take(64).count()) {
            Some(32) => "info_hash must be 20 characters: of a v2 hash, the first 20 bytes (BEP 52)",
            Some(40) => "info_hash must be 20 characters, one for each byte, not 40 hexadecimal digits",
            _ => "info_hash must be 20 characters U+0000 to U+00FF, one for each byte",
        })
    })
}

fn id(value: Option<Json<'_>>, otherwise: &'static str) -> Result<Id, Refusal> {
    let bytes = value.and_then(Json::text).and_then(twenty);
    bytes.ok_or(Refusal::Malformed(otherwise))
}

/// The bytes that twenty characters stand for.
fn twenty(text: Text<'_>) -> Option<Id> {
    let mut bytes = [0; 20];
    let mut characters = text.characters();
    for byte in &mut bytes {
        *byte = u8::try_from(u32::from(characters.next()?)).ok()?;
    }
    characters.next().is_none().then_some(bytes)
}

fn event_named(text: Text<'_>) -> Event {
    let events = [
        ("started", Event::Started),
        ("stopped", Event::Stopped),
        ("completed", Event::Completed),
        ("paused", Event::Paused),
    ];
    let named = events.into_iter().find(|(name, _)| text.is(name));
    named.map_or(Event::None, |(_, event)| event)
}
