# testssl.sh against a server that runs. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree and plain come from ./dev

# Whatever it finds above LOW is a failure, but for what a certificate of one's own authority is bound to be told.
tls_scan() {
    if ! command -v testssl >/dev/null; then
        [ -n "${CI:-}" ] || [ "$(id -u)" -eq 0 ] || skip "testssl.sh is not installed"
        want_packages testssl:testssl.sh
    fi
    folder=$TMPDIR/scanned
    mkdir -p "$folder"
    "$plain/twofold-server" run --dev --json --data "$folder/server" --listen 127.0.0.1:0 >"$folder/ready" 2>"$folder/log" &
    server=$!
    looks=0
    until [ -s "$folder/ready" ]; do
        looks=$((looks + 1))
        if [ "$looks" -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
            tail -n 5 "$folder/log" >&2
            return 1
        fi
        sleep 0.1
    done
    address=$(sed -n 's|.*"url":"https://\([^"]*\)".*|\1|p' "$folder/ready")
    code=0
    testssl --quiet --color 0 --warnings off --nodns none --add-ca "$folder/server/chain.pem" \
        --jsonfile "$folder/found.json" "$address" >"$folder/told" 2>&1 || code=$?
    kill "$server"
    wait "$server" || :
    # Its exit code counts findings; without a word about the protocol it did not get so far.
    if ! grep -q '"id"[^"]*"TLS1_3"' "$folder/found.json"; then
        tail -n 20 "$folder/told" >&2
        say "testssl.sh ended with $code before it had looked at the protocol"
        return 1
    fi
    awk -F'"' '$2 == "id" { id = $4 } $2 == "severity" { severity = $4 } $2 == "finding" { print severity " " id ": " $4 }' \
        "$folder/found.json" | grep -E '^(LOW|MEDIUM|HIGH|CRITICAL|WARN|FATAL) ' | sort -u >"$folder/findings" || :
    say "testssl.sh finds, of everything above INFO:"
    cat "$folder/findings"
    # Invitations pin the authority, so nobody asks whether it took a certificate back, nor how long it is good for.
    ! grep -vE '^(LOW|WARN) |^HIGH cert_(revocation|validityPeriod):' "$folder/findings"
}
