# What the machine must offer, said in one sentence where it does not. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree, cache and target come from ./dev

say() { printf '%s\n' "$*"; }
stop() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

# The lines that say what will happen; empty ones (nothing to do) are left out.
plan() {
    for line; do
        [ -z "$line" ] || printf '  %s\n' "$line"
    done
}

os_release() {
    # shellcheck disable=SC1091
    [ ! -r /etc/os-release ] || (. /etc/os-release && eval "printf %s \"\${$1:-}\"")
}

check_machine() {
    elsewhere="this build knows x86_64 Linux with glibc only so far"
    [ "$(uname -s)" = Linux ] || stop "$elsewhere, and this is $(uname -s)"
    [ "$(uname -m)" = x86_64 ] || stop "$elsewhere, and this is $(uname -m)"
    [ -e /lib64/ld-linux-x86-64.so.2 ] || stop "$elsewhere, and this system has another C library (musl?)"
}

# check_disk GIGABYTES: enough room where the build goes. What is built already needs no more.
check_disk() {
    mkdir -p "$target" 2>/dev/null || stop "cannot write to $target: set CARGO_TARGET_DIR to a folder that you own"
    free=$(df -Pk "$target" | awk 'NR == 2 { print int($4 / 1048576) }')
    have=$(du -sk "$target" | awk '{ print int($1 / 1048576) }')
    [ "$((free + have))" -ge "$1" ] || stop "$1 GB are needed in $target, and $free GB are free: make room or set CARGO_TARGET_DIR to another disk"
}

check_cache() {
    if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
        stop "cannot write to the cache $cache: set TWOFOLD_CACHE to a folder that you own"
    fi
    [ -f "$cache/CACHEDIR.TAG" ] || printf 'Signature: 8a477f597d28d172789f06886806bc55\n# Made by ./dev of Twofold.\n' >"$cache/CACHEDIR.TAG"
}

wanted_rust() { sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$tree/Cargo.toml"; }

# at_least HAVE WANTED: compares dotted version numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Debian 12's own Rust is too old for this tree; the one it keeps for its browsers is not, and builds the demo.
rust_of_debian() {
    [ "$(os_release VERSION_CODENAME)" != bookworm ] || printf %s ", or: sudo apt-get install rustc-web cargo-web"
}

check_rust() {
    if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    fi
    command -v cargo >/dev/null || stop "Rust is not installed: get $(wanted_rust) or newer from https://rustup.rs$(rust_of_debian), then run this again"
    rust=$(rustc --version 2>/dev/null | awk '{ print $2 }')
    [ -n "$rust" ] || stop "rustc does not run: 'rustup default stable' usually mends that"
    at_least "$rust" "$(wanted_rust)" || stop "Rust $(wanted_rust) or newer is needed and this is $rust: 'rustup update' brings it"
}

# want_packages THING:PACKAGE...: a thing is a command or an absolute path that the Debian package brings.
want_packages() {
    packages=
    for pair; do
        thing=${pair%%:*}
        case $thing in
            /*) [ -e "$thing" ] && continue ;;
            *) command -v "$thing" >/dev/null && continue ;;
        esac
        packages="$packages ${pair#*:}"
    done
    [ -n "$packages" ] || return 0
    install="apt-get install -y --no-install-recommends$packages"
    command -v apt-get >/dev/null || stop "missing here; install what your system calls:$packages"
    root=
    if [ "$(id -u)" -ne 0 ]; then
        root="sudo "
        if [ -z "${CI:-}" ] || ! sudo -n true 2>/dev/null; then
            stop "missing here:$packages; run this, then the same command again:
  sudo apt-get update && sudo $install"
        fi
    fi
    say "installing missing Debian packages:$packages"
    log=$(mktemp)
    # shellcheck disable=SC2086 # commands of several words
    if ! DEBIAN_FRONTEND=noninteractive ${root}$install >"$log" 2>&1; then
        { ${root}apt-get update && DEBIAN_FRONTEND=noninteractive ${root}$install; } >"$log" 2>&1 || {
            tail -n 5 "$log" >&2
            rm -f "$log"
            stop "cannot install$packages: no network, or no such package in this system's sources"
        }
    fi
    rm -f "$log"
}

# unpack_packages FOLDER PACKAGE...: as apt has them here, unpacked into FOLDER/root and not installed, so that no root is
# needed and no service starts. Apt checks Debian's signatures. What goes wrong is in FOLDER/log.
unpack_packages() {
    unpacked=$1
    shift
    mkdir -p "$unpacked/debs"
    (
        cd "$unpacked/debs" || exit 1
        if ! apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; then
            # Nobody has asked for the lists here yet, or they are old.
            [ "$(id -u)" -eq 0 ] || exit 1
            apt-get -qq update && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@" || exit 1
        fi
        for deb in *.deb; do dpkg -x "$deb" "$unpacked/root" || exit 1; done
    ) >"$unpacked/log" 2>&1
}

have_crates() { cargo fetch --locked --offline --quiet --target x86_64-unknown-linux-gnu 2>/dev/null; }

crates_plan() {
    command -v cargo >/dev/null || return 0
    have_crates || say "fetches the sources of the crates it is built from (150 MB into cargo's own folder)"
}

fetch_crates() {
    have_crates && return 0
    cargo fetch --locked --quiet --target x86_64-unknown-linux-gnu 2>/dev/null && return 0
    missing="$missing
  the crates listed in Cargo.lock (cargo fetch --locked)"
}
