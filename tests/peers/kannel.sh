#!/usr/bin/env bash
# kannel.sh start DIR PORT | stop DIR | cut DIR | join DIR PORT | check      needs: Debian kannel, kannel-extras (fakesmsc)
# A whole SMS path on loopback: sendsms HTTP API -> smsbox -> bearerbox -> fakesmsc.
#   PORT    sendsms: /cgi-bin/sendsms?username=u&password=p&from=..&to=..&text=..&dlr-mask=31&dlr-url=..
#   PORT+1  bearerbox admin: /status.txt?password=admin, /stop-smsc?smsc=fake&password=admin
#   PORT+2  between the boxes; PORT+3 where the fake centre connects
# What the centre received is in DIR/fakesmsc.log. `cut` takes the centre away, `join` brings it back.
# SMPP_PORT=N puts an SMPP centre there (smpp.sh) in fakesmsc's place: refusals and failed receipts on demand.
# DENIED=+49 takes no number that begins so: sendsms answers 403 `Not routable`.
# NO_SMSC=1 starts without the centre: sendsms then answers 202 and keeps the message in DIR/spool.
set -eu
. "$(dirname "$0")/peer.sh"
FAKESMSC=${FAKESMSC:-/usr/lib/kannel/test/fakesmsc}
# -m 0: send no messages of its own, only take ours
centre_on() {
    "$FAKESMSC" -H 127.0.0.1 -r $(($2 + 3)) -m 0 -i 1 "0 0 text unused" >>"$1/fakesmsc.log" 2>&1 </dev/null &
    echo $! >"$1/fakesmsc.pid"
}
case ${1:-} in
check)
    has_program bearerbox "Debian kannel"
    has_program curl "Debian curl"
    [ -x "$FAKESMSC" ] || missing fakesmsc "Debian kannel-extras" ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    mkdir -p "$dir/spool"
    centre="smsc = fake
port = $((port + 3))
connect-allow-ip = 127.0.0.1"
    [ -n "${SMPP_PORT:-}" ] && NO_SMSC=1 centre="smsc = smpp
host = 127.0.0.1
port = $SMPP_PORT
transceiver-mode = true
smsc-username = u
smsc-password = p
system-type = VMA
reconnect-delay = 1
alt-charset = UTF-8
wait-ack = 5"
    [ -n "${DENIED:-}" ] && centre="$centre
denied-prefix = $DENIED"
    cat >"$dir/kannel.conf" <<CONF
group = core
admin-port = $((port + 1))
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = $((port + 2))
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = "$dir/bearerbox.log"
log-level = 0
store-type = spool
store-location = "$dir/spool"
dlr-storage = internal

group = smsc
smsc-id = fake
$centre

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = $((port + 2))
sendsms-port = $port
sendsms-interface = 127.0.0.1
http-request-retry = 10
http-queue-delay = 1
log-file = "$dir/smsbox.log"
log-level = 0

group = sendsms-user
username = u
password = p
max-messages = 10
concatenation = true
forced-smsc = fake

group = sms-service
keyword = default
text = "no service"
max-messages = 0
CONF
    bearerbox "$dir/kannel.conf" >"$dir/bearerbox.out" 2>&1 </dev/null &
    echo $! >"$dir/bearerbox.pid"
    for _ in $(seq 100); do
        curl -sf "http://127.0.0.1:$((port + 1))/status.txt" >/dev/null && break
        kill -0 "$(cat "$dir/bearerbox.pid")" || { cat "$dir/bearerbox.out" >&2; exit 1; }
        sleep 0.1
    done
    if [ -z "${NO_SMSC:-}" ]; then centre_on "$dir" "$port"; fi
    smsbox "$dir/kannel.conf" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    # sendsms refuses with 503 until the centre is connected
    if [ -z "${NO_SMSC:-}" ]; then
        for _ in $(seq 200); do
            curl -sf "http://127.0.0.1:$((port + 1))/status.txt?password=admin" | grep -q '(online' && break
            sleep 0.05
        done
    fi
    follow_owner "$dir" ;;
cut) end_all "$2" fakesmsc.pid ;;
join) centre_on "$2" "$3" ;;
stop) end_all "$2" pid fakesmsc.pid bearerbox.pid ;;
*) usage ;;
esac
