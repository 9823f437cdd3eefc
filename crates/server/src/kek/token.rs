//! An AES key that never leaves a PKCS#11 token seals the KEK (AES-256-GCM, by the token).
//!
//! What the file holds is of no use without the token and its PIN. The token's key is taken only where it can't be read
//! out, and only if there is one of its name. Every question has a deadline: a module that hangs holds up one thread.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use crate::{config::Token, fault::Fault, private_file};

/// What is sealed is bound to this and the name of the token's key.
const USE: &[u8] = b"twofold/kek/1/";
const NONCE: usize = 12;
const TAG: usize = 16;
/// The longest PIN, in bytes.
const PIN: u64 = 256;

/// A module is one for the whole process: one question at a time.
static ONE: Mutex<()> = Mutex::new(());

/// Has a key sealed: nonce, ciphertext and tag.
pub(super) fn seal(token: &Token, key: &Secret32) -> Result<Vec<u8>, Fault> {
    let secret = Secret32::new(*key.expose());
    let mut nonce = [0; NONCE];
    getrandom::getrandom(&mut nonce).map_err(|error| Fault::System(format!("no randomness: {error}")))?;
    in_time(token, &token.key, move |session, key, bound| {
        let sealed = {
            let mechanism = gcm(&mut nonce, bound)?;
            session.encrypt(&mechanism, key, secret.expose()).map_err(told)?
        };
        // Some tokens draw the nonce themselves, and have written it there.
        Ok([nonce.as_slice(), &sealed].concat())
    })
}

/// Has one opened that the token's key of this name sealed.
pub(super) fn open(token: &Token, name: &str, sealed: &[u8]) -> Result<Secret32, Fault> {
    let damaged = "the token does not open the KEK: its file is damaged, or another key of that name sealed it";
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE>()
        .filter(|(_, sealed)| sealed.len() == 32 + TAG)
        .ok_or_else(|| Fault::Kek(damaged.into()))?;
    let (mut nonce, sealed) = (*nonce, sealed.to_vec());
    in_time(token, name, move |session, key, bound| {
        let mechanism = gcm(&mut nonce, bound)?;
        let opened = session.decrypt(&mechanism, key, &sealed).map(Zeroizing::new);
        let opened = opened.map_err(|error| format!("{damaged} ({})", told(error)))?;
        Secret32::try_from(opened.as_slice()).map_err(|_| damaged.to_owned())
    })
}

fn gcm<'a>(nonce: &'a mut [u8], bound: &'a [u8]) -> Result<Mechanism<'a>, String> {
    let tag_bits = 128.into();
    GcmParams::new(nonce, bound, tag_bits)
        .map(Mechanism::AesGcm)
        .map_err(told)
}

/// Asks the token's key of this name something, and waits so long for its answer.
fn in_time<T: Send + 'static>(
    token: &Token,
    name: &str,
    ask: impl FnOnce(&Session, ObjectHandle, &[u8]) -> Result<T, String> + Send + 'static,
) -> Result<T, Fault> {
    let (tell, answer) = mpsc::sync_channel(1);
    let (asked, name) = (token.clone(), name.to_owned());
    thread::spawn(move || tell.send(asked_of(&asked, &name, ask)));
    let answer = answer.recv_timeout(token.patience()).unwrap_or_else(|_| {
        let seconds = token.seconds;
        Err(format!(
            "the token does not answer within {seconds} s (kek.pkcs11.seconds)"
        ))
    });
    answer.map_err(|why| Fault::Kek(format!("kek.pkcs11: {why}")))
}

fn asked_of<T>(
    token: &Token,
    name: &str,
    ask: impl FnOnce(&Session, ObjectHandle, &[u8]) -> Result<T, String>,
) -> Result<T, String> {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let pin = pin(&token.pin_file)?;
    let module = Pkcs11::new(&token.module)
        .map_err(|error| format!("the module {} can't be loaded: {error}", token.module.display()))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // By a question that came to no end.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => {
            let (file, why) = (token.module.display(), told(error));
            return Err(format!("the module {file} does not start: {why}"));
        }
    }
    let answer = slot(&module, &token.token).and_then(|slot| {
        let session = module.open_ro_session(slot).map_err(told)?;
        login(&module, slot, &session, &pin, token)?;
        let key = key(&session, name)?;
        ask(&session, key, &[USE, name.as_bytes()].concat())
    });
    // Nothing stays logged in.
    let _ = module.finalize();
    answer
}

