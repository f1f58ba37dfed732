//! The program `shoal`: reads the command line and hands over. Each command is a file in `cli/`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    shoal::cli::Command::parse().run()
}
