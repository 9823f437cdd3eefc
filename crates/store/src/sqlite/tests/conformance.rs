use super::{Fresh, block_on};

twofold_cosigner::store_conformance!(Fresh::new(), block_on);
