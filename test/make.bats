load helper

# What the Makefile does beside building, in a copy of the tree, with what was built of it.

@test "make run receives mail from the clients that it names, and leaves only the Maildir" {
    copy_tree
    port=$(free_port)
    make -s -C copy all
    (cd copy && find . -not -path './build*' | sort) >before
    touch copy/session.c
    # As the terminal does it: Ctrl-C is for the whole process group.
    setsid env --default-signal=INT,QUIT PORT="$port" make -C copy run >output 2>&1 3>&- 4>&- &
    group=$!
    eventually grep -qx "listening on 127.0.0.1:$port" output
    refute grep -w session.c output
    grep -q '^Ctrl-C ends it' output
    sed -n 's/^Send a mail: *//p' output >send
    sed -n 's/^See it: *//p' output >see
    sed -n 's/^With TLS and a password: *//p' output >submit
    for _ in 1 2 3; do (cd copy && sh -e ../send); done
    [ "$(find copy/Maildir/new -type f | wc -l)" = 3 ]
    (cd copy && sh -e ../see) | grep -c '^It works.$' | grep -qx 3
    eventually sh -c '[ "$(grep -c "smtp-handler: connection .*ended=quit" output)" = 3 ]'
    [ "$(grep -c 'smtp-handler: message result=accepted' output)" = 3 ]
    sh -e submit
    [ "$(find copy/Maildir/new -type f | wc -l)" = 4 ]
    grep -Eq 'smtp-handler: message result=accepted .*tls=TLSv1\.[23] user=me ' output
    refute sh -e <(sed 's/secret/wrong/' submit)
    [ "$(find copy/Maildir/new -type f | wc -l)" = 4 ]
    kill -INT -- "-$group"
    wait "$group" || true
    refute is_listening "$port"
    (cd copy && find . -not -path './build*' -not -path './Maildir*' | sort) | diff before -
}

@test "make run by root serves as the owner of its folder" {
    needs_root 'become another user'
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
    copy_tree
    make -s -C copy all build/run/passwords
    chown -R daemon copy
    in_background setsid make -C copy run PORT="$(free_port)"
    eventually grep -q '^listening on ' background
    server=$(pgrep -g "${started[-1]}" -x smtp-handler)
    [ "$(stat -c %U "/proc/$server")" = daemon ]
    sed -n 's/^Send a mail: *//p' background >send
    sh -e send
    [ "$(stat -c %U copy/Maildir/new/*)" = daemon ]
    sed -n 's/^With TLS and a password: *//p' background >submit
    sh -e submit
    kill -- "-${started[-1]}"
}

@test "make run says which port is taken, and how to take another" {
    copy_tree
    port=$(free_port)
    in_background python3 -c 'import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(99)' "$port"
    eventually is_listening "$port"
    make -C copy run PORT="$port" >output 2>&1 || true
    grep -qx "smtp-handler: listen 127.0.0.1:$port: Address already in use; see smtp-handler(8), LISTENING" output
    grep -q 'make run PORT=' output
}

@test "make names the packages that it cannot install without sudo" {
    copy_tree
    debian_without_libssl
    rm stand-ins/sudo
    mkdir bin
    for tool in sh make sed grep id cat mkdir; do ln -s "$(command -v $tool)" bin; done
    PATH=$PWD/stand-ins:$PWD/bin make -s -C copy run >output 2>&1 || true
    grep -qx 'There is no sudo: run, as root, apt-get install libssl-dev' output
}

