load helper
load peers
load certificates

# Debian's HAProxy and nginx in front of us: the client at 127.0.0.5 is seen through them.

# send OPTION...: a message, by curl through the proxy, from 127.0.0.5 or $from.
send() {
    printf 'Subject: through a proxy\r\n\r\nIt works.\r\n' |
        curl --silent --show-error --interface "${from:-127.0.0.5}" --url "${scheme:-smtp}://$at:$proxy_port/client.test" \
            --mail-from sender@example.net --mail-rcpt user@example.org --upload-file - "$@"
}

# came_from ADDRESS [TAG]: the first message did.
came_from() {
    kept_environment 1 >environment
    grep -qx "CLIENT_ADDRESS=$1" environment
    kept 1 | grep -qF "Received: from client.test ([$2$1])"
    grep -q "message result=accepted .*client=$1 .*helo=client.test" background
    eventually grep -q "connection client=$1 .*proxy=127.0.0.1 .*ended=quit" background
}

at=127.0.0.1 # the proxy's address

answers() { (exec 9<>"/dev/tcp/${at//[\[\]]/}/$proxy_port") 2>/dev/null; }

# haproxy_before SERVER-OPTION...: on $proxy_port; what it says for itself begins with EHLO $check.
haproxy_before() {
    proxy_port=$(free_port)
    cat >haproxy.cfg <<EOF
defaults
    mode tcp
    timeout connect 10s
    timeout client 30s
    timeout server 30s
    timeout check 10s
listen smtp
    bind $at:$proxy_port
    option smtpchk EHLO ${check:-check.test}
    server mx 127.0.0.1:$port $*
EOF
    in_background haproxy -db -f haproxy.cfg
    eventually answers
}

@test "HAProxy names the client with version 1" {
    start_handler --proxy-protocol
    haproxy_before send-proxy
    send
    came_from 127.0.0.5
    grep -qE '^CLIENT_PORT=[0-9]+$' environment
}

@test "HAProxy names the client with version 2, and TLVs that are skipped" {
    start_handler --proxy-protocol
    haproxy_before send-proxy-v2 proxy-v2-options unique-id,crc32c
    send
    came_from 127.0.0.5
    grep -qE '^CLIENT_PORT=[0-9]+$' environment
}

@test "HAProxy names a client of IPv6 with version 2" {
    start_handler --proxy-protocol
    at='[::1]' from=::1
    haproxy_before send-proxy-v2
    send
    came_from ::1 IPv6:
}

@test "a health check of HAProxy comes from HAProxy itself" {
    start_handler --proxy-protocol
    haproxy_before send-proxy-v2 check inter 100ms
    eventually grep -q 'connection client=127.0.0.1 helo=check.test .*ended=quit' background # LOCAL
    check=other.test haproxy_before send-proxy check inter 100ms
    eventually grep -q 'connection client=127.0.0.1 proxy=127.0.0.1 helo=other.test .*ended=quit' background
    refute grep -q 'wrong PROXY' background
}

@test "a health check of HAProxy passes the delay of the greeting and waits for replies" {
    start_handler --proxy-protocol --greet-delay 200 --strict-pipelining
    haproxy_before send-proxy-v2 check inter 100ms
    eventually grep -q 'connection client=127.0.0.1 helo=check.test .*ended=quit' background
    start_handler --greet-delay 1 --strict-pipelining
    check=other.test haproxy_before check inter 100ms
    eventually grep -q 'connection client=127.0.0.1 helo=other.test .*ended=quit' background
    refute grep abuse background
}

@test "a client of HAProxy without an IP address is taken for HAProxy" {
    start_handler --proxy-protocol
    haproxy_before send-proxy
    sed -i "s|bind .*|bind $PWD/v1|" haproxy.cfg
    in_background haproxy -db -f haproxy.cfg
    sed 's|v1|v2|; s|send-proxy|&-v2|' haproxy.cfg >v2.cfg
    in_background haproxy -db -f v2.cfg
    for socket in v1 v2; do
        eventually test -S "$socket"
        send --unix-socket "$socket"
    done
    [ "$(kept_count)" = 2 ]
    kept_environment 1 | grep -qx CLIENT_ADDRESS=127.0.0.1
    kept_environment 2 | grep -qx CLIENT_ADDRESS=127.0.0.1
    eventually sh -c '[ "$(grep -c "connection client=127.0.0.1 helo=client.test .*accepted=1" background)" = 2 ]'
}

