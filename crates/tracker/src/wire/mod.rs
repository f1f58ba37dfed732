//! The formats of the protocols: each module parses and writes bytes and does nothing else. HTTP is in `http`; the
//! others have their place beside it.

pub mod http;
