//! One data folder belongs to one server; commands beside it are welcome.

use anyhow::Result;
use shoal_tests::instance::Shoal;

#[tokio::test]
async fn a_second_server_on_one_folder_is_refused_and_the_first_goes_on() -> Result<()> {
    let shoal = Shoal::start().await?;
    let second = shoal_tests::binary::finish(
        shoal
            .command(&["serve"])
            .env("SHOAL__HTTP__LISTEN", "127.0.0.1:0"),
    )?;
    assert_eq!(second.status.code(), Some(1), "{}{}", second.text, second.errors);
    assert!(
        second.errors.contains("shoal.db"),
        "it says which database: {}",
        second.errors
    );
    assert_eq!(shoal.web().get("/readyz").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn commands_work_beside_a_running_server() -> Result<()> {
    let shoal = Shoal::start().await?;
    let made = shoal
        .run(&["account", "create", "ann", "--scope", "upload"])?
        .good()?;
    assert!(
        made.trim().starts_with(&format!("{}/sign-in/", shoal.url())),
        "a link to the running server: {made}"
    );
    assert!(shoal.run(&["account", "list"])?.good()?.contains("ann"));
    assert_eq!(
        shoal.web().get("/accounts/ann").await?.status,
        200,
        "the server sees it at once"
    );
    let taken = shoal.run(&["account", "create", "ANN"])?;
    assert_eq!(
        taken.status.code(),
        Some(1),
        "names are one without regard to case"
    );
    let backup = shoal.folder().join("beside.backup");
    shoal
        .run(&["database", "backup", &backup.to_string_lossy()])?
        .good()?;
    assert!(backup.is_file());
    Ok(())
}
