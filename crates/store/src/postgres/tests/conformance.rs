use super::{Fresh, run};

twofold_cosigner::store_conformance!(Fresh::new(), run);
