//! Every page with sample content: checked for what must hold on each of them, and written to the folder named by
//! `SHOAL_PAGES`, if set, to be looked at in a browser. The content itself is in `samples/`.

mod lists;
mod pieces;
mod shows;

use askama::Template;

fn all() -> Vec<(&'static str, String)> {
    [
        shows::home(),
        shows::things(),
        shows::doors(),
        shows::messages(),
        lists::shelves(),
        lists::finding(),
        lists::forms(),
        lists::more_forms(),
        lists::deliveries(),
        lists::servers(),
        lists::hashes(),
        lists::desks(),
    ]
    .concat()
}

fn html(page: &impl Template) -> String {
    page.render().expect("samples render")
}

/// The values of an attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    html.split(&format!(" {attribute}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn every_page_keeps_to_the_rules_of_the_house() {
    for (name, html) in all() {
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one h1");
        assert!(
            !html.contains(" style=") && !html.contains("<style"),
            "{name}: no inline style"
        );
        assert_eq!(html.matches("<script").count(), 1, "{name}: one script, ours");
        assert!(
            !html.contains("javascript:") && values(&html, "onclick").is_empty(),
            "{name}: no inline script"
        );
        assert!(!html.contains("<b>"), "{name}: user text is escaped");
        assert!(
            html.contains("class=\"skip\" href=\"#page\"") && html.contains("id=\"page\""),
            "{name}: skip link"
        );
        let ids = values(&html, "id");
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), distinct.len(), "{name}: ids are distinct: {ids:?}");
        for wanted in ["for", "aria-labelledby", "aria-describedby"]
            .iter()
            .flat_map(|a| values(&html, a))
        {
            assert!(ids.contains(&wanted), "{name}: {wanted} is there");
        }
    }
}

#[test]
fn every_form_of_a_member_carries_the_token() {
    let open = ["/sign-in", "/follow"];
    for (name, html) in all() {
        for form in html.split("<form ").skip(1) {
            let (tag, body) = form.split_once('>').expect("a form's tag ends");
            let is_open = values(&format!(" {tag}"), "action")
                .iter()
                .any(|a| open.iter().any(|o| a.ends_with(o)));
            if tag.contains("method=\"post\"") && !is_open && name != "sign-in-link" {
                let body = body.split("</form>").next().unwrap_or_default();
                assert!(body.contains("name=\"csrf\" value=\"token\""), "{name}: {tag}");
            }
        }
    }
}

#[test]
fn every_field_has_a_label() {
    for (name, html) in all() {
        let labels = values(&html, "for");
        for field in html.split(['<']).filter(|tag| {
            tag.starts_with("input ") || tag.starts_with("textarea ") || tag.starts_with("select ")
        }) {
            let kind = values(field, "type");
            if kind
                .iter()
                .any(|kind| ["hidden", "checkbox", "radio"].contains(kind))
            {
                continue;
            }
            let id = values(field, "id");
            assert!(
                id.first().is_some_and(|id| labels.contains(id)),
                "{name}: <{field}"
            );
        }
    }
}

#[test]
fn pages_can_be_looked_at() {
    let Some(folder) = std::env::var_os("SHOAL_PAGES") else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (name, html) in all() {
        std::fs::write(folder.join(format!("{name}.html")), html).expect("a page can be written");
    }
    let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    for name in ["shoal.css", "shoal.js", "mark.svg"] {
        std::fs::copy(assets.join(name), folder.join(name)).expect("the assets can be copied");
    }
}