/// The one token of this label.
fn slot(module: &Pkcs11, label: &str) -> Result<Slot, String> {
    let slots = module.get_slots_with_initialized_token().map_err(told)?;
    let labelled = |slot: &Slot| {
        let info = module.get_token_info(*slot);
        info.is_ok_and(|info| info.label() == label)
    };
    let found: Vec<Slot> = slots.into_iter().filter(labelled).collect();
    match found[..] {
        [slot] => Ok(slot),
        [] => Err(format!(
            "no token is labelled `{label}`: is it plugged in, and may the server's user reach it?"
        )),
        _ => Err(format!(
            "several tokens are labelled `{label}`: give one another label, or take the others out"
        )),
    }
}

/// Tokens count wrong PINs and lock themselves: the last try is left to a person.
fn login(module: &Pkcs11, slot: Slot, session: &Session, pin: &AuthPin, token: &Token) -> Result<(), String> {
    let info = module.get_token_info(slot).map_err(told)?;
    if info.user_pin_locked() {
        return Err("the token has locked its PIN after too many wrong ones: unlock it by its SO PIN".into());
    }
    if info.user_pin_final_try() {
        return Err(
            "one more wrong PIN would lock the token, so none is tried: log in once by hand with the right one".into(),
        );
    }
    match session.login(UserType::User, Some(pin)) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => Err(format!(
            "the PIN in {} is wrong; put the right one there before the next start, for the token counts",
            token.pin_file.display()
        )),
        Err(error) => Err(format!("the token lets nobody in: {}", told(error))),
    }
}

/// The one AES key of this name, which must be one that stays in the token.
fn key(session: &Session, name: &str) -> Result<ObjectHandle, String> {
    let wanted = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(name.as_bytes().to_vec()),
    ];
    let found = session.find_objects(&wanted).map_err(told)?;
    let key = match found[..] {
        [key] => key,
        [] => {
            return Err(format!(
                "the token has no AES key named `{name}`: make one (docs/operating.md)"
            ));
        }
        _ => {
            return Err(format!(
                "the token has several AES keys named `{name}`: remove those that nothing was sealed by"
            ));
        }
    };
    let asked = [AttributeType::Sensitive, AttributeType::Extractable];
    let answers = session.get_attributes(key, &asked).map_err(told)?;
    if answers.contains(&Attribute::Sensitive(true)) && answers.contains(&Attribute::Extractable(false)) {
        return Ok(key);
    }
    Err(format!(
        "the token's key `{name}` can be read out: make one that is sensitive and not extractable, and change the KEK"
    ))
}

fn pin(file: &Path) -> Result<AuthPin, String> {
    let mut text = Zeroizing::new(Vec::with_capacity(512));
    let opened = File::open(file).and_then(|opened| opened.take(PIN).read_to_end(&mut text));
    opened.map_err(|why| format!("the PIN can't be read from {}: {why}", file.display()))?;
    private_file::require_private(file).map_err(|fault| fault.to_string())?;
    match std::str::from_utf8(text.trim_ascii_end()) {
        // Exactly as long as its memory, so that no copy is left behind.
        Ok(pin) if !pin.is_empty() => Ok(AuthPin::from(pin.to_owned())),
        _ => Err(format!(
            "{} must hold the PIN of the token's user, and nothing else",
            file.display()
        )),
    }
}

/// In a few words: the crate's own are paragraphs of the standard.
fn told(error: Error) -> String {
    match error {
        Error::Pkcs11(answer, function) => format!("C_{function:?} answers {answer:?}"),
        other => other.to_string(),
    }
}
