# The demo where a newcomer starts: Debian 12 with a compiler, git, Rust and nothing else, not as root. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree and cache come from ./dev

bare_demo() {
    [ "$(id -u)" -eq 0 ] || skip "only root can make a bare system to try it in"
    mirror=$(debian_mirror bookworm)
    [ -n "$mirror" ] || skip "no apt source for Debian 12 on this machine"
    # Some build machines let root do less than others: without mounts of its own there is no bare system to try.
    unshare --mount --pid --fork true 2>/dev/null || skip "this machine lets nobody mount, so no bare system to try it in"
    want_packages debootstrap:debootstrap
    bare=$cache/.partial.$$/bare
    mkdir -p "$bare"
    say "making a bare Debian 12 ..."
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev,git bookworm "$bare" "$mirror" >"$TMPDIR/bare.log" 2>&1 || {
        tail -n 3 "$TMPDIR/bare.log" >&2
        skip "debootstrap made no bare system here, for the reason above"
    }
    # The way out is this machine's: its name servers, whom it trusts, how its apt fetches.
    cp -L /etc/resolv.conf /etc/hosts "$bare/etc/"
    cp -L /etc/ssl/certs/ca-certificates.crt "$bare/etc/ssl/certs/"
    apt-config dump | grep '^Acquire::' | grep -v IndexTargets >"$bare/etc/apt/apt.conf.d/99machine"
    chroot "$bare" useradd --create-home newcomer
    git clone --quiet "$tree" "$bare/home/newcomer/twofold"
    chroot "$bare" chown -R newcomer /home/newcomer
    mkdir -p "$bare/opt/rust"
    sysroot=$(rustc --print sysroot)
    # What is mounted is seen in here only: removing the folder later cannot reach through it.
    # shellcheck disable=SC2016 # the inner shell's own
    unshare --mount --pid --fork --kill-child sh -eu -c '
        mount --bind "$2" "$1/opt/rust"
        mount -t proc proc "$1/proc"
        exec chroot "$1" setpriv --reuid newcomer --regid newcomer --clear-groups env -i HOME=/home/newcomer \
            PATH=/opt/rust/bin:/usr/bin:/bin sh -c "cd ~/twofold && ./dev demo"' sh "$bare" "$sysroot"
}
