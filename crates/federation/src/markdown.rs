//! Markdown as the little HTML that every server shows: paragraphs, line breaks, emphasis, code, quotes, lists and links
//! to the web. Everything else becomes its text; markup in it is shown, never obeyed.

use crate::html::{cut, escape};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use url::Url;

/// The longest source that is parsed, in bytes; more than any description may have.
const MAX_SOURCE: usize = 256 * 1024;

/// Renders at most that many characters of Markdown.
pub fn html(source: &str, characters: usize) -> String {
    let source = cut(source.get(..MAX_SOURCE).unwrap_or(source), characters);
    let mut out = String::with_capacity(source.len() * 2);
    // Links that lead nowhere on the web are opened as nothing, so each remembers how to close.
    let mut links = Vec::new();
    for event in Parser::new(&source) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => links.push(open_link(&mut out, &dest_url)),
            Event::End(TagEnd::Link) => out.push_str(links.pop().unwrap_or_default()),
            Event::Start(tag) => out.push_str(opening(&tag)),
            Event::End(tag) => out.push_str(closing(tag)),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => out.push_str(&escape(&text)),
            Event::Code(text) => out.push_str(&format!("<code>{}</code>", escape(&text))),
            Event::SoftBreak | Event::HardBreak => out.push_str("<br>"),
            Event::Rule
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
        }
    }
    out
}

/// Opens a link to the web; gives what closes it.
fn open_link(out: &mut String, target: &str) -> &'static str {
    match Url::parse(target) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.username().is_empty() => {
            out.push_str(&format!(
                "<a href=\"{}\" rel=\"nofollow noopener\">",
                escape(url.as_str())
            ));
            "</a>"
        }
        _ => "",
    }
}

/// Mastodon keeps these elements, GoToSocial most of them; headings would be louder than the post's own title.
fn opening(tag: &Tag<'_>) -> &'static str {
    match tag {
        Tag::Paragraph | Tag::HtmlBlock => "<p>",
        Tag::Heading { .. } => "<p><strong>",
        Tag::BlockQuote(_) => "<blockquote>",
        Tag::CodeBlock(_) => "<pre><code>",
        Tag::List(None) => "<ul>",
        Tag::List(Some(_)) => "<ol>",
        Tag::Item => "<li>",
        Tag::Emphasis => "<em>",
        Tag::Strong => "<strong>",
        _ => "",
    }
}

fn closing(tag: TagEnd) -> &'static str {
    match tag {
        TagEnd::Paragraph | TagEnd::HtmlBlock => "</p>",
        TagEnd::Heading(_) => "</strong></p>",
        TagEnd::BlockQuote(_) => "</blockquote>",
        TagEnd::CodeBlock => "</code></pre>",
        TagEnd::List(false) => "</ul>",
        TagEnd::List(true) => "</ol>",
        TagEnd::Item => "</li>",
        TagEnd::Emphasis => "</em>",
        TagEnd::Strong => "</strong>",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_becomes_what_servers_show() {
        let source = "# Ice\nOne\ntwo **three** `four`\n\n- a\n- [b](https://b.example/?x=1&y)\n\n> c";
        let shown = "<p><strong>Ice</strong></p><p>One<br>two <strong>three</strong> <code>four</code></p><ul><li>a</li>\
            <li><a href=\"https://b.example/?x=1&amp;y\" rel=\"nofollow noopener\">b</a></li></ul>\
            <blockquote><p>c</p></blockquote>";
        assert_eq!(html(source, 1_000), shown);
        assert_eq!(html("", 1_000), "");
    }

    #[test]
    fn markup_and_odd_links_are_only_text() {
        for source in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>)",
            "![x](https://evil.example/pixel.gif)",
            "<https://u:p@evil.example/>",
        ] {
            let shown = html(source, 1_000);
            let plain = shown.replace("<p>", "").replace("</p>", "").replace("<br>", "");
            assert!(!plain.contains('<'), "{source} became {shown}");
        }
    }
}
