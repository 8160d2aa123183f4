# What the tests with real clients share: a handler that serves a port of loopback, and a Postfix that sends
# to it, run from where the Makefile unpacked it, beneath the directory of the test.

peers=$top/build/peers

# start_handler OPTION...: serves $port of loopback; the log is the file `background`.
start_handler() {
    port=$(free_port)
    in_background tcpserver -HRl mx.test -b 128 -c 100 127.0.0.1 "$port" "$SMTP_HANDLER" --hostname mx.test \
        --domain example.org --log stderr "$@" -- "${delivery[@]}"
    eventually is_listening "$port"
}

# start_postfix TRANSPORT [SETTING...]: a Postfix that relays all mail by TRANSPORT, at once and again
# every second. "${postfix[@]}" in front of its programs runs them.
start_postfix() {
    needs_root "start Postfix's daemons as other users"
    postfix=(env MAIL_CONFIG="$PWD/postfix" LD_LIBRARY_PATH="$peers/postfix/usr/lib/postfix"
        PATH="$peers/postfix/usr/sbin:$peers/postfix/usr/lib/postfix/sbin:$PATH")
    chmod 711 "$BATS_RUN_TMPDIR" # its daemons pass through
    install -d postfix
    install -d -o daemon data queue/{active,bounce,corrupt,defer,deferred,hold,incoming,private,trace}
    install -d -o daemon -g games -m 710 queue/public
    install -d -o daemon -g games -m 730 queue/maildrop
    install -d queue/pid
    cat >postfix/master.cf <<'EOF'
smtpd   unix       n - n - - smtpd
pickup  unix       n - n - 1 pickup
cleanup unix       n - n - 0 cleanup
qmgr    unix       n - n 1 1 qmgr
rewrite unix       - - n - - trivial-rewrite
bounce  unix       - - n - 0 bounce
defer   unix       - - n - 0 bounce
trace   unix       - - n - 0 bounce
smtp    unix       - - n - - smtp
lmtp    unix       - - n - - lmtp
error   unix       - - n - - error
retry   unix       - - n - - error
tlsmgr  unix       - - n - 1 tlsmgr
scache  unix       - - n - 1 scache
showq   unix       n - n - - showq
postlog unix-dgram n - n - 1 postlogd
EOF
    cat >postfix/main.cf <<EOF
compatibility_level = 3.6
queue_directory = $PWD/queue
data_directory = $PWD/data
command_directory = $peers/postfix/usr/sbin
daemon_directory = $peers/postfix/usr/lib/postfix/sbin
shlib_directory = $peers/postfix/usr/lib/postfix
meta_directory = $peers/postfix/usr/share/postfix
import_environment = MAIL_CONFIG POSTLOG_SERVICE POSTLOG_HOSTNAME LANG=C LD_LIBRARY_PATH
export_environment = MAIL_CONFIG LANG LD_LIBRARY_PATH
mail_owner = daemon
setgid_group = games
default_privs = nobody
maillog_file = $PWD/maillog
maillog_file_prefixes = $PWD
myhostname = postfix.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
default_transport = $1
in_flow_delay = 0
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
EOF
    printf '%s\n' "${@:2}" >>postfix/main.cf
    touch -d '1 minute ago' postfix/main.cf # while it is new, each program waits a second to read it
    in_background "${postfix[@]}" master
    eventually test -S queue/public/pickup
}

# The queue of Postfix is empty, after N mails. It lets a mail rest for a minute that a process of its
# own still holds when its turn comes again, unless it is told to try all.
postfix_sent() {
    "${postfix[@]}" postqueue -f
    [ "$(grep -c ': removed$' maillog)" = "$1" ] &&
        "${postfix[@]}" postqueue -p | grep -qx 'Mail queue is empty'
}
