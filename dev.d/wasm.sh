# Checks that what must run in a browser builds for wasm32. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # target comes from ./dev

# wasm LIBRARIES COMMAND ARGUMENT...: a cargo command for wasm32-unknown-unknown, by the rustup target where it is
# installed, else by Debian's compiler for the web with these of the standard libraries built from source.
wasm() {
    libraries=$1
    order=$2
    shift 2
    # secp256k1's C needs a compiler that knows wasm32.
    export CC_wasm32_unknown_unknown="$wasm_cc" AR_wasm32_unknown_unknown="$wasm_ar"
    set -- "$order" --target wasm32-unknown-unknown --target-dir "$target/wasm" --locked "$@"
    if has_wasm_target; then
        cargo "$@"
    else
        RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-14 /usr/bin/cargo "$@" "-Zbuild-std=$libraries"
    fi
}

has_wasm_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; }

find_wasm() {
    wasm_cc='' wasm_ar=''
    for version in '' -20 -19 -18 -17 -16 -15 -14; do
        if command -v "clang$version" >/dev/null; then wasm_cc=clang$version; fi
        if command -v "llvm-ar$version" >/dev/null; then wasm_ar=llvm-ar$version; fi
    done
    [ -n "$wasm_cc" ] && [ -n "$wasm_ar" ] || return 1
    has_wasm_target && return 0
    [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library ] &&
        at_least "$(/usr/bin/rustc --version | awk '{ print $2 }')" "$(wanted_rust)"
}

# Debian 12's compiler for the web; its clang knows wasm32 as it is.
want_wasm_packages() {
    want_packages /usr/bin/rustc:rustc-web /usr/bin/cargo:cargo-web /usr/lib/rustlib/src/rust/library:rust-web-src \
        wasm-ld-14:lld-14 clang-14:clang-14 llvm-ar-14:llvm-14
}
