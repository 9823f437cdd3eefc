//! The ways in: a port where TLS is spoken, and a unix socket for a proxy that has ended it.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::Body;
use crate::{
    config::{Ingress, Turned},
    fault::Fault,
};

/// What a browser is told of this host: to ask it by https alone, for two years, as deploy/Caddyfile says it.
pub(super) const STRICT: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Where connections come in.
pub(crate) struct Ways {
    port: TcpListener,
    socket: Option<UnixListener>,
    ingress: Arc<Ingress>,
    strict: bool,
}

/// A connection that has come.
pub(super) enum Came {
    /// Over the port; TLS is to begin.
    Tls(TcpStream, IpAddr),
    /// Over the socket, in plain HTTP.
    Socket(UnixStream),
}

/// Whose word a connection is.
pub(super) enum Origin {
    /// Its own.
    Device(IpAddr),
    /// A proxy's, for others.
    Proxy(IpAddr, Arc<Ingress>),
}

impl Ways {
    pub(crate) fn new(port: TcpListener, socket: Option<UnixListener>, ingress: Ingress) -> Self {
        Self {
            port,
            socket,
            ingress: Arc::new(ingress),
            strict: false,
        }
    }

    /// Tells browsers to ask by https alone. Where none takes the certificate none would heed it, but for developers who
    /// have theirs take it, for whom it would go for whatever else they run on that host.
    pub(crate) fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Whether who came so is told. A proxy says it itself.
    pub(super) fn is_strict(&self, origin: &Origin) -> bool {
        self.strict && matches!(origin, Origin::Device(_))
    }

    pub(super) fn ingress(&self) -> &Arc<Ingress> {
        &self.ingress
    }

    pub(super) async fn next(&self) -> io::Result<Came> {
        let socket = async {
            match &self.socket {
                Some(socket) => socket.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            came = self.port.accept() => came.map(|(stream, peer)| Came::Tls(stream, peer.ip())),
            came = socket => came.map(|(stream, _)| Came::Socket(stream)),
        }
    }
}

impl Came {
    pub(super) fn origin(&self, ingress: &Arc<Ingress>) -> Origin {
        match self {
            Self::Tls(_, address) if ingress.believes(*address) => Origin::Proxy(*address, Arc::clone(ingress)),
            Self::Tls(_, address) => Origin::Device(*address),
            Self::Socket(_) => Origin::Proxy(Ipv4Addr::LOCALHOST.into(), Arc::clone(ingress)),
        }
    }
}

impl Origin {
    /// Who asks with these headers.
    pub(super) fn asker(&self, headers: &HeaderMap) -> Result<IpAddr, Turned> {
        match self {
            // Anybody can write them: they say nothing.
            Self::Device(address) => Ok(*address),
            Self::Proxy(address, ingress) => ingress.asker(headers, *address),
        }
    }
}

/// The answer to who asks from where nobody may, or over a plaintext link.
pub(super) fn turn_away(turned: Turned) -> Response<Body> {
    let text = match turned {
        Turned::Plaintext => "ask the proxy over https; it must say so in X-Forwarded-Proto\n",
        Turned::Elsewhere => "not from this network\n",
    };
    let mut response = Response::new(Full::from(text).boxed_unsync());
    *response.status_mut() = StatusCode::FORBIDDEN;
    let kind = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Listens on a unix socket that its user and group may write to. What a dead server left there is removed.
pub(crate) fn bind_socket(path: &Path) -> Result<UnixListener, Fault> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(Fault::Config(format!(
                "ingress.socket {} is there and no socket; name another place",
                path.display()
            )));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(Fault::Config(format!(
                "at ingress.socket {} somebody answers already; stop what listens there, or name another place",
                path.display()
            )));
        }
        Ok(_) => fs::remove_file(path).map_err(Fault::writing(path))?,
        Err(_) => {}
    }
    // Who may connect is believed, so that it is for nobody else from its first moment on.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o117));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = bound.map_err(Fault::writing(path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(Fault::writing(path))?;
    Ok(listener)
}
