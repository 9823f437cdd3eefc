//! The account with the authority. Who has its key can order certificates for this name, so it is sealed under the KEK.

use std::path::Path;

use instant_acme::{Account, AccountCredentials, NewAccount};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::{site::Site, told, write};
use crate::{config::Acme, fault::Fault, kek, private_file};

/// The account that is there, or a new one.
pub(super) async fn opened(acme: &Acme, file: &Path, kek: &kek::Files) -> Result<Account, String> {
    let site = Site::of(acme)?;
    // Another authority's account opens for nobody else.
    let purpose = format!("acme account {}", acme.directory);
    let (path, files, bound) = (file.to_owned(), kek.clone(), purpose.clone());
    let kept = spawn_blocking(move || read(&path, &files, &bound)).await;
    let builder = Account::builder_with_http(Box::new(site));
    match kept.map_err(|_| "the account can't be read")? {
        Ok(Some(credentials)) => return builder.from_credentials(credentials).await.map_err(told),
        Ok(None) => {}
        Err(fault) => return Err(format!("the account in {} can't be used: {fault}", file.display())),
    }
    let contact: Vec<&str> = acme.contact.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: acme.terms_agreed,
        only_return_existing: false,
    };
    let (account, credentials) = builder
        .create(&wanted, acme.directory.clone(), None)
        .await
        .map_err(told)?;
    let text = serde_json::to_vec(&credentials).map(Zeroizing::new);
    let text = text.map_err(|_| "the account can't be written")?;
    let (path, files) = (file.to_owned(), kek.clone());
    let kept = spawn_blocking(move || {
        let (kek, _) = files.read()?;
        write(&path, &kek.seal_file(&purpose, &text))
    });
    match kept.await {
        Ok(Ok(())) => Ok(account),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(_) => Err("the account can't be written".into()),
    }
}

/// None where there is none, or none under a KEK that is still there: the next one costs nothing.
fn read(file: &Path, files: &kek::Files, purpose: &str) -> Result<Option<AccountCredentials>, Fault> {
    let sealed = match std::fs::read(file) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault::reading(file)(error)),
    };
    private_file::require_private(file)?;
    let (kek, next) = files.read()?;
    let keks = [Some(kek), next, files.read_old()];
    let mut opened = keks
        .iter()
        .flatten()
        .filter_map(|kek| kek.open_file(purpose, &sealed).ok());
    let Some(text) = opened.next() else {
        tracing::warn!("the account for certificates does not open under the KEK, so another is made");
        return Ok(None);
    };
    let credentials = serde_json::from_slice(&text);
    let credentials = credentials.map_err(|_| Fault::Tls("it is not what this server wrote".into()))?;
    Ok(Some(credentials))
}
