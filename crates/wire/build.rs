//! Compiles `proto/` to Rust messages, without protoc.
//!
//! With the `server` feature the messages can also be read from and written to JSON.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

use buffa_codegen::{CodeGenConfig, generated::descriptor::FileDescriptorSet};

const PROTO: &str = "twofold/v1/cosigner.proto";

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", root.join(PROTO).display());

    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_file(PROTO)?;
    fs::write(out.join("procedures.rs"), procedures(&compiler.descriptor_pool())?)?;
    let set = buffa_codegen::tooling_decode_options()?
        .decode_from_slice::<FileDescriptorSet>(&compiler.encode_file_descriptor_set())?;
    let mut config = CodeGenConfig::default();
    config.generate_views = false;
    config.generate_with_setters = false;
    config.file_per_package = true;
    config.emit_register_fn = false;
    config.generate_json = env::var_os("CARGO_FEATURE_SERVER").is_some();
    if config.generate_json {
        // What a client asks for must not be left out silently because its name was mistyped.
        config
            .message_attributes
            .push((".".into(), "#[serde(deny_unknown_fields)]".into()));
    }
    for file in buffa_codegen::generate(&set.file, &[PROTO.into()], &config)? {
        fs::write(out.join(&file.name), file.content)?;
    }
    Ok(())
}

/// The paths of all procedures, for the code to check its own table against.
fn procedures(pool: &protox::prost_reflect::DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut text = String::from("&[\n");
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        writeln!(
            text,
            "{:?},",
            format!("/{}/{}", method.parent_service().full_name(), method.name())
        )?;
    }
    text.push_str("]\n");
    Ok(text)
}
