//! What goes wrong, once as API answers (`application/problem+json`, RFC 9457), once as what the log keeps.
//!
//! Pages have their own face for the same errors in `pages/error.rs`. Our fault is 5xx and says nothing of the inside.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use shoal_store::StoreError;

/// A refusal or a fault on its way to a program or a person.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{status} {code}: {sentence}")]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub code: &'static str,
    /// What happened and what to do, for people.
    pub sentence: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// The URL path of what is already there, when that is why.
    pub existing: Option<String>,
}

impl Problem {
    /// A problem of a status with a stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            status,
            code,
            sentence: sentence.into(),
            retry_after: None,
            existing: None,
        }
    }

    /// 400 for input that cannot be used.
    pub fn invalid(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", sentence)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here.")
    }

    /// 401 for a call that needs someone.
    #[must_use]
    pub fn sign_in() -> Self {
        let sentence = "This needs a signed-in account: send Authorization: Bearer TOKEN, or sign in.";
        Self::new(StatusCode::UNAUTHORIZED, "sign-in-needed", sentence)
    }

    /// 403 for a scope that the account or token lacks.
    pub fn scope(name: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "scope-missing",
            format!("This needs the scope {name}."),
        )
    }

    /// 410 for what moderators took away.
    #[must_use]
    pub fn gone(reason: &str) -> Self {
        let why = if reason.is_empty() {
            String::new()
        } else {
            format!(" Their reason: {reason}")
        };
        Self::new(
            StatusCode::GONE,
            "removed",
            format!("This was removed by the moderators.{why}"),
        )
    }

    /// 429 with the seconds to wait.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        let sentence = format!("Too many requests. Try again in {seconds} seconds.");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", sentence);
        Self {
            retry_after: Some(seconds),
            ..problem
        }
    }

    /// 500 with nothing of the inside; what happened goes to the log.
    pub fn ours(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed by our fault");
        let sentence = "Something failed on our side. It has been noted; please try again later.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", sentence)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what } => Self {
                sentence: format!("There is no such {what}."),
                ..Self::not_found()
            },
            StoreError::Taken { sentence, .. } => Self::new(StatusCode::CONFLICT, "taken", sentence),
            StoreError::Gone { reason } => Self::gone(&reason),
            StoreError::Refused(sentence) => Self::new(StatusCode::FORBIDDEN, "refused", sentence),
            StoreError::Invalid(sentence) => Self::invalid(sentence),
            StoreError::Unavailable(inside) => {
                tracing::error!(error = inside, "the database cannot be used");
                let sentence =
                    "The database cannot be used at the moment. Nothing was changed; please try again.";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "database-unavailable", sentence);
                Self {
                    retry_after: Some(5),
                    ..problem
                }
            }
            other => Self::ours(&other),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.sentence,
        });
        if let Some(existing) = &self.existing {
            body["existing"] = existing.as_str().into();
        }
        answer.body(body.to_string())
    }
}
