#!/usr/bin/env bash
# nginx.sh start DIR PORT | stop DIR | fail DIR CONF | full DIR | roomy DIR | check
#   needs: Debian nginx, libnginx-mod-http-dav-ext (PROPFIND); openssl for TLS=1
# A WebDAV server: user "u", password "p", at http://127.0.0.1:PORT/dav/, which is DIR/www/dav. Reading needs the login, too.
#   TLS=1        https, at https://localhost:PORT/dav/; who trusts DIR/ca.pem trusts it
#   PLAIN=1      beside that http, at PORT+1, for whoever only reads
#   READONLY=1   every change is refused (403)
#   SMALL=SIZE   www/dav is a disk of this size (tmpfs) that nginx alone sees; needs root
# Failures, until they are taken back by an empty CONF: fail DIR 'return 503;'   fail DIR 'limit_rate 100;'
# full fills what is left of a SMALL disk, roomy empties it again. DIR/access.log has a line for every request.
set -eu
. "$(dirname "$0")/peer.sh"
NGINX=${NGINX:-/usr/sbin/nginx}
MODULES=${NGINX_MODULES:-/usr/lib/nginx/modules}
case ${1:-} in
check)
    [ -x "$NGINX" ] || missing nginx "Debian nginx"
    [ -f "$MODULES/ngx_http_dav_ext_module.so" ] || missing dav-ext "Debian libnginx-mod-http-dav-ext"
    [ -z "${TLS:-}" ] || has_program openssl "Debian openssl"
    [ -z "${SMALL:-}" ] || has_own_mounts
    has_program curl "Debian curl" ;;
start)
    dir=$(mkdir -p "$2" && cd "$2" && pwd) port=$3
    mkdir -p "$dir/www/dav" "$dir/tmp"
    touch "$dir/fail.conf"
    echo 'u:{PLAIN}p' >"$dir/users"
    tls=
    if [ -n "${TLS:-}" ]; then
        [ -f "$dir/key.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
            -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
            -keyout "$dir/key.pem" -out "$dir/ca.pem" 2>"$dir/openssl.log"
        tls="ssl" certificate="ssl_certificate $dir/ca.pem; ssl_certificate_key $dir/key.pem;"
    fi
    cat >"$dir/nginx.conf" <<CONF
load_module $MODULES/ngx_http_dav_ext_module.so;
daemon off;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/error.log;
$([ "$(id -u)" = 0 ] && echo "user $(id -un);")
events {}
http {
    log_format short '\$request_method \$uri \$status';
    access_log $dir/access.log short;
    types { text/html html; application/rss+xml rss; application/atom+xml atom; application/json json; }
    client_body_temp_path $dir/tmp/body; proxy_temp_path $dir/tmp/proxy; fastcgi_temp_path $dir/tmp/f;
    uwsgi_temp_path $dir/tmp/u; scgi_temp_path $dir/tmp/s;
    server {
        listen 127.0.0.1:$port $tls;
        ${PLAIN:+listen 127.0.0.1:$((port + 1));}
        ${certificate:-}
        root $dir/www;
        client_max_body_size 64m;
        include $dir/fail.conf;
        location /dav/ {
            dav_methods PUT DELETE MKCOL COPY MOVE;
            dav_ext_methods PROPFIND OPTIONS;
            create_full_put_path on;
            auth_basic peer; auth_basic_user_file $dir/users;
            ${READONLY:+limit_except GET PROPFIND OPTIONS { deny all; \}}
        }
    }
}
CONF
    nginx=("$NGINX" -p "$dir" -e "$dir/error.log" -c "$dir/nginx.conf")
    [ -z "${SMALL:-}" ] || nginx=(on_small_disk "$dir/www/dav" "$SMALL" "${nginx[@]}")
    "${nginx[@]}" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    ready "$dir" "$port"
    echo "http${tls:+s}://localhost:$port/dav/" >"$dir/url"
    follow_owner "$dir" ;;
fail)
    echo "$3" >"$2/fail.conf"
    # Until the old worker is gone it may still answer.
    master=$(cat "$2/pid")
    workers() { cat "/proc/$master/task/$master/children"; }
    old=$(workers)
    kill -HUP "$master"
    for _ in $(seq 200); do
        case " $(workers)" in *" ${old%% *} "*) sleep 0.05 ;; *) exit 0 ;; esac
    done
    echo "nginx: the old worker stays" >&2; exit 1 ;;
full)
    # Larger and smaller pieces, until not even the smallest fits.
    for size in 64k 8k 1k; do
        for n in $(seq 2000); do
            head -c "$size" /dev/zero | curl -ksf -u u:p -T - "$(cat "$2/url")fill/$size-$n" >/dev/null || break
        done
    done ;;
roomy) curl -ksf -u u:p -X DELETE "$(cat "$2/url")fill/" ;;
stop) end_all "$2" pid ;;
*) usage ;;
esac
