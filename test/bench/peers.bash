# The peers: how each is configured, beneath the directory of the measurement, and how it is run
# from where the Makefile unpacked it. What their packages would make, users and directories, nobody
# else sees: test/bench/run has mounts of its own.

# For all of them: env(1) in front of one would cost it a start.
export MODULE_PATH=$peers/mailfront/usr/lib/mailfront RELAYCLIENT='' QMAILHOME=$PWD/qmail \
    QMAILQUEUE=$PWD/drain NULLMAILER_QUEUE=$PWD/drain QPSMTPD_CONFIG=$PWD/qpsmtpd \
    PROTO=TCP TCPREMOTEIP=127.0.0.1 TCPREMOTEPORT=1 TCPLOCALIP=127.0.0.1 TCPLOCALPORT=25

# see FILE PATH: lets PATH be what FILE is.
see() {
    mount --bind "$1" "$2"
}

# The users and directories that packages would make.
make_place() {
    local user id=990 users='' groups=''
    for user in Debian-exim opensmtpd opensmtpq; do
        id=$((id + 1))
        users+="$user:x:$id:$id::/nonexistent:/usr/sbin/nologin"$'\n'
        groups+="$user:x:$id:"$'\n'
    done
    { cat /etc/passwd && printf %s "$users"; } >passwd
    { cat /etc/group && printf %s "$groups"; } >group
    true >nothing
    see passwd /etc/passwd && see group /etc/group && see nothing /etc/resolv.conf &&
        mount -t tmpfs none /var/spool && install -d -m 711 /var/spool/smtpd &&
        mount -t tmpfs none /var/lib && install -d /var/lib/opensmtpd/empty &&
        mount -t tmpfs none /run
}

configure_qmail() {
    install -d qmail/control
    echo mx.test >qmail/control/me
    echo example.org >qmail/control/rcpthosts
}

configure_exim() {
    install -d -o Debian-exim exim
    cat >exim.conf <<END
primary_hostname = mx.test
spool_directory = $PWD/exim
log_file_path = $PWD/exim/%slog
keep_environment =
queue_only
message_size_limit = 0
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = accept
acl_smtp_data = accept
tls_advertise_hosts = *
tls_certificate = $PWD/tls.crt
tls_privatekey = $PWD/exim.key
END
    install -o Debian-exim -m 600 tls.key exim.key
}

configure_qpsmtpd() {
    install -d -m 700 qpsmtpd qpsmtpd-spool
    echo "$peers/qpsmtpd/usr/share/qpsmtpd/plugins" >qpsmtpd/plugin_dirs
    printf 'rcpt_ok\nqueue/qmail-queue %s\n' "$PWD/drain" >qpsmtpd/plugins
    echo example.org >qpsmtpd/rcpthosts
    echo "$PWD/qpsmtpd-spool" >qpsmtpd/spool_dir
    echo mx.test >qpsmtpd/me
    echo 0 >qpsmtpd/loglevel
}

configure_opensmtpd() {
    install -m 600 tls.key opensmtpd.key
    cat >opensmtpd.conf <<END
smtp max-message-size 1G
pki mx.test cert "$PWD/tls.crt"
pki mx.test key "$PWD/opensmtpd.key"
listen on 127.0.0.1 port $1 tls pki mx.test hostname mx.test
action "drain" mda "$PWD/drain" virtual { "@" = "nobody" }
match from any for any action "drain"
END
    chmod 644 opensmtpd.conf
}

# program NAME: `program` is what serves one connection on its standard input and output then, in
# the `environment`.
program() {
    environment=()
    case $1 in
    'mailfront, echo') program=("$peers/mailfront/usr/sbin/mailfront" smtp echo) ;;
    mailfront)
        program=("$peers/mailfront/usr/sbin/mailfront" smtp qmail cvm-authenticate check-fqdn
            counters mailrules relayclient cvm-validate qmail-validate add-received patterns)
        ;;
    nullmailer) program=("$peers/nullmailer/usr/bin/nullmailer-smtpd") ;;
    msmtpd)
        program=("$peers/msmtp-mta/usr/bin/msmtpd" --inetd
            --command "exec $PWD/drain >/dev/null")
        ;;
    'Exim, queues')
        program=("$peers/exim4-daemon-light/usr/sbin/exim4" -C "$PWD/exim.conf" -bs)
        ;;
    qpsmtpd)
        program=(perl "-I$peers/qpsmtpd/usr/share/perl5" -MQpsmtpd::TcpServer -e '$| = 1;
            sub Client::connected { 1 }
            my $server = Qpsmtpd::TcpServer->new;
            $server->start_connection;
            $server->run(bless {}, "Client")')
        ;;
    'Postfix, queues')
        environment=("${postfix[@]:1:3}")
        program=("$peers/postfix/usr/sbin/sendmail" -bs)
        ;;
    'floor, dynamic') program=("$built/floor-dynamic") ;;
    'floor, static') program=("$built/floor") ;;
    'floor, static with musl') program=("$built/floor-musl") ;;
    'floor, dynamic, two processes') program=("$built/floor-dynamic" two) ;;
    'floor, static with musl, two processes') program=("$built/floor-musl" two) ;;
    'floor, cat') program=(sh -c 'exec cat >/dev/null') ;;
    'floor, cat to a file, read') program=(sh -c 'cat >stored && ./drain <stored && rm stored') ;;
    *) handler "$1" ;;
    esac
}

