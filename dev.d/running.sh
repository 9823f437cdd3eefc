# Runs the work so that stopping ./dev stops all of it, and keeps the table of steps. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree and cache come from ./dev

group=
scratch=

# Runs this same script again in a process group and a temporary folder of its own. Whatever ends ./dev (Ctrl-C, a
# closed terminal, a kill) ends the group and removes the folder; a build or a node left behind would be ours.
guarded() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/twofold.XXXXXX") || stop "cannot make a temporary folder in ${TMPDIR:-/tmp}"
    trap 'end_group; exit 130' INT
    trap 'end_group; exit 143' TERM
    trap 'end_group; exit 129' HUP
    # The group's leader is this script's second run, which fetches into a folder named by its own number.
    trap 'rm -rf "$scratch" "$cache/.partial.$group"' EXIT
    export TWOFOLD_KEEP_IN="${TMPDIR:-/tmp}"
    TWOFOLD_DEV_GUARDED=1 TMPDIR=$scratch setsid "$tree/dev" "$@" &
    group=$!
    code=0
    wait "$group" || code=$?
    exit "$code"
}

# Whether anyone of the group is left; the dead that nobody has buried yet do not count.
group_lives() {
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' |
        awk -v group="$group" '$3 == group && $1 != "Z" { found = 1 } END { exit !found }'
}

# Asks the group to end, makes it after ten seconds, and waits until nobody is left in it.
end_group() {
    trap '' INT TERM HUP
    tries=0
    while group_lives && [ "$tries" -lt 120 ]; do
        case $tries in
            0) kill -s TERM -- "-$group" 2>/dev/null || : ;;
            100) kill -s KILL -- "-$group" 2>/dev/null || : ;;
        esac
        tries=$((tries + 1))
        sleep 0.1
    done
    say "stopped: nothing is left running" >&2
}

# step NAME COMMAND...: runs it, whatever came before, and notes how long it took and how it ended.
step() {
    name=$1
    shift
    printf "\n== %s\n" "$name"
    began=$(date +%s)
    rm -f "$TMPDIR/skipped"
    set +e
    (
        set -e
        "$@"
    )
    code=$?
    set -e
    result=passed
    if [ -f "$TMPDIR/skipped" ]; then
        result="skipped: $(cat "$TMPDIR/skipped")"
    elif [ "$code" -ne 0 ]; then
        result=FAILED
        : >"$TMPDIR/failed"
    fi
    printf '%s\t%s\t%s\n' "$name" "$(($(date +%s) - began))" "$result" >>"$TMPDIR/steps"
}

# Ends a step that could not be carried out here, with the reason.
skip() {
    say "skipped: $*"
    printf '%s' "$*" >"$TMPDIR/skipped"
    exit 0
}

# The table of minutes, then what the tests said; fails if any step did.
report() {
    say ""
    awk -F '\t' '
        BEGIN { printf "%-20s %8s  %s\n", "step", "minutes", "result" }
        { printf "%-20s %8.1f  %s\n", $1, $2 / 60, $3; all += $2 }
        END { printf "%-20s %8.1f\n", "all", all / 60 }' "$TMPDIR/steps"
    if [ -f "$TMPDIR/tests.log" ]; then
        say ""
        grep -E '^ *Summary ' "$TMPDIR/tests.log" || :
    fi
    [ ! -f "$TMPDIR/failed" ] || stop "a step failed: the table above says which"
}
