# testssl.sh against a server that runs. Sourced by ./dev.
# shellcheck shell=sh
# shellcheck disable=SC2154 # tree and plain come from ./dev

# A certificate such as authorities of the web give, in this folder: for ninety days, and one can ask whether it was taken back.
# The one that `init` and `run --dev` make is pinned by its authority, and scanned it would be told that it is neither.
web_certificate() {
    cat >"$1/leaf.txt" <<'END'
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost
crlDistributionPoints = URI:http://crl.example.org/scanned.crl
END
    (
        cd "$1" && umask 077 &&
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=An authority" \
                -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca-key.pem -out ca.pem &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out leaf.csr &&
            openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 90 -extfile leaf.txt -out leaf.pem &&
            cat leaf.pem ca.pem >chain.pem
    ) >"$1/made" 2>&1 || {
        tail -n 5 "$1/made" >&2
        return 1
    }
}

# Whatever it finds above INFO is a failure, but for a word about the openssl that it runs with.
tls_scan() {
    if ! command -v testssl >/dev/null; then
        [ -n "${CI:-}" ] || [ "$(id -u)" -eq 0 ] || skip "testssl.sh is not installed"
        want_packages testssl:testssl.sh
    fi
    folder=$TMPDIR/scanned
    mkdir -p "$folder"
    web_certificate "$folder"
    TWOFOLD__TLS__CERTIFICATE=$folder/chain.pem TWOFOLD__TLS__KEY=$folder/key.pem TWOFOLD__TLS__TRUST=web \
        TWOFOLD__PUBLIC_URL=https://localhost "$plain/twofold-server" run --dev --json --data "$folder/server" --listen 127.0.0.1:0 >"$folder/ready" 2>"$folder/log" &
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
    address=localhost:$(sed -n 's/.*"address":"[^"]*:\([0-9]*\)".*/\1/p' "$folder/log" | head -n 1)
    code=0
    testssl --quiet --color 0 --warnings off --nodns none --ip 127.0.0.1 --add-ca "$folder/ca.pem" \
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
    say "testssl.sh finds, above INFO:"
    cat "$folder/findings"
    ! grep -v '^WARN engine_problem:' "$folder/findings"
}
