# What only the nightly does: defences taken out, a long run of the model, mutants, coverage. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree, cache, target and failpoints come from ./dev

# Taken out one at a time in a copy of the tree, with a target folder of its own: each line of dev.d/defences.txt that
# can go without its test failing is a test that does not test.
defences() {
    copy=$TMPDIR/defences
    mkdir -p "$copy"
    git ls-files -z | tar --null --files-from - --create | tar --extract --directory "$copy"
    sed -n 's/^row  *//p' dev.d/defences.txt >"$TMPDIR/rows"
    alive=
    number=0
    while IFS= read -r row; do
        number=$((number + 1))
        field() { awk -v number="$number" -v key="$1" '$1 == "row" { at++ } at == number && $1 == key { sub(/^[a-z]+ ?/, ""); sub(/^ /, ""); print }' "$tree/dev.d/defences.txt"; }
        file=$(field file)
        take=$(field take) put=$(field put) awk '
            { line = $0; sub(/^[ \t]+/, "", line); sub(/[ \t]+$/, "", line) }
            line == ENVIRON["take"] { print ENVIRON["put"]; taken++; next }
            { print }
            END { exit taken != 1 }' "$file" >"$TMPDIR/taken" || {
            say "MOVED   $row: $file has not exactly one such line; fit dev.d/defences.txt to it"
            alive=yes
            continue
        }
        cat "$TMPDIR/taken" >"$copy/$file"
        test=$(field test)
        code=0
        # The model need not shrink what it finds here.
        # shellcheck disable=SC2086 # words on purpose
        (cd "$copy" && TWOFOLD_MODEL_TRACE=1 CARGO_TARGET_DIR=$target/defences cargo nextest run --locked $test) >"$TMPDIR/defence.log" 2>&1 || code=$?
        # As nextest tells them apart.
        case $code in
            100) say "seen    $row" ;;
            0) say "ALIVE   $row: nothing failed ($test)" ;;
            4) say "NO TEST $row: $test" ;;
            *) say "BROKEN  $row: it does not compile without it" && tail -n 20 "$TMPDIR/defence.log" >&2 ;;
        esac
        [ "$code" -eq 100 ] || alive=yes
        cat "$tree/$file" >"$copy/$file"
    done <"$TMPDIR/rows"
    [ -z "$alive" ]
}

# Histories of one wallet in many hands that no run has tried before; what fails is shrunk and printed.
model() {
    TWOFOLD_MODEL_CASES=${TWOFOLD_MODEL_CASES:-300} \
        cargo nextest run --locked --package twofold-client --test device --profile nightly model::
}

# Mutants of the crates that decide: each is missed by no test, or named with its reason in dev.d/mutants.txt. Hours on
# two cores: TWOFOLD_MUTANTS=3/40 takes that share of them.
mutants() {
    if ! command -v cargo-mutants >/dev/null; then
        cargo install cargo-mutants --version 27.1.0 --locked --root "$cache/mutants" >"$TMPDIR/mutants.log" 2>&1 || {
            tail -n 3 "$TMPDIR/mutants.log" >&2
            skip "cargo-mutants cannot be built here"
        }
        PATH=$cache/mutants/bin:$PATH
    fi
    rm -rf "$target/mutants"
    mkdir -p "$target/mutants"
    # shellcheck disable=SC2086 # two words on purpose
    CARGO_TARGET_DIR=$target/mutants/target cargo mutants -p twofold-intent -p twofold-cosigner -p twofold-threshold -p twofold-identity \
        --exclude 'crates/cosigner/src/testing/**' --exclude 'crates/cosigner/src/port/conformance/**' \
        --baseline skip --timeout 120 --no-times --output "$target/mutants" \
        ${TWOFOLD_MUTANTS:+--shard $TWOFOLD_MUTANTS --sharding round-robin} -- --lib || :
    out=$target/mutants/mutants.out
    [ -f "$out/missed.txt" ] || return 1
    # Without line and column, which move.
    sed 's/^\([^:]*\):[0-9]*:[0-9]*:/\1:/' "$out/missed.txt" | sort -u >"$TMPDIR/missed"
    sed -n 's/^mutant //p' dev.d/mutants.txt | sort -u >"$TMPDIR/accepted"
    unknown=$(comm -23 "$TMPDIR/missed" "$TMPDIR/accepted")
    [ -z "$unknown" ] || {
        say "no test sees these; write one, or name them in dev.d/mutants.txt with the reason:
$unknown"
        return 1
    }
}

# llvm-cov and llvm-profdata of the compiler's own LLVM: its component, or Debian's package of that version.
find_llvm() {
    version=$(rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    own=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin
    for folder in "$own" "/usr/lib/llvm-$version/bin"; do
        [ -x "$folder/llvm-cov" ] || continue
        LLVM_COV=$folder/llvm-cov LLVM_PROFDATA=$folder/llvm-profdata
        export LLVM_COV LLVM_PROFDATA
        return 0
    done
    return 1
}

# Nine lines in ten, in the crates that decide.
coverage() {
    find_llvm || { [ "$(id -u)" -eq 0 ] && want_packages "/usr/lib/llvm-$version/bin/llvm-cov:llvm-$version" && find_llvm; } ||
        skip "no llvm-cov of LLVM $version: rustup component add llvm-tools, or Debian's llvm-$version"
    for name in threshold intent cosigner; do
        # In a process each: their counters would be written over each other in one.
        CARGO_TARGET_DIR=$target/coverage RUSTFLAGS="-Cinstrument-coverage" LLVM_PROFILE_FILE="$TMPDIR/$name-%p-%m.profraw" \
            cargo test --locked --package "twofold-$name" --lib --no-run --message-format json 2>"$TMPDIR/coverage.log" |
            sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' >"$TMPDIR/$name.tests"
        test=$(tail -n 1 "$TMPDIR/$name.tests")
        [ -x "$test" ] || { tail -n 5 "$TMPDIR/coverage.log" >&2 && return 1; }
        (cd "crates/$name" && LLVM_PROFILE_FILE="$TMPDIR/$name-%p-%m.profraw" "$test" --quiet) >/dev/null
        "$LLVM_PROFDATA" merge -sparse "$TMPDIR/$name"-*.profraw -o "$TMPDIR/$name.profdata"
        "$LLVM_COV" export -summary-only -instr-profile "$TMPDIR/$name.profdata" "$test" --sources "$tree/crates/$name/src" \
            -ignore-filename-regex '/(tests|testing|conformance|fixture)(/|\.rs)' >"$TMPDIR/$name.json"
        lines=$(tr -d ' \n' <"$TMPDIR/$name.json" | sed 's/.*"totals"//' | sed 's/.*"lines":{[^}]*"percent":\([0-9]*\).*/\1/')
        say "$name: $lines% of its lines"
        [ "$lines" -ge 90 ] || below=yes
    done
    [ -z "${below:-}" ]
}
