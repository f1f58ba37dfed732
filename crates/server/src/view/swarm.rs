//! The swarm of an upload as a sentence and as a glyph: complete copies as filled dots at the heart of a shoal, peers
//! still fetching as rings around them. Counting is the tracker's. Next in the flow: `templates/pieces.html`.

use std::fmt::Write as _;

use super::size::counted;

/// Most dots drawn; in a larger swarm each dot stands for several peers.
const MOST_DOTS: usize = 45;

/// From this many complete copies on nobody is asked for help in so many words.
pub(crate) const SAFE_COPIES: u64 = 5;

/// Who has an upload now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swarm {
    /// Peers with all of it.
    pub(crate) complete: u64,
    /// Peers that are fetching it.
    pub(crate) incomplete: u64,
    /// Downloads completed since it was published.
    pub(crate) completed: u64,
}

impl Swarm {
    /// `12 complete copies, 3 fetching`.
    pub(crate) fn sentence(&self) -> String {
        let mut text = match self.complete {
            0 => "No complete copy online".to_owned(),
            n => counted(n, "complete copy", "complete copies"),
        };
        if self.incomplete > 0 {
            let _ = write!(text, ", {} fetching", super::size::grouped(self.incomplete));
        }
        text
    }

    /// What the number of copies asks of the reader; nothing when there are enough.
    pub(crate) fn plea(&self) -> &'static str {
        match self.complete {
            0 => "Nobody offers all of it right now. If you have it, please start seeding.",
            1 => "If this one goes offline, nobody can fetch it any more. Please keep a copy.",
            2..SAFE_COPIES => "That is few. One more copy makes it safer.",
            _ => "",
        }
    }

    /// `Downloaded 40 times`, once it was.
    pub(crate) fn history(&self) -> String {
        match self.completed {
            0 => "Not downloaded to the end yet".to_owned(),
            1 => "Downloaded to the end once".to_owned(),
            n => format!("Downloaded to the end {}", counted(n, "time", "times")),
        }
    }

    /// The glyph for a place where the sentence stands beside it, `scale` in tenths of its natural size.
    pub(crate) fn glyph(&self, scale: i32) -> String {
        self.draw(
            scale,
            "class=\"swarm\" aria-hidden=\"true\" focusable=\"false\"",
            "",
        )
    }

    /// `Each dot stands for 3 peers.` in a swarm too large to draw one by one.
    pub(crate) fn legend(&self) -> String {
        match self.peers_per_dot() {
            1 => String::new(),
            n => format!("Each dot stands for {} peers.", super::size::grouped(n)),
        }
    }

    fn peers_per_dot(&self) -> u64 {
        self.complete
            .saturating_add(self.incomplete)
            .div_ceil(MOST_DOTS as u64 - 2)
            .max(1)
    }

    /// Each dot's place, from the heart outwards, and whether it is filled: at most 45, within 75 of the heart across
    /// and 25 up and down.
    pub(crate) fn dots(&self) -> Vec<(i32, i32, bool)> {
        let per_dot = self.peers_per_dot();
        let filled = usize::try_from(self.complete.div_ceil(per_dot)).unwrap_or(MOST_DOTS);
        let rings = usize::try_from(self.incomplete.div_ceil(per_dot)).unwrap_or(MOST_DOTS);
        lattice(filled + rings)
            .into_iter()
            .enumerate()
            .map(|(at, (x, y))| (x, y, at < filled))
            .collect()
    }

    fn draw(&self, scale: i32, attributes: &str, inside: &str) -> String {
        let dots = self.dots();
        let (left, top, width, height) = bounds(&dots);
        let mut svg = format!(
            "<svg {attributes} viewBox=\"{left} {top} {width} {height}\" width=\"{}\" height=\"{}\">{inside}",
            width * scale / 10,
            height * scale / 10,
        );
        if dots.is_empty() {
            svg.push_str(
                "<circle class=\"ring none\" cx=\"0\" cy=\"0\" r=\"3\" stroke-dasharray=\"1.6 1.54\"/>",
            );
        }
        for (x, y, is_filled) in dots {
            let (class, radius) = if is_filled {
                ("dot", "3.4")
            } else {
                ("ring", "2.6")
            };
            let _ = write!(
                svg,
                "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// The first `count` places of a staggered lattice, from the heart outwards in the shape of a lens.
fn lattice(count: usize) -> Vec<(i32, i32)> {
    let mut places: Vec<(i32, i32)> = (-2..=2_i32)
        .flat_map(|row| (-6..=6).map(move |column| (column * 10 + if row % 2 == 0 { 0 } else { 5 }, row * 9)))
        .collect();
    places.sort_by_key(|&(x, y)| (x * x * 2 + y * y * 7, x, y));
    places.truncate(count.min(MOST_DOTS));
    places
}

/// Left, top, width and height of what is drawn, with the heart in the middle of an empty one.
fn bounds(dots: &[(i32, i32, bool)]) -> (i32, i32, i32, i32) {
    let reach = |values: &mut dyn Iterator<Item = i32>| {
        values.fold((0, 0), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (left, right) = reach(&mut dots.iter().map(|dot| dot.0));
    let (top, bottom) = reach(&mut dots.iter().map(|dot| dot.1));
    (left - 5, top - 5, right - left + 10, bottom - top + 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swarm(complete: u64, incomplete: u64) -> Swarm {
        Swarm {
            complete,
            incomplete,
            completed: 0,
        }
    }

    #[test]
    fn the_sentence_puts_copies_first() {
        assert_eq!(swarm(12, 3).sentence(), "12 complete copies, 3 fetching");
        assert_eq!(swarm(1, 0).sentence(), "1 complete copy");
        assert_eq!(swarm(0, 2).sentence(), "No complete copy online, 2 fetching");
    }

    #[test]
    fn a_small_swarm_is_drawn_peer_by_peer() {
        let glyph = swarm(2, 1).glyph(10);
        assert_eq!(
            (
                glyph.matches("\"dot\"").count(),
                glyph.matches("\"ring\"").count()
            ),
            (2, 1)
        );
        assert!(swarm(0, 0).glyph(10).contains("ring none"));
    }

    #[test]
    fn a_large_swarm_keeps_its_proportions_within_the_shoal() {
        for (complete, incomplete) in [(44, 0), (0, 44), (1, 900), (u64::MAX / 4, 1), (300, 300)] {
            let glyph = swarm(complete, incomplete).glyph(10);
            assert!(
                glyph.matches("<circle").count() <= MOST_DOTS,
                "{complete} {incomplete}"
            );
            assert_eq!(complete > 0, glyph.contains("\"dot\""));
            assert_eq!(incomplete > 0, glyph.contains("\"ring\""));
        }
    }
}
