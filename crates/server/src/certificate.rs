//! A private CA and a certificate under it, for those who have no name of their own in the public web.
//!
//! Invitations pin the CA, so its certificate can be replaced under the same pin as long as the CA's key is kept.

use std::{fs, path::Path, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use crate::{fault::Fault, private_file};

/// What is made, in the order in which it is moved in.
const FILES: [&str; 3] = ["ca-key.pem", "key.pem", "chain.pem"];
/// Folder of files that may be half written.
const BEGUN: &str = ".certificate.begun";
/// Folder of files that are whole.
const WHOLE: &str = ".certificate.whole";

const YEAR: u64 = 366 * 24 * 3600;

/// Draws a CA and a server certificate for `names` (host names or IP addresses), both good for ten years from `now`
/// (seconds since 1970), and writes `chain.pem` (server, CA), `key.pem` and `ca-key.pem` into `folder`.
///
/// All three are written aside and moved in when they are whole, `chain.pem` last: broken off anywhere, the next call
/// finishes. A key that is there already is never overwritten.
pub fn make(folder: &Path, names: Vec<String>, now: u64) -> Result<(), Fault> {
    let whole = folder.join(WHOLE);
    if !whole.exists() {
        refuse_leftovers(folder)?;
        let (chain, key, ca_key) =
            draw(names, now).map_err(|error| Fault::Tls(format!("can't make a certificate: {error}")))?;
        let begun = folder.join(BEGUN);
        if begun.exists() {
            fs::remove_dir_all(&begun).map_err(Fault::writing(&begun))?;
        }
        private_file::directory(&begun)?;
        for (name, text) in FILES.into_iter().zip([ca_key, key, chain]) {
            private_file::create(&begun.join(name), text.as_bytes())?;
        }
        fs::rename(&begun, &whole).map_err(Fault::writing(&whole))?;
    }
    for name in FILES {
        let (from, to) = (whole.join(name), folder.join(name));
        if from.exists() {
            fs::rename(&from, &to).map_err(Fault::writing(to))?;
        }
    }
    fs::remove_dir(&whole).map_err(Fault::writing(&whole))
}

fn refuse_leftovers(folder: &Path) -> Result<(), Fault> {
    match FILES.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(Fault::Tls(format!(
            "{} is there, but not all of {}; bring back what is missing, or move {} away for a new CA, which no \
             invitation given out so far will trust",
            path.display(),
            FILES.join(", "),
            path.display()
        ))),
    }
}

fn draw(names: Vec<String>, now: u64) -> Result<(String, String, String), rcgen::Error> {
    let from = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.saturating_sub(24 * 3600));
    let until = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.saturating_add(10 * YEAR));

    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.distinguished_name.push(DnType::CommonName, "Twofold private CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (ca.not_before, ca.not_after) = (from, until);
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, &ca_key);

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "Twofold server");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (from, until);
    let certificate = leaf.signed_by(&key, &issuer)?;

    let chain = format!("{}{}", certificate.pem(), ca_certificate.pem());
    Ok((chain, key.serialize_pem(), ca_key.serialize_pem()))
}

#[cfg(test)]
mod tests;
