# An OpenID Connect provider from npm, in the cache, for the tests of sign-in. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree, cache and missing come from ./dev

oidc_lock=$tree/crates/identity/tests/oidc-provider
oidc=$cache/oidc-provider-$(sha256sum "$oidc_lock/package-lock.json" | cut -c 1-16)

oidc_plan() {
    [ -d "$oidc" ] || say "fetches an OpenID Connect provider from npm, at pinned versions, for one test (10 seconds, 4 MB)
          in $oidc"
}

# Without node the test says that it was not run; CI must have it.
find_oidc() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        if [ -n "${CI:-}" ]; then
            stop "CI must try sign-in against a real provider, and that takes node 20 or newer with npm"
        fi
        say "without node and npm, sign-in is not tried against a real OpenID Connect provider"
        return 0
    fi
    [ ! -d "$oidc" ] || return 0
    new=$cache/.partial.$$/oidc
    rm -rf "$new"
    mkdir -p "$new"
    cp "$oidc_lock/package.json" "$oidc_lock/package-lock.json" "$new/"
    say "fetching an OpenID Connect provider ..."
    if (cd "$new" && npm ci --ignore-scripts --no-audit --no-fund) >"$TMPDIR/npm.log" 2>&1; then
        mv -T "$new" "$oidc" 2>/dev/null || rm -rf "$new"
    elif [ -n "${CI:-}" ]; then
        missing="$missing
  npm's oidc-provider ($(tail -n 1 "$TMPDIR/npm.log"))"
    else
        say "npm could not fetch oidc-provider, so sign-in is not tried against it"
    fi
}
