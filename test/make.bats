load helper

# What the Makefile does beside building, in a copy of the tree, with what was built of it.
copy_tree() {
    mkdir copy
    (cd "$top" && {
        git ls-files -z --cached --others --exclude-standard
        find build/flags build/release smtp-handler helpers -type f -print0
    } | sort -zu | xargs -0 cp --preserve=timestamps --parents -t "$BATS_TEST_TMPDIR/copy")
}

@test "make run receives mail from the clients that it names, and leaves only the Maildir" {
    copy_tree
    port=$(free_port)
    make -s -C copy all
    (cd copy && find . -not -path './build*' | sort) >before
    # As the terminal does it: Ctrl-C is for the whole process group.
    setsid env --default-signal=INT,QUIT make -C copy run PORT="$port" >output 2>&1 3>&- 4>&- &
    group=$!
    eventually is_listening "$port"
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

@test "make install puts everything below DESTDIR, with prefix in the units; uninstall removes it" {
    copy_tree
    make -s -C copy install DESTDIR="$PWD/root" prefix=/usr
    (cd root && find . -type f -o -type l) | sort | diff - <(sort <<'EOF'
./etc/smtp-handler.conf
./usr/lib/systemd/catalog/smtp-handler.catalog
./usr/lib/systemd/system/lmtp.socket
./usr/lib/systemd/system/lmtp@.service
./usr/lib/systemd/system/smtp-handler.service
./usr/lib/systemd/system/smtp-handler@.service
./usr/lib/systemd/system/smtp.socket
./usr/lib/systemd/system/smtp@.service
./usr/lib/systemd/system/submission.socket
./usr/lib/systemd/system/submission@.service
./usr/lib/systemd/system/submissions.socket
./usr/lib/systemd/system/submissions@.service
./usr/libexec/smtp-handler/maildir-deliver
./usr/libexec/smtp-handler/password-check
./usr/libexec/smtp-handler/tls-relay
./usr/sbin/smtp-handler
./usr/share/doc/smtp-handler/LICENSE
./usr/share/doc/smtp-handler/README.md
./usr/share/doc/smtp-handler/busy.conf
./usr/share/doc/smtp-handler/dovecot-lda.conf
./usr/share/doc/smtp-handler/dovecot.conf
./usr/share/doc/smtp-handler/handler/message-path.svg
./usr/share/doc/smtp-handler/inetd.conf
./usr/share/doc/smtp-handler/network.conf
./usr/share/doc/smtp-handler/sendmail.conf
./usr/share/doc/smtp-handler/tcpserver-run
./usr/share/doc/smtp-handler/test/bench/crowd.svg
./usr/share/doc/smtp-handler/test/bench/growth.svg
./usr/share/doc/smtp-handler/test/bench/memory.svg
./usr/share/doc/smtp-handler/test/bench/messages.svg
./usr/share/doc/smtp-handler/test/bench/octets.svg
./usr/share/doc/smtp-handler/test/bench/sessions.svg
./usr/share/doc/smtp-handler/test/bench/start.svg
./usr/share/doc/smtp-handler/test/bench/tls.svg
./usr/share/doc/smtp-handler/tls.conf
./usr/share/doc/smtp-handler/user.conf
./usr/share/doc/smtp-handler/xinetd.conf
./usr/share/man/man8/smtp-handler.8
EOF
)
    grep -qx 'ExecStart=/usr/sbin/smtp-handler --config /etc/smtp-handler.conf' root/usr/lib/systemd/system/smtp-handler@.service
    grep -qx 'ExecStart=/usr/sbin/smtp-handler --lmtp --config /etc/smtp-handler.conf' root/usr/lib/systemd/system/lmtp@.service
    grep -q '^command /usr/libexec/smtp-handler/maildir-deliver ' root/etc/smtp-handler.conf
    # But for the administrator's own program, in an example.
    grep -rhoE '/usr/local[a-z/-]*' root/etc root/usr/lib root/usr/share | refute grep -vx '/usr/local/bin/ticket'
    [ -x root/usr/share/doc/smtp-handler/tcpserver-run ]
    [ "$(root/usr/sbin/smtp-handler --version)" = "$("$SMTP_HANDLER" --version)" ]
    make -s -C copy uninstall DESTDIR="$PWD/root" prefix=/usr
    [ -z "$(find root -type f -o -type l)" ]
}

# The stand-ins for Debian's tools: libtls-dev is not there, and whoever would install it says so.
debian_without_libtls() {
    mkdir stand-ins
    printf '#!/bin/sh\n[ "$4" = libtls-dev ] || echo install ok installed\n' >stand-ins/dpkg-query
    printf '#!/bin/sh\necho 1000\n' >stand-ins/id
    printf '#!/bin/sh\nshift 4; echo "$@" >>%q\n' "$PWD/installed" >stand-ins/sudo
    chmod +x stand-ins/*
}

@test "make install brings the Debian packages that building takes, but not below DESTDIR" {
    copy_tree
    debian_without_libtls
    PATH=$PWD/stand-ins:$PATH make -s -C copy install DESTDIR="$PWD/root" >said
    [ ! -e installed ]
    PATH=$PWD/stand-ins:$PATH make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc" >said
    grep -x 'Installing Debian packages: libtls-dev' said
    [ "$(cat installed)" = libtls-dev ]
    [ -x usr/sbin/smtp-handler ]
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

@test "the builder's flags are heeded, and a change of them builds anew" {
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
    make -s -C copy install prefix="$PWD/usr" sysconfdir="$PWD/etc"
    cd usr/lib/systemd/system
    systemd-analyze verify --man=no "$PWD"/{smtp,lmtp,submission,submissions}.socket "$PWD"/submission{,s}@.service "$PWD/smtp@.service" "$PWD/lmtp@.service" "$PWD/smtp-handler.service" >said 2>&1
    refute grep "$PWD" said
}

@test "the units expose as little as can be, by systemd's own measure" {
    for unit in smtp-handler@.service smtp-handler.service; do
        systemd-analyze security --offline=true --threshold=5 "$top/units/$unit" >said 2>&1 || { tail -1 said; return 1; }
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
