#!/usr/bin/env bash
# smpp.sh start DIR PORT | stop DIR | check      needs: npm smpp (tests/peers/package.json)
# An SMS centre as kannel's counterpart (SMPP_PORT of kannel.sh): see smpp_peer.js for what it records and how to make
# it refuse, or send receipts of failure.
set -eu
. "$(dirname "$0")/peer.sh"
export NODE_PEERS
case ${1:-} in
check)
    has_program node "Debian nodejs"
    [ -d "$NODE_PEERS/node_modules/smpp" ] || missing smpp "npm smpp; tests/setup installs it" ;;
start)
    dir=$2 port=$3
    mkdir -p "$dir"
    node "$peers/smpp_peer.js" "$dir" "$port" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