@test "make install puts everything below DESTDIR, with prefix in the units; uninstall removes it" {
    copy_tree
    make -s -C copy install DESTDIR="$PWD/root" prefix=/usr
    (cd root && find . -type f -o -type l) | sort | diff - <(sort <<'EOF'
./usr/lib/systemd/system/smtp-handler-check-.service.d/zz-check.conf
./usr/lib/systemd/system/smtp-handler-check-smtp.service
./usr/lib/systemd/system/smtp-handler-check.service
./usr/lib/systemd/system/smtp-handler-check-smtp.service.d
./usr/sbin/smtp-handler-check
./usr/share/man/man5/smtp-handler.conf.5
./usr/share/man/man7/smtp-handler-command.7
./usr/share/man/man7/smtp-handler-security.7
./usr/share/man/man7/smtp-handler-units.7
./usr/share/man/man8/lmtp-deliver.8
./usr/share/man/man8/maildir-deliver.8
./usr/share/man/man8/milter-filter.8
./usr/share/man/man8/password-check.8
./usr/share/man/man8/smtp-handler-check.8
./usr/share/man/man8/smtp-report.8
./usr/share/man/man8/tls-relay.8
./etc/smtp-handler.conf
./usr/lib/sysusers.d/smtp-handler.conf
./usr/lib/systemd/catalog/smtp-handler.catalog
./usr/lib/systemd/system/lmtp.socket
./usr/lib/systemd/system/lmtp@.service
./usr/lib/systemd/system/smtp-handler-failed@.service
./usr/lib/systemd/system/smtp-handler.service
./usr/lib/systemd/system/smtp-handler@.service
./usr/lib/systemd/system/smtp.socket
./usr/lib/systemd/system/smtp@.service
./usr/lib/systemd/system/submission.socket
./usr/lib/systemd/system/submission@.service
./usr/lib/systemd/system/submissions.socket
./usr/lib/systemd/system/submissions@.service
./usr/lib/systemd/system/tls-relay.service
./usr/lib/systemd/system/tls-relay.socket
./usr/libexec/smtp-handler/lmtp-deliver
./usr/libexec/smtp-handler/maildir-deliver
./usr/libexec/smtp-handler/milter-filter
./usr/libexec/smtp-handler/password-check
./usr/libexec/smtp-handler/tls-relay
./usr/sbin/smtp-handler
./usr/share/doc/smtp-handler/LICENSE
./usr/share/doc/smtp-handler/CHANGELOG.md
./usr/share/doc/smtp-handler/README.md
./usr/share/doc/smtp-handler/SECURITY.md
./usr/share/doc/smtp-handler/test/bench/README.md
./usr/share/doc/smtp-handler/busy.conf
./usr/share/doc/smtp-handler/dovecot-lda.conf
./usr/share/doc/smtp-handler/dovecot.conf
./usr/share/doc/smtp-handler/examples/fail2ban.conf
./usr/share/doc/smtp-handler/examples/lmtp-postgresql
./usr/share/doc/smtp-handler/examples/mail.bats
./usr/share/doc/smtp-handler/examples/smtp-handler.mtail
./usr/share/doc/smtp-handler/examples/smtp-report
./usr/share/doc/smtp-handler/examples/smtp-report.svg
./usr/share/doc/smtp-handler/examples/test_mail.py
./usr/share/doc/smtp-handler/examples/to-http
./usr/share/doc/smtp-handler/examples/to-maildirs
./usr/share/doc/smtp-handler/examples/to-nats
./usr/share/doc/smtp-handler/examples/to-postgresql
./usr/share/doc/smtp-handler/examples/to-rabbitmq
./usr/share/doc/smtp-handler/examples/to-redis
./usr/share/doc/smtp-handler/examples/to-sqlite
./usr/share/doc/smtp-handler/handler/message-path.svg
./usr/share/doc/smtp-handler/inetd.conf
./usr/share/doc/smtp-handler/jit.conf
./usr/share/doc/smtp-handler/network.conf
./usr/share/doc/smtp-handler/opendkim.conf
./usr/share/doc/smtp-handler/postgrey.conf
./usr/share/doc/smtp-handler/rspamd.conf
./usr/share/doc/smtp-handler/sendmail.conf
./usr/share/doc/smtp-handler/tcpserver-run
./usr/share/doc/smtp-handler/test/bench/connections.svg
./usr/share/doc/smtp-handler/test/bench/crowd.svg
./usr/share/doc/smtp-handler/test/bench/crowd_tls.svg
./usr/share/doc/smtp-handler/test/bench/growth.svg
./usr/share/doc/smtp-handler/test/bench/memory.svg
./usr/share/doc/smtp-handler/test/bench/messages.svg
./usr/share/doc/smtp-handler/test/bench/octets.svg
./usr/share/doc/smtp-handler/test/bench/sessions.svg
./usr/share/doc/smtp-handler/test/bench/start.svg
./usr/share/doc/smtp-handler/test/bench/tls.svg
./usr/share/doc/smtp-handler/user.conf
./usr/share/doc/smtp-handler/xinetd.conf
./usr/share/man/man8/smtp-handler.8
EOF
)
    [ "$(stat -c %a root/usr/libexec/smtp-handler/{password-check,tls-relay} | uniq)" = 711 ] # see the manual
    for unit in smtp-handler@ smtp-handler; do
        grep -qx 'ExecStart=/usr/sbin/smtp-handler --greet-delay 2 --strict-pipelining --config /etc/smtp-handler.conf' \
            "root/usr/lib/systemd/system/$unit.service"
    done
    refute grep -e --greet-delay root/usr/lib/systemd/system/{lmtp,submission,submissions}@.service
    grep -qx 'ExecStart=/usr/sbin/smtp-handler --lmtp --config /etc/smtp-handler.conf' root/usr/lib/systemd/system/lmtp@.service
    grep -q '^command /usr/libexec/smtp-handler/maildir-deliver ' root/etc/smtp-handler.conf
    # But for the administrator's own program, in an example.
    grep -rhoE '/usr/local[a-z/-]*' root/etc root/usr/lib root/usr/share | refute grep -vxE '/usr/local(/bin/(list|ticket))?'
    [ -x root/usr/share/doc/smtp-handler/tcpserver-run ]
    [ "$(root/usr/sbin/smtp-handler --version)" = "$("$SMTP_HANDLER" --version)" ]
    make -s -C copy uninstall DESTDIR="$PWD/root" prefix=/usr
    [ -z "$(find root -type f -o -type l)" ]
}

