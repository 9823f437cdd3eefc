# Checks that what must run in a browser builds for wasm32. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # target comes from ./dev

# wasm COMMAND PACKAGE...: a cargo command for wasm32-unknown-unknown, by the rustup target where it is installed,
# else by Debian's compiler for the web with the standard library built from source.
wasm() {
    order=$1
    shift
    triple=wasm32-unknown-unknown
    # secp256k1's C needs a compiler that knows wasm32, and no headers of the host's.
    export CC_wasm32_unknown_unknown="$wasm_cc" AR_wasm32_unknown_unknown="$wasm_ar"
    for package; do set -- "$@" --package "$package" && shift; done
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$triple" ]; then
        cargo "$order" --target "$triple" --target-dir "$target/wasm" --locked "$@"
    else
        RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-14 \
            /usr/bin/cargo "$order" --target "$triple" --target-dir "$target/wasm" --locked -Zbuild-std=std,panic_abort "$@"
    fi
}

find_wasm() {
    wasm_cc='' wasm_ar=''
    for version in '' -20 -19 -18 -17 -16 -15 -14; do
        if command -v "clang$version" >/dev/null; then wasm_cc=clang$version; fi
        if command -v "llvm-ar$version" >/dev/null; then wasm_ar=llvm-ar$version; fi
    done
    [ -n "$wasm_cc" ] && [ -n "$wasm_ar" ] || return 1
    [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] && return 0
    [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library ] &&
        at_least "$(/usr/bin/rustc --version | awk '{ print $2 }')" "$(wanted_rust)"
}

# Debian 12's compiler for the web; its clang knows wasm32 as it is.
want_wasm_packages() {
    want_packages /usr/bin/rustc:rustc-web /usr/bin/cargo:cargo-web /usr/lib/rustlib/src/rust/library:rust-web-src \
        wasm-ld-14:lld-14 clang-14:clang-14 llvm-ar-14:llvm-14
}