# handler NAME[, no sandbox]: the same for one of ours; with TLS where `pair` has the options.
handler() {
    program=("${handlers[${1%, no sandbox}]}" --hostname mx.test --domain example.org --log stderr
        --max-size 0 --max-messages 20000 --max-connections 5000 --max-connections-per-source 5000
        "${pair[@]}")
    [[ $1 != *", no sandbox" ]] || program+=(--no-sandbox)
    program+=("$PWD/drain")
}

# daemon NAME: starts one that serves $port of loopback. The last process in `started` is its own.
daemon() {
    case $1 in
    'Postfix, queues')
        printf '127.0.0.1:%s inet n - n - - smtpd\n' "$port" >>postfix/master.cf
        kill -HUP "$postfix_master"
        pid=$postfix_master
        return
        ;;
    'OpenSMTPD, queues')
        configure_opensmtpd "$port"
        in_background "$peers/opensmtpd/usr/sbin/smtpd" -d -f "$PWD/opensmtpd.conf"
        ;;
    'aiosmtpd, drops')
        in_background env PYTHONPATH="$peers/python3-aiosmtpd/usr/lib/python3/dist-packages" \
            python3 -W ignore -m aiosmtpd -n -s 0 -c aiosmtpd.handlers.Sink -l "127.0.0.1:$port" \
            --tlscert "$PWD/tls.crt" --tlskey "$PWD/tls.key" --no-requiretls
        ;;
    'floor, openssl')
        # It ends when its standard input does, of which it sends what is there.
        [ -e silence ] || mkfifo silence
        in_background sh -c 'exec openssl s_server -quiet -accept "$1" -cert tls.crt -key tls.key \
            <>silence >/dev/null' sh "$port"
        ;;
    *', listener')
        local as_input=()
        [[ $1 != *static* ]] || as_input=(--inetd)
        program "${1%, listener}"
        in_background systemd-socket-activate "${as_input[@]}" -E TMPDIR -l "127.0.0.1:$port" \
            "${program[@]}"
        ;;
    *', loop')
        program "${1%, loop}"
        in_background "$built/accept-loop" "$port" "${program[@]}"
        ;;
    *)
        program "$1"
        in_background tcpserver -HRDl mx.test -b 128 -c 5000 127.0.0.1 "$port" "${program[@]}"
        ;;
    esac
    pid=${started[-1]}
}

make_peers() {
    smtp_source=(env MAIL_CONFIG="$PWD/postfix" LD_LIBRARY_PATH="$peers/postfix/usr/lib/postfix"
        "$peers/postfix/usr/sbin/smtp-source")
    openssl req -x509 -nodes -days 30 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
        -subj /CN=mx.test -keyout tls.key -out tls.crt 2>openssl.log || { cat openssl.log; exit 1; }
    configure_qmail
    configure_qpsmtpd
    tell_absences
    if [ -z "${BENCH_INSIDE-}" ] || ! make_place; then
        absent all 'Exim, queues' 'needs root, and mounts of its own'
        absent all 'OpenSMTPD, queues' 'needs root, and mounts of its own'
    else
        configure_exim
    fi
    if [ "$(id -u)" != 0 ]; then
        absent all 'Postfix, queues' 'needs root to start its daemons as other users'
        install -d postfix && true >postfix/main.cf
        return
    fi
    start_postfix smtp 'message_size_limit = 0' 'mynetworks = 127.0.0.0/8' \
        'default_process_limit = 5000' 'smtpd_peername_lookup = no' \
        'smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit' \
        'smtpd_client_connection_count_limit = 0' 'smtpd_tls_security_level = may' \
        "smtpd_tls_cert_file = $PWD/tls.crt" "smtpd_tls_key_file = $PWD/tls.key"
    postfix_master=${started[-1]}
}

# What is known beforehand.
tell_absences() {
    local question name
    for name in 'OpenSMTPD, queues' 'aiosmtpd, drops'; do
        for question in start messages memory; do
            absent "$question" "$name" 'is a daemon, without a program for one session'
        done
    done
    absent memory 'Postfix, queues' 'shares its processes among sessions'
    absent messages 'nullmailer and msmtpd, pipelined' 'do not offer PIPELINING'
    absent crowd qpsmtpd 'takes 12 MiB a session'
    absent tls 'msmtpd and nullmailer' 'have no TLS'
    absent tls mailfront 'has TLS only behind a UCSPI-TLS server, which Debian has not'
    absent tls qpsmtpd 'has TLS only with Perl that is not in its package'
}
