//! A server that speaks the Electrum protocol and says whatever the test wants: the truth, lies, too much, or nothing.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Result;
use bitcoin::{Network, consensus::encode::serialize_hex, constants::genesis_block};
use serde_json::{Value, json};

/// A call that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// On which connection, counted from 1.
    pub connection: u64,
    /// Its number.
    pub id: u64,
    /// What is called.
    pub method: String,
    /// With what.
    pub params: Value,
}

/// What is said to it.
#[derive(Debug, Clone)]
pub enum Say {
    /// The result.
    Result(Value),
    /// An error in these words.
    Error(String),
    /// These bytes, whatever they are. No line end is added.
    Bytes(Vec<u8>),
    /// Nothing more on this connection.
    HangUp,
}

type Answer = dyn Fn(&Asked) -> Option<Vec<Say>> + Send + Sync;

/// The server. Dropped, it hangs up on everybody.
#[derive(Debug)]
pub struct FalseElectrum {
    address: SocketAddr,
    desk: Arc<Desk>,
}

struct Desk {
    answer: Box<Answer>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    connections: u64,
    open: HashMap<u64, TcpStream>,
    asked: Vec<Asked>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl FalseElectrum {
    /// A server on a port picked by the system. `answer` says what becomes of a call; of one that it leaves alone becomes
    /// what an honest server with an empty regtest chain would say.
    pub fn start(answer: impl Fn(&Asked) -> Option<Vec<Say>> + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            answer: Box::new(answer),
            state: Mutex::default(),
        });
        let accepting = Arc::clone(&desk);
        thread::Builder::new().name("false electrum".into()).spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if !accepting.take(stream) {
                    break;
                }
            }
        })?;
        Ok(Self { address, desk })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All calls so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.desk.state().asked.clone()
    }

    /// Connections taken so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.desk.state().connections
    }

    /// Says something that nobody asked for, to everybody.
    pub fn announce(&self, method: &str, params: &Value) {
        let line = format!("{}\n", json!({ "jsonrpc": "2.0", "method": method, "params": params }));
        for mut stream in self.desk.state().open.values() {
            let _ = stream.write_all(line.as_bytes());
        }
    }

    /// Hangs up on everybody, once.
    pub fn hang_up(&self) {
        for stream in self.desk.state().open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for FalseElectrum {
    fn drop(&mut self) {
        self.desk.state().ended = true;
        self.hang_up();
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect(self.address);
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, stream: TcpStream) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        state.connections += 1;
        let number = state.connections;
        if let Ok(handle) = stream.try_clone() {
            state.open.insert(number, handle);
        }
        drop(state);
        let desk = Arc::clone(self);
        let _ = thread::Builder::new()
            .name(format!("false electrum {number}"))
            .spawn(move || {
                // A client that went away is no event.
                let _ = desk.serve(number, &stream);
                let _ = stream.shutdown(Shutdown::Both);
                desk.state().open.remove(&number);
            });
        true
    }

    fn serve(&self, connection: u64, mut stream: &TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        for call in BufReader::new(stream.try_clone()?).lines() {
            let call: Value = serde_json::from_str(&call?)?;
            let asked = Asked {
                connection,
                id: call["id"].as_u64().unwrap_or_default(),
                method: call["method"].as_str().unwrap_or_default().to_owned(),
                params: call["params"].clone(),
            };
            self.state().asked.push(asked.clone());
            for say in (self.answer)(&asked).unwrap_or_else(|| honest(&asked)) {
                let line = match say {
                    Say::Result(result) => line(&json!({ "jsonrpc": "2.0", "id": asked.id, "result": result })),
                    Say::Error(message) => {
                        line(&json!({ "jsonrpc": "2.0", "id": asked.id, "error": { "code": 1, "message": message } }))
                    }
                    Say::Bytes(bytes) => bytes,
                    Say::HangUp => return Ok(()),
                };
                stream.write_all(&line)?;
            }
        }
        Ok(())
    }
}

fn line(message: &Value) -> Vec<u8> {
    format!("{message}\n").into_bytes()
}

/// What an honest server says that has nothing but the genesis block of regtest.
fn honest(asked: &Asked) -> Vec<Say> {
    let genesis = serialize_hex(&genesis_block(Network::Regtest).header);
    let result = match asked.method.as_str() {
        "server.version" => json!(["false electrum", "1.4"]),
        "server.ping" | "blockchain.scripthash.subscribe" => Value::Null,
        "blockchain.headers.subscribe" => json!({ "height": 0, "hex": genesis }),
        "blockchain.block.header" => json!(genesis),
        "blockchain.scripthash.get_history" => json!([]),
        "blockchain.estimatefee" => json!(-1),
        "blockchain.relayfee" => json!(0.00001),
        method => return vec![Say::Error(format!("unknown method {method}"))],
    };
    vec![Say::Result(result)]
}
