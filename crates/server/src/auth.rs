//! Who is asking: a visitor, a member by session cookie, or a program by bearer token; and what they may do.
//!
//! Extractors for pages are [`Visitor`], [`Member`], [`Moderator`] and [`Admin`]; the API takes [`Caller`]. A cookie
//! alone never changes anything: pages confirm the form's CSRF token, the API wants it in `X-CSRF-Token`. Making the
//! session is `pages/sign_in.rs`; the secrets are in `secrets.rs`.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpRequest, web};
use shoal_store::{Account, Id, Millis, NewSession, Scope, Scopes, Store, StoreError};
use url::Url;

use crate::app::App;
use crate::error::Problem;
use crate::{clock, secrets};

/// Name of the session cookie.
pub const SESSION_COOKIE: &str = "shoal_session";

/// How long a session lasts: thirty days.
pub const SESSION_LIFETIME: Millis = 30 * 24 * 60 * 60 * 1000;

/// How someone proved who they are.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A session cookie; the token that its forms must carry.
    Session {
        /// The form token.
        csrf: String,
    },
    /// A bearer token.
    Token,
}

/// Someone with an account here, and what they may do in this request.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The account, never a suspended one.
    pub account: Account,
    /// The account's scopes, narrowed to the token's.
    pub scopes: Scopes,
    /// How they proved it.
    pub proof: Proof,
}

impl Identity {
    /// Whether a scope is among theirs.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.allows(scope)
    }

    /// # Errors
    /// 403 that names the scope.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            Ok(())
        } else {
            Err(Problem::scope(scope.word()))
        }
    }

    /// The account's id, for the verbs' `by`.
    #[must_use]
    pub fn id(&self) -> Id {
        self.account.id
    }

    /// The token that this person's forms carry.
    #[must_use]
    pub fn csrf(&self) -> &str {
        match &self.proof {
            Proof::Session { csrf } => csrf,
            Proof::Token => "",
        }
    }

    /// Checks the token that a form brought.
    ///
    /// # Errors
    /// 403 when the form did not come from a page of this session.
    pub fn confirm(&self, token: &str) -> Result<(), Problem> {
        match &self.proof {
            Proof::Token => Ok(()),
            Proof::Session { csrf } if secrets::same(csrf, token) => Ok(()),
            Proof::Session { .. } => {
                let sentence = "The form is from an older session. Load its page again and repeat.";
                Err(Problem::new(StatusCode::FORBIDDEN, "csrf", sentence))
            }
        }
    }
}

/// Anyone; somebody in particular when they are signed in.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<Identity>);

impl Visitor {
    /// Whether they are signed in with a scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.0.as_ref().is_some_and(|identity| identity.may(scope))
    }
}

/// Someone signed in; pages send others to sign in.
#[derive(Clone, Debug)]
pub struct Member(pub Identity);

/// Someone with the scope `review`.
#[derive(Clone, Debug)]
pub struct Moderator(pub Identity);

/// Someone with the scope `admin`.
#[derive(Clone, Debug)]
pub struct Admin(pub Identity);

/// A program or page script at the API; by cookie only together with `X-CSRF-Token` on calls that change something.
#[derive(Clone, Debug)]
pub struct Caller(pub Identity);

macro_rules! is_identity {
    ($($name:ident),*) => {$(
        impl Deref for $name {
            type Target = Identity;
            fn deref(&self) -> &Identity {
                &self.0
            }
        }
    )*};
}
is_identity!(Member, Moderator, Admin, Caller);

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(identify(&request).await?)) })
    }
}

macro_rules! extracted {
    ($name:ident, $check:expr) => {
        impl FromRequest for $name {
            type Error = Problem;
            type Future = Extraction<Self>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move {
                    let identity = identify(&request).await?.ok_or_else(Problem::sign_in)?;
                    let check: fn(&HttpRequest, &Identity) -> Result<(), Problem> = $check;
                    check(&request, &identity)?;
                    Ok(Self(identity))
                })
            }
        }
    };
}
extracted!(Member, |_, _| Ok(()));
extracted!(Moderator, |_, identity| identity.require(Scope::Review));
extracted!(Admin, |_, identity| identity.require(Scope::Admin));
extracted!(Caller, |request, identity| {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads {
        Ok(())
    } else {
        identity.confirm(header_text(request, "x-csrf-token"))
    }
});

fn header_text<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Finds who is asking; a wrong token is refused, an ended session is only a visitor.
async fn identify(request: &HttpRequest) -> Result<Option<Identity>, Problem> {
    let app = request
        .app_data::<web::Data<App>>()
        .expect("every route has the app")
        .clone();
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let secret = value
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "))
            .map(str::trim);
        let hash = secrets::hash(secret.ok_or_else(Problem::sign_in)?);
        let found = app.read(move |store| store.token(clock::now(), hash)).await?;
        let (token, account) = found
            .filter(|(_, account)| account.suspended.is_none())
            .ok_or_else(|| Problem {
                sentence: "This token is not known, or was ended.".into(),
                ..Problem::sign_in()
            })?;
        return Ok(Some(Identity {
            scopes: token.scopes,
            account,
            proof: Proof::Token,
        }));
    }
    let Some(cookie) = request.cookie(SESSION_COOKIE) else {
        return Ok(None);
    };
    let hash = secrets::hash(cookie.value());
    let found = app.read(move |store| store.session(clock::now(), hash)).await?;
    Ok(found
        .filter(|(_, account)| account.suspended.is_none())
        .map(|(session, account)| Identity {
            scopes: account.scopes,
            account,
            proof: Proof::Session { csrf: session.csrf },
        }))
}

/// Whether a form may have come from one of our own pages: browsers name where it came from, and a foreign name is a
/// refusal. For forms of visitors, who have no session token yet.
///
/// # Errors
/// 403 for a form that another site sent.
pub fn same_origin(request: &HttpRequest, base: &Url) -> Result<(), Problem> {
    let origin = header_text(request, "origin");
    let host = header_text(request, "host");
    let is_ours = origin.is_empty()
        || origin == base.origin().ascii_serialization()
        || origin.split_once("://").is_some_and(|(_, named)| named == host);
    if is_ours && header_text(request, "sec-fetch-site") != "cross-site" {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "csrf",
        "This form came from another site. Open the page here and repeat.",
    ))
}

/// Begins a session and returns its cookie.
///
/// # Errors
/// Only when the store fails.
pub fn begin_session(store: &Store, account: Id, base: &Url) -> Result<Cookie<'static>, StoreError> {
    let secret = secrets::fresh("");
    let moment = clock::moment();
    let session = NewSession {
        account,
        secret_hash: secrets::hash(&secret),
        csrf: secrets::fresh(""),
        expires_at: moment.now + SESSION_LIFETIME,
    };
    store.create_session(moment, session)?;
    Ok(cookie(secret, base, Duration::milliseconds(SESSION_LIFETIME)))
}

/// The cookie that takes the session's away from the browser.
#[must_use]
pub fn no_session(base: &Url) -> Cookie<'static> {
    cookie(String::new(), base, Duration::ZERO)
}

fn cookie(value: String, base: &Url, age: Duration) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(base.scheme() == "https")
        .max_age(age)
        .finish()
}
