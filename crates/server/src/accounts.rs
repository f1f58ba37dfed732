//! Making accounts and the links by which their owners first sign in, for the command line, the first start and the API.
//!
//! The rows are the store's; passwords and tokens are in `secrets.rs`; who is asking is in `auth.rs`.

use shoal_store::{Account, Millis, NewAccount, Scopes, Store, StoreError};
use url::Url;

use crate::{clock, secrets};

/// How long a one-time sign-in link is good: three days.
pub const LINK_LIFETIME: Millis = 3 * 24 * 60 * 60 * 1000;

/// The setting under which a serving process leaves its public URL for commands that run beside it.
pub const URL_SETTING: &str = "instance.url";

/// Makes an account with fresh keys; takes about a third of a second for the RSA key, so run it where blocking is allowed.
///
/// # Errors
/// [`StoreError::Taken`] or [`StoreError::Invalid`] for the name.
pub fn create(
    store: &Store,
    name: &str,
    scopes: Scopes,
    password_hash: Option<String>,
) -> Result<Account, StoreError> {
    let keys = shoal_federation::keys::generate();
    let account = NewAccount {
        name: name.to_owned(),
        title: String::new(),
        password_hash,
        scopes,
        keys,
    };
    store.create_account(clock::moment(), account)
}

/// Makes a link that signs its bearer in once, within [`LINK_LIFETIME`].
///
/// # Errors
/// Only when the store fails.
pub fn sign_in_link(store: &Store, account: &Account, base: &Url) -> Result<Url, StoreError> {
    let secret = secrets::fresh("");
    let moment = clock::moment();
    let expires_at = moment.now + LINK_LIFETIME;
    store.create_sign_in_link(moment, account.id, secrets::hash(&secret), expires_at)?;
    Ok(base
        .join(&format!("sign-in/{secret}"))
        .expect("a base URL takes a path of URL-safe characters"))
}