@test "TLS from the first octet on goes through HAProxy" {
    self_signed mx mx.test
    start_handler --proxy-protocol --tls implicit --tls-cert "$PWD/mx.crt" --tls-key "$PWD/mx.key"
    haproxy_before send-proxy-v2
    scheme=smtps send --insecure
    came_from 127.0.0.5
    grep -qx CLIENT_PROTOCOL=ESMTPS environment
}

@test "HAProxy without the header is not let in" {
    start_handler --proxy-protocol
    haproxy_before
    refute send --max-time 20 2>/dev/null
    eventually grep -q 'proxy client=127.0.0.1 text=' background
    [ "$(kept_count)" = 0 ]
}

@test "HAProxy takes the section of the manual, which is that of the drill" {
    sed -n '/^listen smtp$/,/^\.Ed/{/^\.Ed/d;p}' "$top/manual/smtp-handler-units.7" >section
    { printf 'defaults\n mode tcp\n timeout connect 2s\n timeout client 60s\n timeout server 60s\n' && cat section; } >haproxy.cfg
    haproxy -c -f haproxy.cfg
    [ "$(grep -c '^ *server ' section)" = 2 ]
    sed '/smtpchk\|bind\|server mx/d; s/^ *//' section >ours
    [ "$(wc -l <ours)" -gt 8 ]
    sed 's/^ *//' "$top/test/drill/fleet.py" >theirs
    refute grep -vxFf theirs ours
}

# nginx_before: nginx's mail proxy on $proxy_port; a client with the password "right", or without one, may pass.
nginx_before() {
    proxy_port=$(free_port)
    auth_port=$(free_port)
    cat >auth.py <<'EOF'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        right = self.headers["Auth-Method"] == "none" or self.headers["Auth-Pass"] == "right"
        self.send_response(200)
        self.send_header("Auth-Status", "OK" if right else "Invalid login or password")
        self.send_header("Auth-Server", "127.0.0.1")
        self.send_header("Auth-Port", sys.argv[2])
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
EOF
    cat >nginx.conf <<EOF
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off;
master_process off;
pid $PWD/nginx.pid;
error_log stderr info;
events { }
mail {
    server_name proxy.test;
    auth_http 127.0.0.1:$auth_port/auth;
    xclient on;
    server {
        listen $at:$proxy_port;
        protocol smtp;
        smtp_auth none plain login;
    }
}
EOF
    in_background python3 auth.py "$auth_port" "$port"
    eventually is_listening "$auth_port"
    in_background nginx -e stderr -p "$PWD" -c "$PWD/nginx.conf"
    eventually answers
}

@test "nginx names the client with XCLIENT" {
    start_handler --xclient 127.0.0.1
    nginx_before
    send
    came_from 127.0.0.5
    grep -qx CLIENT_HOSTNAME=unknown environment
    grep -qx CLIENT_PROTOCOL=ESMTP environment
    refute grep -q '^SASL_' environment
}

@test "nginx names a client of IPv6 with XCLIENT" {
    start_handler --xclient 127.0.0.1
    at='[::1]' from=::1
    nginx_before
    send
    came_from ::1 IPv6:
}

@test "a user whom nginx has authenticated may send anywhere" {
    start_handler --xclient 127.0.0.1 --submission
    nginx_before
    send --user user@example.org:right --login-options AUTH=PLAIN --mail-rcpt friend@elsewhere.example
    came_from 127.0.0.5
    grep -qx SASL_USERNAME=user@example.org environment
    grep -qx SASL_METHOD=XCLIENT environment
    grep -qx CLIENT_PROTOCOL=ESMTPA environment
    refute send --user user@example.org:wrong --login-options AUTH=PLAIN 2>said
    grep -q 'Login denied' said
    refute send 2>/dev/null
    eventually grep '530 5.7.0 Authentication required' background # says nginx
    [ "$(kept_count)" = 1 ]
}

@test "nginx outside of --xclient is not believed" {
    start_handler --xclient 127.0.0.2
    nginx_before
    refute send 2>/dev/null
    grep 'XCLIENT not permitted' background # says nginx
    [ "$(kept_count)" = 0 ]
}
