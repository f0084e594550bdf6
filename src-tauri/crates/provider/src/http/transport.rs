//! The connections of one account: one pool, no time-out but the watchdog's, no redirect, no retry.

use super::{
    answer::{Answer, stalled_error},
    call::{Call, Payload},
    classify,
    exact_body::{ExactBody, SendLog, SourceFault},
    redact::Scrub,
    stall_watchdog::StallWatchdog,
};
use crate::error::{Advice, ProviderError, ProviderResult};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{
    HeaderValue,
    header::{CONTENT_LENGTH, USER_AGENT},
};
use labferry_model::{Clock, ProblemCode};
use std::{
    sync::{Arc, Once},
    time::Duration,
};
use url::{Host, Url};

/// How we name ourselves to services.
const PRODUCT: &str = concat!("Labferry/", env!("CARGO_PKG_VERSION"));

/// Idle connections are dropped after this long; most services close theirs after a minute or more.
const IDLE: Duration = Duration::from_secs(50);

/// The pool both clients of one account send through.
#[derive(Clone)]
pub struct Transport {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    stall: Duration,
}

impl Transport {
    /// A pool for a service at that address. A loopback address is spoken to directly, any other through the
    /// system's proxy when one is set.
    ///
    /// # Errors
    /// A system without the means for secure connections.
    pub fn new(
        service: &Url,
        connect: Duration,
        stall: Duration,
        clock: Arc<dyn Clock>,
    ) -> ProviderResult<Self> {
        static PROVIDER: Once = Once::new();
        // Whoever installed one before us is as good: the answer tells nothing else.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let builder = || {
            let builder = reqwest::Client::builder()
                .http1_only()
                .tcp_nodelay(true)
                .connect_timeout(connect)
                .pool_idle_timeout(IDLE)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false);
            if is_loopback(service) { builder.no_proxy() } else { builder }
        };
        // A system without any trusted certificate can still speak to a service on this machine.
        let client =
            builder().build().or_else(|_| builder().tls_certs_only([]).build()).map_err(|error| {
                ProviderError::new("connect", ProblemCode::Internal, Advice::Stop)
                    .because("no HTTP client could be set up")
                    .caused_by(error.without_url())
            })?;
        Ok(Self { client, clock, stall })
    }

    /// Sends one request and waits for the answer's headers.
    pub(crate) async fn send(
        &self,
        url: &Url,
        shown_address: String,
        call: Call,
        scrub: Scrub,
    ) -> ProviderResult<Answer> {
        let Call { operation, method, headers, payload, .. } = call;
        let watchdog = StallWatchdog::new(self.stall);
        let mut request =
            self.client.request(method, url.clone()).headers(headers).header(USER_AGENT, PRODUCT);
        let mut sending = None;
        match payload {
            Payload::None => {}
            Payload::Bytes(bytes) => request = request.body(bytes),
            Payload::Part(part) => {
                let announced = part.length;
                let (mut body, log) = ExactBody::new(part.stream, announced, watchdog.pulse());
                request = request.header(CONTENT_LENGTH, HeaderValue::from(announced));
                if announced == 0 {
                    // An empty body is never asked for its bytes, so the source is looked at here.
                    let _nothing = body.next().await;
                    if let Some(fault) = log.take_fault() {
                        return Err(source_error(operation, fault));
                    }
                    request = request.body(Bytes::new());
                } else {
                    request = request.body(reqwest::Body::wrap_stream(body));
                }
                sending = Some((log, announced));
            }
        }
        let outcome = watchdog.guard(request.send()).await;
        if let Some(fault) = sending.as_ref().and_then(|(log, _)| log.take_fault()) {
            return Err(source_error(operation, fault));
        }
        let response = match outcome {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(classify::transport(operation, &shown_address, error)),
            Err(stalled) => return Err(stalled_error(operation, &shown_address, stalled.0)),
        };
        if let Some((log, announced)) = sending {
            refuse_early_success(operation, &shown_address, response.status(), &log, announced)?;
        }
        let received = self.clock.now();
        Ok(Answer { operation, shown_address, response, watchdog, scrub, received })
    }
}

/// A yes to bytes that were never sent is no yes.
fn refuse_early_success(
    operation: &'static str,
    to: &str,
    status: http::StatusCode,
    log: &SendLog,
    announced: u64,
) -> ProviderResult<()> {
    let given = log.given();
    if !status.is_success() || given == announced {
        return Ok(());
    }
    Err(ProviderError::new(operation, ProblemCode::BadAnswer, Advice::Again)
        .about(to)
        .because(format!("the service answered {status} after {given} of {announced} bytes")))
}

fn source_error(operation: &'static str, fault: SourceFault) -> ProviderError {
    let code = match fault {
        SourceFault::Failed(_) => ProblemCode::SourceUnreadable,
        SourceFault::Short { .. } | SourceFault::Long { .. } => ProblemCode::SourceChanged,
    };
    ProviderError::new(operation, code, Advice::Stop).because(fault.to_string()).caused_by(fault)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
