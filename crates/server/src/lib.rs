//! What people and programs reach: configuration, routes, pages, the API and the wiring of the other crates.
