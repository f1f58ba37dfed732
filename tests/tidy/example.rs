//! What the program prints about itself, beside what the checkout says.

use std::fs;

use shoal_tests::binary;

use super::root;

#[test]
fn the_example_configuration_is_what_the_program_prints() {
    let printed = binary::run(&["config"]).expect("the program starts");
    let written = fs::read_to_string(root().join("shoal.example.toml")).expect("shoal.example.toml is there");
    assert!(printed.status.success(), "{}", printed.errors);
    assert_eq!(
        printed.text, written,
        "write it anew: shoal config > shoal.example.toml"
    );
}