# The stand-ins for Debian's tools: libssl-dev is missing, and the stand-in for apt-get says that it would install it.
debian_without_libssl() {
    mkdir stand-ins
    printf '#!/bin/sh\n[ "$4" = libssl-dev ] || echo install ok installed\n' >stand-ins/dpkg-query
    printf '#!/bin/sh\necho 1000\n' >stand-ins/id
    printf '#!/bin/sh\nshift 4; echo "$@" >>%q\n' "$PWD/installed" >stand-ins/sudo
    chmod +x stand-ins/*
}

@test "make install brings the Debian packages that building takes, but not below DESTDIR" {
    copy_tree
    debian_without_libssl
    PATH=$PWD/stand-ins:$PATH make -s -C copy install DESTDIR="$PWD/root" >said
    [ ! -e installed ]
    PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc" >said
    grep -x 'Installing Debian packages: libssl-dev' said
    [ "$(cat installed)" = libssl-dev ]
    [ -x usr/sbin/smtp-handler ]
}

# A stand-in for systemd-sysusers, which would make the user here.
sysusers_elsewhere() {
    mkdir -p stand-ins
    printf '#!/bin/sh\ncat "$@" >>%q\n' "$PWD/users" >stand-ins/systemd-sysusers
    printf '#!/bin/sh\necho "${ID-0}"\n' >stand-ins/id
    chmod +x stand-ins/*
}

@test "make install makes the user whom inetd.conf, xinetd.conf and tcpserver-run name, if it may" {
    copy_tree
    sysusers_elsewhere
    PATH=$PWD/stand-ins:$PATH make -s -C copy install DESTDIR="$PWD/root"
    ID=1000 PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc"
    [ ! -e users ]
    PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc"
    [ "$(grep -cE '^u smtp-handler(-tls)? - ' users)" = 2 ]
    mkdir -p system/etc
    systemd-sysusers --root="$PWD/system" - <usr/lib/sysusers.d/smtp-handler.conf >said 2>&1 || [ "$(id -u)" != 0 ]
    [ "$(id -u)" != 0 ] || grep -q '^smtp-handler-tls:.*nologin$' system/etc/passwd
    [ "$(id -u)" != 0 ] || grep -Eq '^smtp-handler:[^:]*:[1-9][0-9]*:[0-9]*:[^:]*:/var/mail/smtp-handler:.*nologin$' system/etc/passwd
    cd usr/share/doc/smtp-handler
    grep -q ' nowait smtp-handler /' inetd.conf
    grep -q 'user *= smtp-handler$' xinetd.conf
    grep -q -- '-u "$(id -u smtp-handler)" -g "$(id -g smtp-handler)"' tcpserver-run
    grep -q 'uid=smtp-handler gid=smtp-handler ' dovecot.conf
}

@test "make STATIC=yes brings the package of its compiler, unless another is named" {
    copy_tree
    debian_without_libssl
    sed -i 's/libssl-dev/musl-tools/' stand-ins/dpkg-query
    rm -rf copy/build/static
    PATH=$PWD/stand-ins:$PATH make -s -C copy STATIC=yes smtp-handler MUSL_CC="$(command -v musl-gcc)" >said 2>&1
    [ ! -e installed ]
    rm -rf copy/build/static
    PATH=$PWD/stand-ins:$PATH make -s -C copy STATIC=yes smtp-handler >said 2>&1
    grep -qx 'Installing Debian packages: musl-tools' said
    [ "$(cat installed)" = musl-tools ]
    readelf -lW copy/smtp-handler | refute grep INTERP
}

@test "make install STATIC=yes puts static programs under the listener, which serves TLS by a keeper" {
    copy_tree
    [ ! -e "$top/build/static" ] || cp -a "$top/build/static" copy/build
    make -s -C copy install STATIC=yes DESTDIR="$PWD/root" >said 2>&1
    for program in sbin/smtp-handler libexec/smtp-handler/{tls-relay,maildir-deliver,lmtp-deliver}; do
        readelf -lW "root/usr/local/$program" | refute grep INTERP
    done
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key -out certificate 2>log
    in_background "$PWD/root/usr/local/sbin/smtp-handler" --listen 127.0.0.1:0 --user "$(id -un)" --log stderr \
        --tls-cert "$PWD/certificate" --tls-key "$PWD/key" "$PWD/root/usr/local/libexec/smtp-handler/maildir-deliver" "$PWD/Maildir"
    eventually grep -q '^listening on ' background
    keeper=$(pgrep -P "${started[-1]}" -x tls-relay)
    [ "$(id -u)" != 0 ] || [ "$(readlink "/proc/$keeper/exe")" = "$PWD/root/usr/local/libexec/smtp-handler/tls-relay" ]
    echo x | curl --silent --show-error --crlf --insecure --ssl-reqd --url "smtp://$(sed -n 's/^listening on //p' background)" \
        --mail-from a@example.net --mail-rcpt user@localhost --upload-file -
    grep -qx x Maildir/new/*
    grep -q ' tls=TLSv1.3 ' background
}

@test "make install below a prefix of one's own needs no root, and what it puts there serves" {
    copy_tree
    home=$PWD/home
    user=()
    if [ "$(id -u)" = 0 ]; then
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
        install -d -o nobody home
        chown -R nobody copy
        user=(setpriv --reuid=nobody --regid="$(id -gn nobody)" --clear-groups)
    fi
    "${user[@]}" make -s -C copy install prefix="$home/.local" >said 2>&1
    [ ! -s said ]
    grep -qx "command $home/.local/libexec/smtp-handler/maildir-deliver $home/.local/Maildir" home/.local/etc/smtp-handler.conf
    [ ! -e home/.local/sbin/smtp-handler-check ]
    grep -q -- "--config $home/.local/etc/smtp-handler.conf" home/.local/lib/systemd/system/smtp-handler@.service
    in_background "${user[@]}" "$home/.local/sbin/smtp-handler" \
        --listen 127.0.0.1:0 "$home/.local/libexec/smtp-handler/maildir-deliver" "$home/Maildir"
    eventually grep -q '^listening on ' background
    echo x | curl --silent --show-error --crlf --url "smtp://$(sed -n 's/^listening on //p' background)" --mail-from a@example.net \
        --mail-rcpt user@localhost --upload-file -
    grep -qx x home/Maildir/new/*
    "${user[@]}" make -s -C copy uninstall prefix="$home/.local" >said 2>&1
    [ ! -s said ]
    [ -z "$(find home/.local -type f -o -type l)" ]
}

@test "make install warns of the package beside it, and of a configuration that serves nobody" {
    copy_tree
    sysusers_elsewhere
    printf '#!/bin/sh\necho install ok installed\n' >stand-ins/dpkg-query
    chmod +x stand-ins/dpkg-query
    mkdir etc
    echo 'command /nowhere/command' >etc/smtp-handler.conf
    PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc" >said 2>&1
    grep -q '^warning: the Debian package smtp-handler is installed, too' said
    grep -q "^smtp-handler: .*delivery command /nowhere/command: no such program; see smtp-handler-command(7), DIAGNOSTICS$" said
    grep -qx "warning: $PWD/etc/smtp-handler.conf, which was there, serves nobody until that is mended" said
    # It is the package's as well, and stays.
    rm etc/smtp-handler.conf
    PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc" >said 2>&1
    PATH=$PWD/stand-ins:$PATH make -s -C copy uninstall prefix="$PWD/usr" sysconfdir="$PWD/etc" >said 2>&1
    grep -qx "warning: $PWD/etc/smtp-handler.conf still names $PWD/usr/libexec/smtp-handler/maildir-deliver, which is removed: change its command line" said
    printf '#!/bin/sh\nexit 1\n' >stand-ins/dpkg-query
    PATH=$PWD/stand-ins:$PATH make -s -C copy uninstall prefix="$PWD/usr" sysconfdir="$PWD/etc" >said 2>&1
    [ ! -s said ]
    [ ! -e etc/smtp-handler.conf ]
}

@test "a configuration that was changed survives make install and uninstall" {
    copy_tree
    mkdir -p root/etc
    echo 'command true' >root/etc/smtp-handler.conf
    make -s -C copy install DESTDIR="$PWD/root"
    make -s -C copy uninstall DESTDIR="$PWD/root"
    [ "$(find root -type f)" = root/etc/smtp-handler.conf ]
    [ "$(cat root/etc/smtp-handler.conf)" = 'command true' ]
}

@test "the builder's flags are used, and a change of them builds anew" {
    copy_tree
    make -C copy all CFLAGS='-O0 -DFIRST' >built
    grep -q -- '-O0 -DFIRST .*session.c' built
    refute grep -q -- '-O2' built
    make -C copy all CFLAGS='-O0 -DFIRST' >built
    refute grep -q 'session.c' built
    make -C copy build/release/session.o CFLAGS='-O0 -DSECOND' >built
    grep -q -- '-DSECOND .*session.c' built
    make -C copy clean >built
    [ -z "$(find copy -name '*.o' -o -name smtp-handler -type f)" ]
}

@test "systemd finds no fault in the units" {
    copy_tree
    sysusers_elsewhere
    PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc"
    cd usr/lib/systemd/system
    systemd-analyze verify --man=no "$PWD"/{smtp,lmtp,submission,submissions,tls-relay}.socket "$PWD"/submission{,s}@.service "$PWD/smtp@.service" "$PWD/lmtp@.service" "$PWD"/{smtp-handler,tls-relay}.service >said 2>&1
    refute grep "$PWD" said
}

@test "the units have a good score by systemd-analyze security" {
    copy_tree
    make -s -C copy install DESTDIR="$PWD/root"
    for unit in {smtp-handler,tls-relay}.service {smtp-handler,smtp,lmtp,submission,submissions}@.service; do
        systemd-analyze security --offline=true --threshold=5 "root/usr/local/lib/systemd/system/$unit" >said 2>&1 || { tail -1 said; return 1; }
    done
}

@test "every kind of event has its entry in the journal's catalog, and its id in the manual" {
    sed -n 's/.*"MESSAGE_ID=\([0-9a-f]*\)".*/\1/p' "$top/handler/log.c" | sort >ids
    [ "$(wc -l <ids)" -ge 7 ]
    sed -n 's/^\.It [a-z]* Ta \([0-9a-f]\{32\}\)$/\1/p' "$top/smtp-handler.8" | sort | diff ids -
    sed -n 's/^-- \([0-9a-f]*\)$/\1/p' "$top/units/smtp-handler.catalog" | sort | diff ids -
    mkdir -p root/usr/lib/systemd/catalog root/var/lib/systemd/catalog
    cp "$top/units/smtp-handler.catalog" root/usr/lib/systemd/catalog
    journalctl --root="$PWD/root" --update-catalog
    [ "$(journalctl --root="$PWD/root" --list-catalog | wc -l)" = "$(wc -l <ids)" ]
}
