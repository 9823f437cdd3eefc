# Finds a Bitcoin node, or fetches one into the cache. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # cache and missing come from ./dev

node=$cache/bitcoind

# Debian 12 has no bitcoind. Sid has, with libraries newer than 12's, so that its own loader must run it.
sid_packages="bitcoin-knots libc6 libstdc++6 libgcc-s1 libevent-core-2.1-7t64 libevent-extra-2.1-7t64
    libevent-pthreads-2.1-7t64 libsqlite3-0 libzmq5 libsodium26 libpgm-5.3-0t64 libnorm1t64 libbsd0 libmd0
    libgssapi-krb5-2 libkrb5-3 libk5crypto3 libcom-err2 libkrb5support0 libkeyutils1"

# Bitcoin Core 29.0; the hash is the one that its builders signed (bitcoin-core/guix.sigs, 29.0/*/all.SHA256SUMS).
core_release=https://bitcoincore.org/bin/bitcoin-core-29.0/bitcoin-29.0-x86_64-linux-gnu.tar.gz
core_sha256=a681e4f6ce524c338a105f214613605bac6c33d58c31dc5135bbc02bc458bb6c

have_bitcoind() {
    [ -n "${BITCOIND_EXE:-}" ] && return 0
    if command -v bitcoind >/dev/null; then
        BITCOIND_EXE=$(command -v bitcoind)
    elif [ -x "$node/bitcoind" ]; then
        BITCOIND_EXE=$node/bitcoind
    else
        return 1
    fi
}

bitcoind_plan() {
    have_bitcoind && return 0
    case $(os_release ID) in
        debian) say "fetches bitcoind: Bitcoin Knots from Debian sid, through this machine's own apt source (1 minute, 120 MB)" ;;
        *) say "fetches bitcoind: Bitcoin Core 29.0, the official release by its hash (1 minute, 120 MB)" ;;
    esac
    say "          in $node"
}

# Leaves BITCOIND_EXE set and tried, or the reason in $missing.
find_bitcoind() {
    if ! have_bitcoind; then
        # Anything fetched before is whole: it gets its name only once it has run.
        new=$cache/.partial.$$/bitcoind
        rm -rf "$new"
        mkdir -p "$new"
        case $(os_release ID) in
            debian) fetched=from_sid ;;
            *) fetched=from_release ;;
        esac
        if ! $fetched "$new"; then
            rm -rf "$new"
            missing="$missing
  bitcoind, or set BITCOIND_EXE to one that you have${why:+ ($why)}"
            return 0
        fi
        "$new/bitcoind" -version >/dev/null 2>&1 || {
            rm -rf "$new"
            stop "the bitcoind fetched does not run here: install one and set BITCOIND_EXE to it"
        }
        # Another ./dev may have been quicker; its node is as good.
        mv -T "$new" "$node" 2>/dev/null || rm -rf "$new"
        BITCOIND_EXE=$node/bitcoind
    fi
    version=$("$BITCOIND_EXE" -version 2>/dev/null | head -n 1) || version=
    [ -n "$version" ] || stop "BITCOIND_EXE=$BITCOIND_EXE does not run: set it to a bitcoind, or unset it"
    export BITCOIND_EXE
    say "node: $version ($BITCOIND_EXE)"
}

# Where this machine's own apt fetches a suite of Debian from.
debian_mirror() {
    # shellcheck disable=SC2016 # the $(..) are apt's
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v suite="$1" '$1 == suite && $2 == "main" { print $3; exit }'
}

# The machine's own apt source with sid in place of its suite, in folders of our own: the machine's package lists stay
# as they are, and no root is needed. Apt checks Debian's signatures.
from_sid() {
    suite=$(os_release VERSION_CODENAME)
    mirror=$(debian_mirror "${suite:-sid}")
    [ -n "$mirror" ] || stop "no apt source for Debian ${suite:-sid} main on this machine to fetch bitcoind from: install bitcoind and set BITCOIND_EXE"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r "$keys" ] || stop "$keys is missing, so that Debian's signatures cannot be checked: install debian-archive-keyring"
    apt=$1/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    echo "deb [arch=amd64 signed-by=$keys] $mirror sid main" >"$apt/sources.list"
    say "fetching bitcoind ..."
    (
        cd "$apt/debs" || exit 1
        for order in update "download $sid_packages"; do
            # shellcheck disable=SC2086 # an order is several words
            apt-get -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/nonexistent \
                -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" \
                -o Acquire::AllowInsecureRepositories=false -o Acquire::Languages=none \
                -o Acquire::Retries=2 -o APT::Update::Error-Mode=any $order || exit 1
        done
        for deb in *.deb; do
            dpkg -x "$deb" "$1/root" || exit 1
        done
    ) >"$apt/log" 2>&1 || {
        why=$(grep -m 1 '^E:' "$apt/log" || tail -n 1 "$apt/log")
        return 1
    }
    rm -rf "$apt" "$1/root/usr/share" "$1/root/usr/lib/x86_64-linux-gnu/gconv"
    cat >"$1/bitcoind" <<'END'
#!/bin/sh
# Debian sid's bitcoind, run by the loader and libraries that came with it.
root=$(CDPATH='' cd -- "$(dirname -- "$0")/root" && pwd)
lib=$root/usr/lib/x86_64-linux-gnu
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" --argv0 bitcoind "$root/usr/bin/bitcoind" "$@"
END
    chmod +x "$1/bitcoind"
}

from_release() {
    want_packages curl:curl
    say "fetching bitcoind ..."
    why=$(curl -fsSL --retry 2 -o "$1/release.tar.gz" "$core_release" 2>&1 | tail -n 1)
    [ -z "$why" ] || return 1
    echo "$core_sha256  $1/release.tar.gz" | sha256sum --check --quiet >/dev/null 2>&1 ||
        stop "$core_release is not the file that its builders signed: install bitcoind and set BITCOIND_EXE to it"
    tar -xzf "$1/release.tar.gz" -C "$1" --strip-components=2 --wildcards '*/bin/bitcoind' && rm "$1/release.tar.gz"
}
