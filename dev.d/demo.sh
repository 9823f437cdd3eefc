#!/bin/sh
# The demonstration. ./dev demo runs it with BITCOIND_EXE, TWOFOLD_BIN_DIR (twofold and twofold-server), TMPDIR (removed
# by ./dev at the end) and TWOFOLD_KEEP_IN (a place for what --keep leaves).
set -eu

keep=
[ "${1:-}" != --keep ] || keep=yes
if [ -n "$keep" ]; then home=$(mktemp -d "${TWOFOLD_KEEP_IN:-/tmp}/twofold-demo.XXXXXX"); else home=$(mktemp -d); fi
node_pid=

finish() {
    code=$?
    trap '' INT TERM HUP
    if [ -n "$keep" ] && [ "$code" -eq 0 ]; then return; fi
    if [ -n "$node_pid" ]; then
        kill -TERM "$node_pid" 2>/dev/null || :
        wait "$node_pid" 2>/dev/null || :
    fi
    rm -rf "$home"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

stop() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# A kept node outlives this script; any other ends with it, however it ends.
if [ -n "$keep" ]; then lifeline="setsid"; else lifeline="setpriv --pdeathsig TERM"; fi

free_port() {
    while :; do
        port=$((32768 + $(od -An -N2 -tu2 /dev/urandom) % 28000))
        grep -qs "$(printf ':%04X 0' "$port")" /proc/net/tcp /proc/net/tcp6 || break
    done
    echo "$port"
}

# start_node: a Bitcoin network of one node, its ports picked by the system and found free a moment before; if another
# program takes one in that moment the node says so, and the next try takes others.
start_node() {
    tries=0
    mkdir -p "$home/node"
    while :; do
        rpc_port=$(free_port)
        rm -f "$home/node/ready"
        # shellcheck disable=SC2086 # two words
        $lifeline "$BITCOIND_EXE" -regtest -datadir="$home/node" -server -listen=0 -rpcbind=127.0.0.1 \
            -rpcallowip=127.0.0.1 -rpcport="$rpc_port" -fallbackfee=0.0001 -printtoconsole=0 \
            -startupnotify="touch '$home/node/ready'" >"$home/node/out" 2>&1 &
        node_pid=$!
        waited=0
        while [ ! -e "$home/node/ready" ] && kill -0 "$node_pid" 2>/dev/null && [ "$waited" -lt 600 ]; do
            waited=$((waited + 1))
            sleep 0.1
        done
        [ ! -e "$home/node/ready" ] || return 0
        kill -KILL "$node_pid" 2>/dev/null || :
        tries=$((tries + 1))
        [ "$tries" -lt 3 ] || stop "the Bitcoin node does not start: $(tail -n 1 "$home/node/out")"
    done
}

echo "1. A private Bitcoin network starts"
start_node
echo "   $("$BITCOIND_EXE" -version | head -n 1), RPC on 127.0.0.1:$rpc_port"
if [ -n "$keep" ]; then
    echo "   left running: stop it with 'kill $node_pid' and remove $home"
fi
