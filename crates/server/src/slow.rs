//! Bodies that come too slowly: whoever sends a byte now and then holds a connection, and no more than that for long. Every
//! request body is read through [`steady`]. Heads are the web server's own business (`app.rs`).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web::Bytes};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Problem;
use crate::websocket;

/// How long a body may take that has no bytes.
const GRACE: Duration = Duration::from_secs(20);
/// How many bytes buy one more second: the slowest line that is waited for.
const BYTES_A_SECOND: u32 = 4096;

/// Ends a body that comes more slowly than 4 KiB a second after its first twenty seconds, and has that answered as what it
/// is: to a 408 servers send again, while what was answered 400 they give up.
pub(crate) async fn steady<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if websocket::is_socket(&request) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let body = request.take_payload();
    if matches!(body, Payload::None) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let late = Late::default();
    request.extensions_mut().insert(late.clone());
    let watched = Steady {
        body,
        end: Instant::now() + GRACE,
        alarm: None,
        late: late.clone(),
    };
    request.set_payload(Payload::Stream {
        payload: Box::pin(watched),
    });
    let answer = next.call(request).await;
    if !late.rang() {
        return answer.map(ServiceResponse::map_into_left_body);
    }
    match answer {
        Ok(answer) if answer.status() == StatusCode::REQUEST_TIMEOUT => Ok(answer.map_into_left_body()),
        Ok(answer) => Ok(answer
            .into_response(too_slow().error_response())
            .map_into_right_body()),
        Err(_) => Err(too_slow().into()),
    }
}

/// What became of a request whose body was ended, for whoever gives faults a face; else `None`.
pub(crate) fn ended(request: &HttpRequest) -> Option<Problem> {
    let late = request.extensions().get::<Late>().cloned();
    late.filter(Late::rang).map(|_| too_slow())
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        "What was sent came too slowly, so the connection was given up. Nothing was changed; please try again.",
    )
}

/// Whether the alarm of a request's body rang.
#[derive(Clone, Default)]
struct Late(Arc<AtomicBool>);

impl Late {
    fn rang(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body with the time at which it has to be there.
struct Steady {
    body: Payload,
    end: Instant,
    /// Set when there is something to wait for: most bodies come whole, with their head.
    alarm: Option<Pin<Box<Sleep>>>,
    late: Late,
}

impl Stream for Steady {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let came = Pin::new(&mut self.body).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &came {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.end += Duration::from_secs(1) * length / BYTES_A_SECOND;
            let end = self.end;
            if let Some(alarm) = &mut self.alarm {
                alarm.as_mut().reset(end);
            }
        }
        let end = self.end;
        let mut is_late = || {
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
            alarm.as_mut().poll(context).is_ready()
        };
        if came.is_pending() && is_late() {
            self.late.0.store(true, Ordering::Relaxed);
            let late = io::Error::new(io::ErrorKind::TimedOut, "the body comes too slowly");
            return Poll::Ready(Some(Err(PayloadError::Io(late))));
        }
        came
    }
}
