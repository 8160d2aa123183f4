# Debian's policy servers, run from where the Makefile unpacked them; for files that load peers.bash, too.

# start_postgrey SECONDS: postgrey on the Unix socket $server, which lets a stranger in after so long.
start_postgrey() {
    local user home
    user=$(id -un)
    [ "$user" != root ] || user=nobody
    chmod 711 "$BATS_RUN_TMPDIR" # it passes through
    home=$PWD/postgrey
    mkdir "$home"
    [ "$(id -u)" != 0 ] || chown "$user" "$home"
    touch "$home/whitelist"
    server=./postgrey/socket # a short name
    in_background "$peers/postgrey/usr/sbin/postgrey" --unix="$home/socket" --dbdir="$home" --delay="$1" --user="$user" \
        --group="$(id -gn "$user")" --whitelist-clients="$home/whitelist" --whitelist-recipients="$home/whitelist" --hostname=mx.test
    eventually test -S "$server"
}

# start_policyd_spf: policyd-spf at $server, a port of loopback. Without the DNS: pass.test's mail may come from
# 192.0.2.1, fail.test's may not.
start_policyd_spf() {
    mkdir python
    cat >python/sitecustomize.py <<'END'
import spf

records = {"pass.test": b"v=spf1 ip4:192.0.2.1 -all", "fail.test": b"v=spf1 ip4:203.0.113.1 -all"}
spf.DNSLookup = lambda name, qtype, *more, **named: (
    [((name, "TXT"), (records[name],))] if qtype == "TXT" and name in records else [])
END
    cp "$peers/postfix-policyd-spf-python/etc/postfix-policyd-spf-python/policyd-spf.conf" spf.conf
    server=127.0.0.1:$(free_port)
    in_background env PYTHONPATH="$PWD/python:$peers/python3-spf-engine/usr/lib/python3/dist-packages" \
        tcpserver -HRl mx.test 127.0.0.1 "${server#*:}" "$peers/postfix-policyd-spf-python/usr/bin/policyd-spf" spf.conf
    eventually is_listening "${server#*:}"
}
