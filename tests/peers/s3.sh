#!/usr/bin/env bash
# s3.sh start DIR PORT | stop DIR | check      needs: PyPI moto with Flask (tests/peers/requirements.txt)
# An S3 emulator, in memory, with the bucket "site", which anybody may read: http://127.0.0.1:PORT/site/…
# Any key pair is taken and no signature is checked (s3fs.sh does). POST /moto-api/reset empties it.
set -eu
. "$(dirname "$0")/peer.sh"
case ${1:-} in
check)
    has_module moto.server moto
    has_program curl "Debian curl" ;;
start)
    dir=$2 port=$3
    mkdir -p "$dir"
    "$PYTHON" -m moto.server -H 127.0.0.1 -p "$port" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    curl -sf -X PUT -H 'x-amz-acl: public-read' "http://127.0.0.1:$port/site" >/dev/null
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
