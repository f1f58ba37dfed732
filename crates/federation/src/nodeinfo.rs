//! NodeInfo 2.0 and 2.1: what software this is and how much is here, for directories and curious servers.

use crate::Federation;
use serde_json::{Value, json};
use shoal_store::StoreError;

impl Federation {
    /// The answer to `/.well-known/nodeinfo` (`application/json`).
    pub fn nodeinfo_links(&self) -> Value {
        let link = |version: &str| {
            json!({
                "rel": format!("http://nodeinfo.diaspora.software/ns/schema/{version}"),
                "href": format!("{}/nodeinfo/{version}", self.urls().base()),
            })
        };
        json!({ "links": [link("2.1"), link("2.0")] })
    }

    /// The document of one version, `"2.0"` or `"2.1"`; `None` for any other. Served as
    /// `application/json; profile="http://nodeinfo.diaspora.software/ns/schema/2.1#"`. Blocks on the store, briefly.
    ///
    /// # Errors
    /// When the store does not answer.
    pub fn nodeinfo(&self, version: &str) -> Result<Option<Value>, StoreError> {
        if !matches!(version, "2.0" | "2.1") {
            return Ok(None);
        }
        let stats = self.store().stats()?;
        let mut software = json!({ "name": "shoal", "version": self.settings().software_version });
        if version == "2.1" {
            software["homepage"] = json!(self.urls().base());
        }
        Ok(Some(json!({
            "version": version,
            "software": software,
            "protocols": ["activitypub"],
            "services": { "inbound": [], "outbound": ["atom1.0", "rss2.0"] },
            "openRegistrations": self.settings().open_registrations,
            "usage": { "users": { "total": stats.accounts }, "localPosts": stats.uploads },
            "metadata": {
                "nodeName": self.settings().title,
                "nodeDescription": self.settings().description,
                "datasets": stats.datasets,
                "collections": stats.collections,
            },
        })))
    }
}
