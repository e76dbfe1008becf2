#!/usr/bin/env bash
# sftp_password.sh start DIR PORT | stop DIR | check      needs: PyPI asyncssh (tests/peers/requirements.txt)
# An SFTP server that takes a password: user "kommune", password "geheim", and no key. OpenSSH would need an account of
# the operating system for that; this one needs none, and is a second implementation beside sftp.sh.
# Made in DIR: host key, DIR/known_hosts; uploads land under DIR/www (sftp starts there and sees nothing above).
# USER_NAME, PASSWORD: others; READONLY=1: every change is refused.
set -eu
. "$(dirname "$0")/peer.sh"
case ${1:-} in
check) has_module asyncssh asyncssh ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    mkdir -p "$dir/www"
    "$PYTHON" "$peers/sftp_password.py" "$dir" "$port" >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    follow_owner "$dir" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
