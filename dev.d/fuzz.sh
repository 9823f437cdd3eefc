# Fuzzing: the targets built for libFuzzer, their corpora replayed, the targets run. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree, cache and target come from ./dev

fuzz_manifest=$tree/fuzz/Cargo.toml
# What is found goes on being mutated; what fails is kept until somebody has looked at it. Neither is in the tree.
fuzz_grown=$cache/fuzz/corpus
fuzz_crashes=$cache/fuzz/crashes

fuzz_targets() { sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' "$fuzz_manifest"; }

# fuzz_cargo COMMAND ARGUMENT...: in the fuzzing workspace, with libFuzzer's coverage in our own crates. The profile is
# the product's own, so that every dependency that was built for the tests serves here too.
fuzz_cargo() {
    order=$1
    shift
    sed -n '/^\[profile\.dev\]/,/^\[profile\.release\]/p' "$tree/Cargo.toml" | sed '$d' >"$TMPDIR/profile.toml"
    RUSTC_WRAPPER=$tree/dev.d/instrumented.sh cargo "$order" --manifest-path "$fuzz_manifest" \
        --config "$TMPDIR/profile.toml" --features libfuzzer --locked "$@"
}

# libFuzzer itself is C++.
find_fuzz() {
    if { [ -n "${CI:-}" ] || [ "$(id -u)" -eq 0 ]; } && command -v apt-get >/dev/null; then want_packages c++:g++; fi
    command -v c++ >/dev/null
}

# Beside the product's own: libFuzzer's wrapper.
fuzz_crates() {
    for network in --offline ''; do
        # shellcheck disable=SC2086 # a word or none
        cargo fetch --manifest-path "$fuzz_manifest" --locked --quiet --target x86_64-unknown-linux-gnu $network 2>"$TMPDIR/fetch" && return 0
    done
    ! grep -q "lock file" "$TMPDIR/fetch" || stop "fuzz/Cargo.lock does not fit the crates any more: './dev fuzz --lock' mends it"
    missing="$missing
  the crates listed in fuzz/Cargo.lock (cargo fetch --locked --manifest-path fuzz/Cargo.toml)"
}

fuzz_replay() {
    if ! find_fuzz; then
        [ -z "${CI:-}" ] || stop "CI must fuzz, and no C++ compiler is here"
        skip "no C++ compiler for libFuzzer (g++)"
    fi
    cargo fmt --manifest-path "$fuzz_manifest" --check || return 1
    fuzz_cargo build --bins --tests || return 1
    fuzz_cargo test --test replay
}

# fuzz_run TARGET SECONDS: 0 is without end.
fuzz_run() {
    mkdir -p "$fuzz_grown/$1" "$fuzz_crashes/$1"
    # A wallet is made in 10 milliseconds; nothing here needs longer than a few, but the machine may be busy.
    "$target/debug/$1" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$fuzz_crashes/$1/" "$fuzz_grown/$1" "$tree/fuzz/corpus/$1" >"$TMPDIR/fuzz.log" 2>&1 || {
        tail -n 40 "$TMPDIR/fuzz.log" >&2
        say "$1 fails: the input is in $fuzz_crashes/$1
run it again with: $target/debug/$1 FILE"
        return 1
    }
    awk -v name="$1" '/stat::number_of_executed_units/ { runs = $2 } / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
        END { printf "%-12s %9d runs, %6d places reached\n", name, runs, cov }' "$TMPDIR/fuzz.log"
}

# fuzz_all SECONDS: so long in all, shared by the targets.
fuzz_all() {
    command -v c++ >/dev/null || skip "no C++ compiler for libFuzzer (g++)"
    targets=$(fuzz_targets)
    each=$(($1 / $(echo "$targets" | wc -w) + 1))
    failed=
    for name in $targets; do fuzz_run "$name" "$each" || failed=yes; done
    [ -z "$failed" ]
}

fuzz() {
    case ${1:-} in
        '') wanted=$(fuzz_targets) ;;
        --lock | --seeds) wanted= ;;
        *) wanted=$(fuzz_targets | grep -x -- "$1") || stop "there is no target '$1'; there are: $(fuzz_targets | tr '\n' ' ')" ;;
    esac
    [ $# -le 1 ] || stop "fuzz takes one target, --seeds or --lock"
    say "Twofold's fuzzing"
    plan "builds  the targets for libFuzzer: about 2 minutes after a build of the tests, 8 without" \
        "        in $target (5 GB)" \
        "${wanted:+runs    until stopped: $(echo "$wanted" | tr '\n' ' ')}" \
        "${wanted:+keeps   what it learns in $fuzz_grown}" \
        "${wanted:+        inputs that fail in $fuzz_crashes}" \
        "$(crates_plan)"
    prepare 6
    nothing_missing
    if [ "${1:-}" = --lock ]; then
        # From the product's own, so that no version differs.
        cp "$tree/Cargo.lock" "$tree/fuzz/Cargo.lock"
        cargo update --manifest-path "$fuzz_manifest" --workspace || stop "the crates of libFuzzer cannot be looked up: is there a network?"
        return
    fi
    fuzz_crates
    nothing_missing
    find_fuzz || stop "libFuzzer needs a C++ compiler: sudo apt-get install g++"
    if [ "${1:-}" = --seeds ]; then
        TWOFOLD_WRITE_CORPUS=1 cargo test --locked --package twofold-client --test device corpus || stop "the keystore could not be made: see above"
        TWOFOLD_WRITE_CORPUS=1 fuzz_cargo test --test replay every_seed || stop "the seeds could not be written: see above"
        return
    fi
    fuzz_cargo build --bins || stop "the build failed: see above"
    # One after the other, a minute each, again and again; a single one without a pause.
    if [ "$(echo "$wanted" | wc -w)" -eq 1 ]; then fuzz_run "$wanted" 0 || stop "see above"; fi
    while :; do
        for name in $wanted; do fuzz_run "$name" 60 || stop "see above"; done
    done
}
