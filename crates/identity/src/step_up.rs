//! What counts as a second factor.

/// The words by which a provider says that a second factor was used (RFC 8176 for `amr`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUp {
    /// Any one of these in `amr`.
    pub amr: Vec<String>,
    /// Or this `acr`.
    pub acr: Vec<String>,
}

impl Default for StepUp {
    fn default() -> Self {
        Self {
            amr: vec!["mfa".into()],
            acr: Vec::new(),
        }
    }
}

impl StepUp {
    pub(crate) fn met<'a>(&self, amr: impl IntoIterator<Item = &'a str>, acr: Option<&str>) -> bool {
        let listed = |list: &[String], word: &str| list.iter().any(|known| known == word);
        amr.into_iter().any(|word| listed(&self.amr, word)) || acr.is_some_and(|word| listed(&self.acr, word))
    }
}
