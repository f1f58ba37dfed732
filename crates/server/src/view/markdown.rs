//! Descriptions: Markdown in, a small safe part of HTML out. No pictures, no raw HTML, headings below the page's own,
//! links to the web, magnets and mail only. Next in the flow: the pages that show what archivists wrote.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use askama::filters::HtmlSafe;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Longest source that is rendered, in bytes; what is longer is cut.
const MOST_BYTES: usize = 200_000;
/// Deepest nesting of lists and quotations that is kept; deeper ones are flattened.
const DEEPEST: usize = 12;

/// What is understood beside plain Markdown.
const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);

/// A description made safe for a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prose(String);

impl Prose {
    /// Renders Markdown; empty text gives empty prose.
    pub(crate) fn render(source: &str) -> Self {
        let mut end = source.len().min(MOST_BYTES);
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        let parser = Parser::new_ext(&source[..end], OPTIONS);
        let mut markup = String::with_capacity(end + end / 4);
        let mut depth = 0;
        html::push_html(&mut markup, parser.filter_map(|event| keep(event, &mut depth)));
        Self(CLEANER.clean(&markup).to_string())
    }

    /// The running text of Markdown, without marks, headings, tables and code, for one-line summaries; reads no more than the first 4,000 bytes.
    pub(crate) fn plain(source: &str) -> String {
        let mut end = source.len().min(4_000);
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        let (mut text, mut aside) = (String::new(), 0_u32);
        for event in Parser::new_ext(&source[..end], OPTIONS) {
            match event {
                Event::Start(Tag::Heading { .. } | Tag::Table(_) | Tag::CodeBlock(_)) => aside += 1,
                Event::End(TagEnd::Heading(_) | TagEnd::Table | TagEnd::CodeBlock) => aside -= 1,
                Event::Text(piece) | Event::Code(piece) if aside == 0 => text.push_str(&piece),
                Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item) => {
                    text.push(' ')
                }
                _ => {}
            }
        }
        text
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Prose {}

/// Raw HTML becomes text, pictures their description, headings at most the third level, deep nesting flat.
fn keep<'a>(event: Event<'a>, depth: &mut usize) -> Option<Event<'a>> {
    match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        Event::Start(Tag::Image { .. } | Tag::HtmlBlock) | Event::End(TagEnd::Image | TagEnd::HtmlBlock) => {
            None
        }
        Event::Start(Tag::Heading {
            level,
            id,
            classes,
            attrs,
        }) => Some(Event::Start(Tag::Heading {
            level: lowered(level),
            id,
            classes,
            attrs,
        })),
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lowered(level)))),
        Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) => {
            *depth += 1;
            (*depth <= DEEPEST).then_some(event)
        }
        Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item) => {
            *depth = depth.saturating_sub(1);
            (*depth < DEEPEST).then_some(event)
        }
        other => Some(other),
    }
}

fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "p",
            "br",
            "hr",
            "em",
            "strong",
            "del",
            "code",
            "pre",
            "blockquote",
            "ul",
            "ol",
            "li",
            "a",
            "h3",
            "h4",
            "h5",
            "h6",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        ]))
        .tag_attributes([("a", HashSet::from(["href"])), ("ol", HashSet::from(["start"]))].into())
        .url_schemes(HashSet::from(["http", "https", "magnet", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener"));
    builder
});

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(source: &str) -> String {
        Prose::render(source).to_string()
    }

    #[test]
    fn plain_markdown_is_kept_and_headings_step_down() {
        assert_eq!(
            rendered("# Tides\n\nHourly **readings**."),
            "<h3>Tides</h3>\n<p>Hourly <strong>readings</strong>.</p>\n"
        );
    }

    #[test]
    fn only_links_that_cannot_run_code_are_links() {
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "/relative",
            "//host",
            "vbscript:x",
            "JaVaScRiPt:x",
        ] {
            assert!(!rendered(&format!("[x]({bad})")).contains("href"), "{bad}");
        }
        assert_eq!(
            rendered("[x](https://a.example/)"),
            "<p><a href=\"https://a.example/\" rel=\"nofollow noopener\">x</a></p>\n"
        );
        assert!(rendered("<magnet:?xt=urn:btih:0>").contains("href=\"magnet:"));
    }

    #[test]
    fn pictures_and_raw_html_are_only_text() {
        assert_eq!(rendered("![a map](https://a.example/p.png)"), "<p>a map</p>\n");
        let hostile = rendered("<script>alert(1)</script>\n\n<img src=x onerror=y> <b style='x'>b</b>");
        assert!(
            !hostile.contains("<script") && !hostile.contains("<img") && !hostile.contains("<b"),
            "{hostile}"
        );
    }

    #[test]
    fn hostile_nesting_ends() {
        let quotes = rendered(&format!("{} deep", ">".repeat(50_000)));
        assert!(
            quotes.matches("<blockquote>").count() <= DEEPEST && quotes.contains("deep"),
            "{}",
            quotes.len()
        );
        assert!(rendered(&"[".repeat(50_000)).len() < 400_000);
        assert!(rendered(&"*a _b ".repeat(20_000)).len() < 1_000_000);
    }
}
