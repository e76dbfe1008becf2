#!/usr/bin/env bash
# faultproxy.sh start DIR PORT TARGET_PORT | stop DIR | mode DIR WORDS... | cut DIR | check
# A TCP proxy in front of any peer that fails on demand: see faultproxy.py for the modes.
# `mode` also closes the connections that were opened before, each when it rests between two requests, so that what a client
# sends after it meets the new mode.
# `cut` resets every open connection.
set -eu
. "$(dirname "$0")/peer.sh"
case ${1:-} in
check) has_program python3 "Debian python3" ;;
start)
    dir=$2 port=$3
    mkdir -p "$dir"
    "$PYTHON" "$peers/faultproxy.py" "$dir" "$port" "$4" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    # Not by connecting: that would be the first line of the log.
    for _ in $(seq 200); do
        grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp && { follow_owner "$dir"; exit 0; }
        kill -0 "$(cat "$dir/pid")" || { cat "$dir/log" >&2; exit 1; }
        sleep 0.05
    done
    exit 1 ;;
mode)
    dir=$2; shift 2
    echo "$*" >"$dir/mode.new"; mv "$dir/mode.new" "$dir/mode"
    rm -f "$dir/turned"
    kill -USR2 "$(cat "$dir/pid")"
    for _ in $(seq 100); do [ -e "$dir/turned" ] && exit 0; sleep 0.03; done
    echo "faultproxy: no turn in three seconds" >&2; exit 1 ;;
cut) kill -USR1 "$(cat "$2/pid")" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
