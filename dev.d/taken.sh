# Finds tools that check what is shipped, or takes them out of Debian's packages into the cache. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # cache comes from ./dev

# have TOOL: on PATH, or taken before.
have() { command -v "$1" >/dev/null || [ -x "$cache/$1/$1" ]; }

# taken_plan TOOL: the packages are not installed: they would start services. A tool is 40 to 50 MB.
taken_plan() {
    have "$1" || ! command -v apt-get >/dev/null || say "fetches $1 out of Debian's package, without installing that (10 seconds, 50 MB)
          in $cache/$1"
}

# Leaves them on PATH. Without one what needs it says that it was skipped; only CI must have them.
find_taken() {
    for pair in promtool:prometheus caddy:caddy; do
        tool=${pair%%:*}
        why="this system has no apt"
        if ! have "$tool" && { ! command -v apt-get >/dev/null || ! take_out "$tool" "${pair#*:}"; }; then
            [ -z "${CI:-}" ] || stop "CI must check what is shipped, and there is no $tool: $why"
            say "no $tool ($why): what it would check is not checked"
            continue
        fi
        if ! command -v "$tool" >/dev/null; then PATH=$cache/$tool:$PATH; fi
    done
}

# take_out TOOL PACKAGE
take_out() {
    say "fetching $1 ..."
    new=$cache/.partial.$$/$1
    rm -rf "$new"
    mkdir -p "$new/keep"
    if ! unpack_packages "$new" "$2"; then
        why=$(grep -m 1 '^E:' "$new/log" || tail -n 1 "$new/log")
        rm -rf "$new"
        return 1
    fi
    mv "$new/root/usr/bin/$1" "$new/keep/"
    why="what was fetched does not run"
    "$new/keep/$1" help >/dev/null 2>&1 || return 1
    mv -T "$new/keep" "$cache/$1" 2>/dev/null || true
    rm -rf "$new"
}
