//! Faults as people meet them: what happened, why, what to do next, as a page with the status that programs read. Also
//! sends those who must sign in to do so. What is logged is another string, in the core's `error.rs`.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;

use super::frame::{Frame, go_to, render};
use crate::app::App;
use crate::auth::Visitor;
use crate::error::Problem;
use crate::slow;
use crate::view::address::segment;

#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    pub(crate) frame: Frame,
    pub(crate) status: u16,
    pub(crate) heading: &'static str,
    pub(crate) what: String,
    pub(crate) reason: String,
    pub(crate) next: &'static str,
}

impl MessagePage {
    /// The page of a problem.
    pub(crate) fn of(frame: Frame, problem: &Problem) -> Self {
        let status = problem.status;
        let (heading, next) = words(problem);
        let (what, reason) = match status {
            StatusCode::GONE if problem.code == REMOVED => (String::new(), reason_of(&problem.sentence)),
            StatusCode::INTERNAL_SERVER_ERROR => (String::new(), String::new()),
            StatusCode::NOT_FOUND if problem.sentence == Problem::not_found().sentence => (
                "Nothing has this address, or nothing has it any more.".to_owned(),
                String::new(),
            ),
            _ => (problem.sentence.clone(), String::new()),
        };
        Self {
            frame,
            status: status.as_u16(),
            heading,
            what,
            reason,
            next,
        }
    }
}

/// The code of what moderators hid or removed.
const REMOVED: &str = "removed";

/// The heading of a problem and what someone can do about it.
fn words(problem: &Problem) -> (&'static str, &'static str) {
    match problem.status {
        StatusCode::NOT_FOUND => (
            "There is nothing here",
            "Check the address for a slip, or search for the title. If a link brought you here, its author may like to know.",
        ),
        StatusCode::GONE if problem.code != REMOVED => (
            "This is used up",
            "Nothing was changed. Signing in with a password still works, if you have set one.",
        ),
        StatusCode::GONE => (
            "This was removed by the moderators",
            "The tracker no longer serves it, and its posts on other servers were withdrawn. If you think that this is a mistake, write to whoever runs this archive.",
        ),
        StatusCode::FORBIDDEN if problem.code == "csrf" => (
            "This form cannot be taken",
            "Nothing was changed. Open its page again and repeat what you wanted to do.",
        ),
        StatusCode::FORBIDDEN => (
            "This is not open to you",
            "If you should be able to do this, ask whoever runs this archive to change what your account may do.",
        ),
        StatusCode::UNAUTHORIZED => ("Please sign in", "Sign in, then repeat what you wanted to do."),
        StatusCode::TOO_MANY_REQUESTS => (
            "A little slower, please",
            "Too much came from your address in a short time. Nothing is lost; wait a moment and repeat.",
        ),
        StatusCode::CONFLICT => (
            "That is taken",
            "Go back and choose another name, or look at what is already there.",
        ),
        StatusCode::REQUEST_TIMEOUT => (
            "That took too long",
            "Nothing was changed. Go back and send it again, if you can over a faster line.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => ("That is too large", "Go back and choose a smaller file."),
        StatusCode::METHOD_NOT_ALLOWED => (
            "That does not work this way",
            "Go to the page itself and use its form.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Not available at the moment",
            "Nothing was changed. Please try again in a minute.",
        ),
        status if status.is_server_error() => (
            "Something failed on our side",
            "It has been noted. Nothing was changed; please try again later.",
        ),
        _ => (
            "That did not work",
            "Go back, change what the sentence above names, and send it again.",
        ),
    }
}

fn reason_of(sentence: &str) -> String {
    sentence
        .split_once("Their reason: ")
        .map(|(_, reason)| reason.to_owned())
        .unwrap_or_default()
}

/// Gives every fault below it a page, and sends visitors who must be someone to sign in.
pub(crate) async fn face(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let answer = next.call(request).await?;
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() || has_page(answer.response()) {
        return Ok(answer.map_into_left_body());
    }
    let (request, response) = answer.into_parts();
    let known = response.error().and_then(|error| error.as_error::<Problem>());
    let problem = slow::ended(&request)
        .or_else(|| known.cloned())
        .unwrap_or_else(|| plain(status, response.error()));
    let page = page_of(&request, &problem).await;
    Ok(ServiceResponse::new(request, page).map_into_right_body())
}

fn has_page<B>(response: &HttpResponse<B>) -> bool {
    let media = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    response.error().is_none() && media.starts_with("text/html")
}

/// A fault of the framework, such as a form that lacks a field.
fn plain(status: StatusCode, error: Option<&actix_web::Error>) -> Problem {
    match status {
        StatusCode::NOT_FOUND => Problem::not_found(),
        _ if status.is_server_error() => Problem::ours(&error.map(ToString::to_string).unwrap_or_default()),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            status,
            "method",
            "This address does not take what was sent to it.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(status, "too-large", "More was sent than is taken here.")
        }
        _ => Problem::new(
            status,
            "invalid",
            "Something in the form was missing or cannot be read.",
        ),
    }
}

async fn page_of(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    if problem.status == StatusCode::UNAUTHORIZED {
        let back = if request.method() == Method::GET {
            request.uri().path()
        } else {
            "/"
        };
        return go_to(format!("/sign-in?next={}", segment(back)));
    }
    let app = request
        .app_data::<web::Data<App>>()
        .expect("every route has the app")
        .clone();
    let visitor = Visitor::extract(request).await.unwrap_or(Visitor(None));
    let frame = Frame::new(&app, &visitor, request.path(), words(problem).0).private();
    let page = render(problem.status, &MessagePage::of(frame, problem));
    let mut answer =
        page.unwrap_or_else(|_| HttpResponse::InternalServerError().body("Something failed on our side."));
    if let Some(seconds) = problem.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// The page for addresses that nothing has.
pub(crate) async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}
