#!/usr/bin/env bash
# smtpsink.sh start DIR PORT [SMTP-SINK OPTIONS] | stop DIR | check      needs: Debian postfix, or only its files unpacked
# Postfix's smtp-sink: a fast receiver that takes thousands of messages a second and keeps none; for measuring.
#   -r RCPT soft refusals, -f DATA hard refusals, -q MAIL hangs up, -w 2 waits, -b/-B own 4xx/5xx texts
# SMTP_SINK names the program; when it is from an unpacked package, LD_LIBRARY_PATH its usr/lib/postfix.
set -eu
. "$(dirname "$0")/peer.sh"
SMTP_SINK=${SMTP_SINK:-/usr/sbin/smtp-sink}
case ${1:-} in
check) [ -x "$SMTP_SINK" ] || missing smtp-sink "Debian postfix" ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    shift 3
    user=()
    [ "$(id -u)" != 0 ] || user=(-u nobody)
    "$SMTP_SINK" "${user[@]}" "$@" "127.0.0.1:$port" 200 >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
