use super::MemoryStore;

crate::store_conformance!(Box::new(MemoryStore::new()), futures::executor::block_on);
