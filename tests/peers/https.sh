#!/usr/bin/env bash
# https.sh start DIR PORT DAYS NAME SKEW | stop DIR | check
# An HTTPS server whose certificate for NAME ends in DAYS days and whose clock is SKEW seconds off: see https.py. Whoever
# trusts DIR/ca.pem (SSL_CERT_FILE) trusts it.
set -eu
. "$(dirname "$0")/peer.sh"
case ${1:-} in
check) has_module cryptography cryptography ;;
start)
    dir=$2 port=$3
    mkdir -p "$dir"
    "$PYTHON" "$peers/https.py" "$dir" "$port" "$4" "$5" "$6" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
