//! One HTTP connection to the node, used by one call at a time.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle};

use crate::fault::Fault;

/// A connection. Dropped, it closes, whatever is still under way.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    pub(super) async fn connect(host: &str, port: u16) -> Result<Self, Fault> {
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|error| Fault::passing(&error))?;
        stream.set_nodelay(true).map_err(|error| Fault::passing(&error))?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(64 << 10)
            .max_headers(32)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Fault::passing(&error))?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer hears of the failure too.
            let _ = connection.await;
        });
        Ok(Self { sender, driver })
    }

    /// Whether the node has not closed it meanwhile, as far as is known here.
    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }

    /// Posts a body; the answer's status and body, if that is no longer than `limit`.
    pub(super) async fn post(
        &mut self,
        uri: &Uri,
        authorization: &str,
        body: Bytes,
        limit: usize,
    ) -> Result<(StatusCode, Bytes), Fault> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri.path())
            .header(header::HOST, uri.authority().map_or("", |authority| authority.as_str()))
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| Fault::lasting(&error))?;
        self.sender.ready().await.map_err(|error| Fault::passing(&error))?;
        let answer = self
            .sender
            .send_request(request)
            .await
            .map_err(|error| Fault::passing(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), limit)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Fault::Lasting(format!("its answer is longer than {limit} bytes"))
                } else {
                    Fault::passing(&error)
                }
            })?;
        Ok((status, body.to_bytes()))
    }
}
