#!/usr/bin/env bash
# s3fs.sh start DIR PORT | stop DIR | check      needs: crate s3s-fs, built by tests/setup into target/tools (S3S_FS names it)
# An S3 server that keeps objects as files under DIR/data/BUCKET (the bucket "site" is made) and checks SigV4 signatures:
# key "peerkey", secret "peersecret".
#   READONLY=1   the bucket is on a disk that takes no changes (500); needs root
set -eu
. "$(dirname "$0")/peer.sh"
S3S_FS=${S3S_FS:-$made/../tools/bin/s3s-fs}
case ${1:-} in
check)
    [ -x "$S3S_FS" ] || missing s3s-fs "crate s3s-fs; tests/setup builds it"
    [ -z "${READONLY:-}" ] || has_own_mounts ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    mkdir -p "$dir/data/site"
    server=("$S3S_FS" --host 127.0.0.1 --port "$port" --access-key peerkey --secret-key peersecret "$dir/data")
    [ -z "${READONLY:-}" ] || server=(on_readonly_disk "$dir/data" "${server[@]}")
    "${server[@]}" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
