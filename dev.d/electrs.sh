# Finds an Electrum server, or builds electrs into the cache. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # cache comes from ./dev

# The last that links RocksDB as Debian 12 packages it: RocksDB itself would take a quarter of an hour to compile.
electrs_version=0.10.10
electrs=$cache/electrs-$electrs_version
rocksdb_packages="librocksdb-dev librocksdb7.8 libsnappy1v5 libgflags2.2"

have_electrs() {
    [ -n "${ELECTRS_EXE:-}" ] && return 0
    if command -v electrs >/dev/null; then
        ELECTRS_EXE=$(command -v electrs)
    elif [ -x "$electrs/electrs" ]; then
        ELECTRS_EXE=$electrs/electrs
    else
        return 1
    fi
}

electrs_plan() {
    have_electrs && return 0
    [ "$(os_release VERSION_CODENAME)" = bookworm ] || return 0
    say "builds electrs $electrs_version against Debian's RocksDB (2 minutes)
          in $electrs"
}

# Leaves ELECTRS_EXE set. Without it the tests that need it say that they were not run; only CI must have them.
find_electrs() {
    why="only Debian 12 has the RocksDB that it builds against"
    if ! have_electrs && { [ "$(os_release VERSION_CODENAME)" != bookworm ] || ! build_electrs; }; then
        [ -z "${CI:-}" ] || stop "CI must test against a real Electrum server, and there is none: $why"
        say "no electrs ($why): tests that need one are not run; set ELECTRS_EXE to one that you have"
        return 0
    fi
    export ELECTRS_EXE
    say "Electrum server: electrs $("$ELECTRS_EXE" --version 2>/dev/null) ($ELECTRS_EXE)"
}

# The packages are unpacked and not installed, so no root is needed but for the parser that writes RocksDB's bindings.
build_electrs() {
    if [ -n "${CI:-}" ] || [ "$(id -u)" -eq 0 ]; then
        want_packages /usr/lib/llvm-14/lib/libclang.so.1:libclang1-14 c++:g++
    fi
    why="libclang1-14 is not installed"
    [ -e /usr/lib/llvm-14/lib/libclang.so.1 ] || return 1
    say "building electrs ..."
    new=$cache/.partial.$$/electrs
    rm -rf "$new"
    mkdir -p "$new/build"
    lib=$new/root/usr/lib/x86_64-linux-gnu
    # shellcheck disable=SC2086 # words on purpose
    if ! unpack_packages "$new" $rocksdb_packages || ! (
        cd "$new" || exit 1
        ROCKSDB_INCLUDE_DIR=$new/root/usr/include ROCKSDB_LIB_DIR=$lib LD_LIBRARY_PATH=$lib \
            LIBCLANG_PATH=/usr/lib/llvm-14/lib RUSTFLAGS="-L native=$lib" CARGO_PROFILE_DEV_DEBUG=0 \
            CARGO_TARGET_DIR=$new/build cargo install electrs --version "$electrs_version" --locked \
            --no-default-features --debug --no-track --root "$new/made"
    ) >>"$new/log" 2>&1; then
        why=$(grep -m 1 -E '^(E:|error)' "$new/log" || tail -n 1 "$new/log")
        rm -rf "$new"
        return 1
    fi
    mkdir "$new/keep" "$new/keep/lib"
    cp -P "$lib"/*.so.* "$new/keep/lib/"
    mv "$new/made/bin/electrs" "$new/keep/electrs.bin"
    cat >"$new/keep/electrs" <<'END'
#!/bin/sh
# electrs, with the RocksDB that it was built against.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
LD_LIBRARY_PATH=$here/lib exec "$here/electrs.bin" "$@"
END
    chmod +x "$new/keep/electrs"
    why="what was built does not run"
    "$new/keep/electrs" --version >/dev/null 2>&1 || return 1
    mv -T "$new/keep" "$electrs" 2>/dev/null || true
    rm -rf "$new"
    ELECTRS_EXE=$electrs/electrs
}
