//! What an answer to a delivery means: taken, never, or not now. The table is the one that Mastodon uses, so that hosts
//! are treated by us as they are by others; FEDERATION.md repeats it.

use crate::fetch::{Answer, FetchError};
use shoal_store::Millis;

/// How often a host may answer 500 to one activity before that activity is taken for the cause. With the pauses in
/// between that is about two hours.
const FIVE_HUNDREDS: u32 = 8;

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The other side has it.
    Taken,
    /// The other side will never take it.
    Refused(String),
    /// The inbox is gone.
    Gone(String),
    /// It may be taken later.
    NotNow {
        /// What happened.
        reason: String,
        /// How long the other side asked to wait.
        wait: Option<Millis>,
    },
}

/// The meaning of a status. `attempts` were made before this one, and `again` says that the last of them was answered
/// 500 as well.
pub(super) fn of_answer(answer: &Answer, attempts: u32, again: bool) -> Verdict {
    let text = answer.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().take(200).collect();
    let reason = if text.is_empty() {
        format!("answered {}", answer.status)
    } else {
        format!("answered {}: {text}", answer.status)
    };
    match answer.status {
        200..=299 => Verdict::Taken,
        410 => Verdict::Gone(reason),
        500 if again && attempts + 1 >= FIVE_HUNDREDS => Verdict::Refused(reason),
        401 | 408 | 421 | 425 | 429 => Verdict::NotNow {
            reason,
            wait: answer.retry_after,
        },
        400..=499 | 501 => Verdict::Refused(reason),
        // Redirects are not followed: a host that moves its inbox says so in its actor document.
        _ => Verdict::NotNow {
            reason,
            wait: answer.retry_after,
        },
    }
}

/// The meaning of no answer.
pub(super) fn of_error(error: &FetchError) -> Verdict {
    let reason = error.to_string();
    if error.may_pass() {
        Verdict::NotNow { reason, wait: None }
    } else {
        Verdict::Refused(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Forbidden;

    fn answered(status: u16, attempts: u32, again: bool) -> Verdict {
        of_answer(
            &Answer {
                status,
                retry_after: None,
                text: " a\n b ".to_owned(),
            },
            attempts,
            again,
        )
    }

    #[test]
    fn statuses_mean_what_the_table_says() {
        for status in [200, 201, 202, 204] {
            assert_eq!(answered(status, 0, false), Verdict::Taken);
        }
        for status in [400, 403, 404, 405, 406, 413, 415, 418, 422, 451, 501] {
            assert_eq!(
                answered(status, 0, false),
                Verdict::Refused(format!("answered {status}: a b"))
            );
        }
        for status in [
            301, 302, 307, 401, 408, 421, 425, 429, 500, 502, 503, 504, 520, 599, 999, 100,
        ] {
            assert!(
                matches!(answered(status, 100, false), Verdict::NotNow { .. }),
                "{status}"
            );
        }
        assert!(matches!(answered(410, 0, false), Verdict::Gone(_)));
    }

    #[test]
    fn one_activity_that_always_meets_500_does_not_hold_up_the_others() {
        assert!(matches!(
            answered(500, FIVE_HUNDREDS - 2, true),
            Verdict::NotNow { .. }
        ));
        assert!(matches!(
            answered(500, FIVE_HUNDREDS - 1, false),
            Verdict::NotNow { .. }
        ));
        assert!(matches!(
            answered(500, FIVE_HUNDREDS - 1, true),
            Verdict::Refused(_)
        ));
    }

    #[test]
    fn networks_recover_and_rules_do_not() {
        assert!(matches!(
            of_error(&FetchError::Network("no connection".to_owned())),
            Verdict::NotNow { .. }
        ));
        assert!(matches!(
            of_error(&FetchError::Forbidden(Forbidden::Scheme)),
            Verdict::Refused(_)
        ));
        let private = Forbidden::Private(std::net::Ipv4Addr::LOCALHOST.into());
        assert!(matches!(
            of_error(&FetchError::Forbidden(private)),
            Verdict::NotNow { .. }
        ));
    }
}
