//! Rebuilds the crate when a migration changes: they are embedded.

fn main() {
    // The build script's own output goes to Cargo, so this is no print for people.
    let _ = std::io::Write::write_all(
        &mut std::io::stdout(),
        b"cargo::rerun-if-changed=../../migrations\n",
    );
}
