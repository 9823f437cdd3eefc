# What people get: the binaries, what is in them, and the proof that whoever builds them anew gets the same. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree, cache and target come from ./dev

cyclonedx_version=0.5.9
release_binaries="twofold twofold-server"
release_packages="twofold-cli twofold-server"

release() {
    twice=
    for argument; do
        [ "$argument" = --check ] || stop "release knows only --check, not '$argument'"
        twice=yes
    done
    say "Twofold's release"
    plan "builds  $release_binaries from the last commit, optimized: about 15 minutes on one core${twice:+, twice}" \
        "        in a temporary folder that is removed at the end (3 GB${twice:+, twice})" \
        "writes  them, their bills of materials and SHA256SUMS" \
        "        to $target/dist" "$(crates_plan)"
    prepare 7
    nothing_missing
    git diff --quiet HEAD -- 2>/dev/null || say "what is not committed is left out"
    # One is deeper than the other and has a longer name: a path that gets into the binaries shows.
    released "$TMPDIR/one" || stop "the build failed: see above"
    if [ -n "$twice" ]; then
        released "$TMPDIR/in-another/folder-of-another-length" || stop "the second build failed: see above"
        same_twice || stop "two builds of one commit differ: see above"
    fi
    bills "$TMPDIR/one" || stop "no bill of materials can be made: see above"
    mkdir -p "$target/dist"
    for file in $release_binaries; do cp "$TMPDIR/one/built/$file" "$target/dist/"; done
    cp "$TMPDIR"/one/bills/*.cdx.json "$target/dist/"
    # shellcheck disable=SC2086 # words on purpose
    (cd "$target/dist" && sha256sum $release_binaries ./*.cdx.json | sed 's| \./| |' | tee SHA256SUMS)
}

# The last commit, in a folder of its own and with a target folder in it. Nothing of where or when it is built gets in.
released() {
    copy=$1
    mkdir -p "$copy/built"
    git archive HEAD | tar --extract --directory "$copy"
    sources=${CARGO_HOME:-$HOME/.cargo}
    profile=${TWOFOLD_RELEASE_PROFILE:-release}
    folder=$profile
    [ "$profile" != dev ] || folder=debug
    # Encoded, for folders whose names have spaces in them.
    flags=$(printf '%s\037%s\037%s' "--remap-path-prefix=$copy/target=/target" "--remap-path-prefix=$copy=/twofold" "--remap-path-prefix=$sources=/cargo")
    # What the linker takes from its surroundings is the same on both: only the compiler and the C library must be.
    c_flags="-ffile-prefix-map=$copy=/twofold -ffile-prefix-map=$sources=/cargo -g0"
    (
        cd "$copy" || exit 1
        unset RUSTFLAGS
        # shellcheck disable=SC2046,SC2086 # words on purpose
        SOURCE_DATE_EPOCH=$(git -C "$tree" log -1 --format=%ct) CARGO_ENCODED_RUSTFLAGS=$flags CFLAGS=$c_flags CARGO_INCREMENTAL=0 \
            CARGO_TARGET_DIR=$copy/target cargo build --profile "$profile" --locked $(printf -- '--package %s ' $release_packages)
    ) || return 1
    for file in $release_binaries; do cp "$copy/target/$folder/$file" "$copy/built/" || return 1; done
    rm -rf "$copy/target"
}

# Both builds, for the nightly.
two_releases() {
    released "$TMPDIR/one" && released "$TMPDIR/in-another/folder-of-another-length" && same_twice && bills "$TMPDIR/one"
}

same_twice() {
    differ=
    for file in $release_binaries; do
        one=$(sha256sum <"$TMPDIR/one/built/$file") two=$(sha256sum <"$TMPDIR/in-another/folder-of-another-length/built/$file")
        if [ "$one" = "$two" ]; then say "same    $file ${one%% *}"; else say "DIFFERS $file" && differ=yes; fi
    done
    for path in "$TMPDIR" "${CARGO_HOME:-$HOME/.cargo}/registry"; do
        for file in $release_binaries; do
            if grep -qaF "$path" "$TMPDIR/one/built/$file"; then say "DIFFERS $file names $path, of the machine that built it" && differ=yes; fi
        done
    done
    [ -z "$differ" ]
}

# CycloneDX: every crate that is linked in, with its version, licence and checksum.
bills() {
    find_cyclonedx || return 1
    mkdir -p "$1/bills"
    (
        cd "$1" || exit 1
        cargo cyclonedx --quiet --format json --spec-version 1.5 --describe crate --target x86_64-unknown-linux-gnu --no-build-deps
    ) || return 1
    for package in $release_packages; do
        bill=$1/crates/${package#twofold-}/$package.cdx.json
        [ -f "$bill" ] || { say "$bill was not written" && return 1; }
        # Held to what cargo itself says is linked in.
        linked=$(cd "$1" && cargo tree --locked --package "$package" --edges normal --prefix none --format '{p}' --target x86_64-unknown-linux-gnu |
            sed -n 's/^\([^ ]*\) v\([^ ]*\).*/\1@\2/p' | sort -u)
        [ -n "$linked" ] || return 1
        for crate in $linked; do
            grep -q "\"pkg:cargo/${crate}[\"?]" "$bill" || { say "$bill leaves out $crate" && return 1; }
        done
        cp "$bill" "$1/bills/"
    done
}

find_cyclonedx() {
    PATH=$cache/cyclonedx-$cyclonedx_version/bin:$PATH
    command -v cargo-cyclonedx >/dev/null && return 0
    say "building cargo-cyclonedx $cyclonedx_version ..."
    cargo install cargo-cyclonedx --version "$cyclonedx_version" --locked --debug --root "$cache/cyclonedx-$cyclonedx_version" >"$TMPDIR/cyclonedx.log" 2>&1 || {
        tail -n 3 "$TMPDIR/cyclonedx.log" >&2
        return 1
    }
}
