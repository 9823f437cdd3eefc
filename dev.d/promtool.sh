# Finds promtool, which checks what Prometheus is to be asked, or fetches it into the cache. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # cache comes from ./dev

promtool=$cache/promtool

have_promtool() { command -v promtool >/dev/null || [ -x "$promtool/promtool" ]; }

promtool_plan() {
    have_promtool && return 0
    command -v apt-get >/dev/null || return 0
    say "fetches promtool out of Debian's package prometheus, which it does not install (10 seconds, 48 MB)
          in $promtool"
}

# Leaves it on PATH. Without it what needs it says that it was skipped; only CI must have it.
find_promtool() {
    why="this system has no apt"
    if ! have_promtool && { ! command -v apt-get >/dev/null || ! fetch_promtool; }; then
        [ -z "${CI:-}" ] || stop "CI must check the alert rules, and there is no promtool: $why"
        say "no promtool ($why): alert rules and dashboard are not checked"
        return 0
    fi
    if ! command -v promtool >/dev/null; then PATH=$promtool:$PATH; fi
}

fetch_promtool() {
    say "fetching promtool ..."
    new=$cache/.partial.$$/promtool
    rm -rf "$new"
    mkdir -p "$new/keep"
    if ! unpack_packages "$new" prometheus; then
        why=$(grep -m 1 '^E:' "$new/log" || tail -n 1 "$new/log")
        rm -rf "$new"
        return 1
    fi
    mv "$new/root/usr/bin/promtool" "$new/keep/"
    why="what was fetched does not run"
    "$new/keep/promtool" --version >/dev/null 2>&1 || return 1
    mv -T "$new/keep" "$promtool" 2>/dev/null || true
    rm -rf "$new"
}
