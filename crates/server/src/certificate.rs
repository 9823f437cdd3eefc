//! A private CA and a certificate under it, for those who have no name of their own in the public web.
//!
//! Invitations pin the CA, so its certificate can be replaced under the same pin as long as the CA's key is kept.

use std::{fs, path::Path, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use crate::{fault::Fault, private_file};

const YEAR: u64 = 366 * 24 * 3600;

/// Draws a CA and a server certificate for `names` (host names or IP addresses), both good for ten years from `now`
/// (seconds since 1970), and writes `chain.pem` (server, CA), `key.pem` and `ca-key.pem` into `folder`.
pub fn make(folder: &Path, names: Vec<String>, now: u64) -> Result<(), Fault> {
    let (chain, key, ca_key) =
        draw(names, now).map_err(|error| Fault::Tls(format!("can't make a certificate: {error}")))?;
    private_file::create(&folder.join("ca-key.pem"), ca_key.as_bytes())?;
    private_file::create(&folder.join("key.pem"), key.as_bytes())?;
    let path = folder.join("chain.pem");
    fs::write(&path, chain).map_err(Fault::writing(path))
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
