#!/bin/sh
# The demonstration. ./dev demo runs it with BITCOIND_EXE, TWOFOLD_BIN_DIR (twofold, twofold-server and twofold-demo),
# TMPDIR (removed by ./dev at the end) and TWOFOLD_KEEP_IN (a place for what --keep leaves).
set -eu

[ "${1:-}" = --keep ] || exec "$TWOFOLD_BIN_DIR/twofold-demo" "$@"

# What is kept outlives this script in a session of its own, and lets go of this pipe when its story is told.
pipe=$TMPDIR/story
mkfifo "$pipe"
TMPDIR=$TWOFOLD_KEEP_IN setsid "$TWOFOLD_BIN_DIR/twofold-demo" --keep >"$pipe" 2>&1 &
cat "$pipe"
kill -0 $! 2>/dev/null || wait $!
