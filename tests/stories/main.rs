//! The stories: what Shoal promises, each told on the running program.
//!
//! One file per story. Those in `real_clients/` need foreign programs, which `cargo xtask test` installs and names in
//! the environment; without them they say that they are skipped. The tools they share are in `tests/src/`.
