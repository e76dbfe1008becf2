#!/usr/bin/env bash
# smtp.sh start DIR PORT | stop DIR | check      needs: PyPI aiosmtpd; openssl for TLS
# A mail server whose answers the test chooses: smtp_peer.py has DIR/rules.json and the variables. What it took is in DIR/mail.
#   SMTP_TLS=starttls|tls makes an authority and a certificate for localhost and 127.0.0.1 at the start: DIR/ca.pem, DIR/cert.pem
set -eu
. "$(dirname "$0")/peer.sh"
# certificates DIR: an authority of its own and a certificate from it, good for a month.
certificates() (
    cd "$1"
    [ -f ca.pem ] && return 0
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj "/CN=Test" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -keyout key.pem -out cert.csr -subj "/CN=localhost" 2>/dev/null
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >cert.ext
    openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days "${SMTP_DAYS:-30}" -extfile cert.ext -out cert.pem 2>/dev/null
)
case ${1:-} in
check)
    has_module aiosmtpd aiosmtpd
    [ -z "${SMTP_TLS:-}" ] || has_program openssl "Debian openssl" ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    [ -z "${SMTP_TLS:-}" ] || certificates "$dir"
    "$PYTHON" "$peers/smtp_peer.py" "$dir" "$port" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
