//! The swarm glyph as a PNG, for the previews that other sites make of an upload's page: 600 by 315 points in four
//! shades, uncompressed, some 48 kB. In the text the glyph is SVG, drawn in `view/swarm.rs`.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use shoal_store::{Id, Visibility};

use super::cards;
use super::frame::Answer;
use crate::app::App;
use crate::error::Problem;
use crate::view::swarm::Swarm;

const WIDTH: usize = 600;
const HEIGHT: usize = 315;
/// Points per unit of the glyph.
const SCALE: f32 = 3.4;
/// Paper, two shades between, and the accent.
const PALETTE: [u8; 12] = [
    0xfa, 0xf6, 0xed, 0xaa, 0xc2, 0xb7, 0x5a, 0x8d, 0x81, 0x0a, 0x58, 0x4c,
];

/// The picture of an upload's swarm as it is now.
pub(crate) async fn swarm(app: web::Data<App>, id: web::Path<Id>) -> Answer {
    let id = id.into_inner();
    let upload = app
        .read(move |store| store.upload(id))
        .await?
        .ok_or_else(Problem::not_found)?;
    if let Visibility::Hidden { reason, .. } | Visibility::Removed { reason, .. } = &upload.state {
        return Err(Problem::gone(reason));
    }
    let picture = draw(&cards::swarm(&app, &upload));
    let keep = (header::CACHE_CONTROL, "public, max-age=300");
    Ok(HttpResponse::Ok()
        .content_type("image/png")
        .insert_header(keep)
        .body(picture))
}

fn draw(swarm: &Swarm) -> Vec<u8> {
    let dots = swarm.dots();
    let mut shades = vec![0_u8; WIDTH * HEIGHT];
    for (x, y, is_filled) in &dots {
        let middle = (
            WIDTH as f32 / 2.0 + *x as f32 * SCALE,
            HEIGHT as f32 / 2.0 + *y as f32 * SCALE,
        );
        circle(
            &mut shades,
            middle,
            if *is_filled {
                (0.0, 3.4 * SCALE)
            } else {
                (1.8 * SCALE, 3.4 * SCALE)
            },
        );
    }
    if dots.is_empty() {
        circle(
            &mut shades,
            (WIDTH as f32 / 2.0, HEIGHT as f32 / 2.0),
            (2.6 * SCALE, 3.2 * SCALE),
        );
    }
    png(&shades)
}

/// Draws a ring between two radii with softened edges; the inner radius of a dot is nothing.
fn circle(shades: &mut [u8], (x, y): (f32, f32), (inner, outer): (f32, f32)) {
    let reach = outer.ceil() as i32 + 1;
    for row in (y as i32 - reach).max(0)..(y as i32 + reach).min(HEIGHT as i32) {
        for column in (x as i32 - reach).max(0)..(x as i32 + reach).min(WIDTH as i32) {
            let distance = (column as f32 + 0.5 - x).hypot(row as f32 + 0.5 - y);
            let hole = if inner > 0.0 {
                (distance - inner + 0.5).clamp(0.0, 1.0)
            } else {
                1.0
            };
            let cover = (outer - distance + 0.5).clamp(0.0, 1.0).min(hole);
            let shade = &mut shades[row as usize * WIDTH + column as usize];
            *shade = (*shade).max((cover * 3.0).round() as u8);
        }
    }
}

/// A PNG of four shades, two bits a point, in stored blocks (RFC 2083, RFC 1951 §3.2.4).
fn png(shades: &[u8]) -> Vec<u8> {
    let mut raw = Vec::with_capacity((WIDTH / 4 + 1) * HEIGHT);
    for line in shades.chunks_exact(WIDTH) {
        raw.push(0);
        raw.extend(
            line.chunks_exact(4)
                .map(|four| four[0] << 6 | four[1] << 4 | four[2] << 2 | four[3]),
        );
    }
    let mut stored = vec![0x78, 0x01];
    let mut blocks = raw.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("chunks of at most 65,535 bytes");
        stored.push(u8::from(blocks.peek().is_none()));
        stored.extend(length.to_le_bytes());
        stored.extend((!length).to_le_bytes());
        stored.extend_from_slice(block);
    }
    stored.extend(adler32(&raw).to_be_bytes());
    let mut head = Vec::from((WIDTH as u32).to_be_bytes());
    head.extend((HEIGHT as u32).to_be_bytes());
    head.extend([2, 3, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [
        (b"IHDR", head.as_slice()),
        (b"PLTE", &PALETTE),
        (b"IDAT", &stored),
        (b"IEND", &[]),
    ] {
        file.extend(
            u32::try_from(content.len())
                .expect("far below 4 GiB")
                .to_be_bytes(),
        );
        let start = file.len();
        file.extend(name);
        file.extend_from_slice(content);
        let sum = crc32(&file[start..]);
        file.extend(sum.to_be_bytes());
    }
    file
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |bits, _| {
            if bits & 1 == 1 {
                bits >> 1 ^ 0xedb8_8320
            } else {
                bits >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_picture_is_small_whatever_the_swarm() {
        for (complete, incomplete) in [(0, 0), (2, 1), (u64::MAX, u64::MAX)] {
            let picture = draw(&Swarm {
                complete,
                incomplete,
                completed: 0,
            });
            assert!(
                picture.starts_with(b"\x89PNG") && picture.len() < 60_000,
                "{}",
                picture.len()
            );
        }
    }
}
