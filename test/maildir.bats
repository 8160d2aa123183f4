load helper

deliver() {
    "$MAILDIR_DELIVER" "${1:-box}"
}

@test "a Maildir is made when it is missing, for its owner alone" {
    printf 'From: a\n\nbody\n' | deliver
    [ "$(find box -type f | wc -l)" = 1 ]
    diff box/new/* <(printf 'From: a\n\nbody\n')
    [ "$(stat -c %a box box/tmp box/new box/cur box/new/* | tr '\n' ' ')" = '700 700 700 700 600 ' ]
}

@test "an existing Maildir is added to" {
    mkdir -p box/cur box/new box/tmp
    for i in 1 2 3; do echo "$i" | deliver; done
    [ "$(cat box/new/* | sort | tr -d '\n')" = 123 ]
}

@test "a message of any octets and length comes out as it went in" {
    head -c 3000001 /dev/urandom >message
    deliver <message
    cmp message box/new/*
}

@test "the message, its directory and what was made are synced before the exit" {
    echo x | traced -f -o trace -e trace=openat,open,fsync,rename,renameat,renameat2 "$MAILDIR_DELIVER" box
    # The last three steps: sync the file, move it, sync new/.
    grep -vE 'exited|resumed' trace | grep -E 'fsync|rename' | tail -3 | sed -E 's/^[0-9]+ +//; s/\(.*//; s/at2?$/at/' |
        diff - <(printf 'fsync\nrenameat\nfsync\n')
}

@test "maildir-deliver exits 75 after trouble and leaves nothing of the message" {
    status_of() { status=0; "$@" 2>errors </dev/null || status=$?; echo "$status"; }
    mkdir -p box/new box/tmp box/cur
    touch file
    [ "$(status_of deliver file)" = 75 ]
    [ "$(status_of deliver missing/box)" = 75 ]
    grep -q '^maildir-deliver: missing/box: No such file or directory$' errors
    for call in fsync:error=EIO:when={1,2,3,4} write:error=ENOSPC renameat:error=EXDEV getrandom:error=EIO; do
        status=0
        echo x | traced -o trace -e inject="$call" "$MAILDIR_DELIVER" box 2>errors || status=$?
        [ "$status" = 75 ] || { echo "$call: $status"; return 1; }
        [ -z "$(find box -type f)" ] || { echo "$call: left"; find box; return 1; }
    done
    [ "$("$MAILDIR_DELIVER" box <. 2>errors || echo $?)" = 75 ]
    (
        ulimit -f 1
        status=0
        head -c 100000 /dev/zero | "$MAILDIR_DELIVER" box 2>errors || status=$?
        [ "$status" = 75 ]
    )
    [ -z "$(find box -type f)" ]
}

@test "a close(2) of the message that fails is trouble, that of a file only read is not" {
    local number status troubles=0
    for number in $(seq 20); do
        rm -rf box
        status=0
        echo x | traced -o trace -e inject="close:error=EDQUOT:when=$number" "$MAILDIR_DELIVER" box 2>errors || status=$?
        if [ "$status" = 75 ]; then
            troubles=$((troubles + 1))
            grep -qi '^maildir-deliver: .*quota exceeded' errors
            [ -z "$(find box -type f)" ]
        elif [ "$status" != 127 ]; then # the loader's own
            [ "$status" = 0 ]
            [ "$(find box/new -type f | wc -l)" = 1 ]
        fi
    done
    [ "$troubles" = 3 ] # the Maildir, what it is in, and the message
}

@test "files that killed deliveries left in tmp/ are removed after 36 hours, and nothing else" {
    local old new
    old=$(date -d '-37 hours' +%s) new=$(date -d '-35 hours' +%s)
    mkdir -p box/{cur,new,tmp}/folder
    for directory in cur new tmp; do
        touch -d '-37 hours' box/$directory/{"$old.M1P1.host",left,.hidden,"$new.M1P1.host",folder}
        touch -d '-35 hours' "box/$directory/$old.M2P2.host" box/$directory/late
        touch -a -d '-37 hours' "box/$directory/$old.M3P3.host"
        touch -m -d '-37 hours' "box/$directory/$old.M4P4.host"
        ln -s ../cur/left "box/$directory/link"
        touch -h -d '-37 hours' "box/$directory/link"
    done
    (cd box && find . | sort) >before
    echo x | deliver
    rm "$(grep -lx x box/new/*)"
    (cd box && find . | sort) | diff before - >gone || true
    sed -n 's/^[<>] //p' gone | diff - <(printf './tmp/%s\n' "$old.M1P1.host")
}

@test "files whose names no delivery made are not removed from tmp/" {
    mkdir -p box/{cur,new,tmp}
    touch -d '3 days ago' box/tmp/{left,keys.gpg,1000000000,2024.report,M1000000000.host,1000000000-1.host}
    echo x | deliver
    [ "$(find box/tmp -type f | wc -l)" = 6 ]
}

@test "if tmp/ is a link, messages are delivered through it, and no file is removed" {
    mkdir -p other box/{cur,new}
    touch -d '3 days ago' other/{keys.gpg,1000000000.mail}
    ln -s ../other box/tmp
    echo x | deliver
    [ "$(find box/new -type f | wc -l)" = 1 ]
    [ "$(find other -type f | wc -l)" = 2 ]
}

@test "if tmp/ is somebody else's than the Maildir, no file of it is removed" {
    needs_root 'make directories for others'
    mkdir -p box/{cur,new,tmp}
    chown daemon box/tmp
    touch -d '3 days ago' box/tmp/1000000000.mail
    echo x | deliver
    [ -e box/tmp/1000000000.mail ]
}

@test "if nothing was left in tmp/, no file of it is opened" {
    mkdir -p box/{cur,new,tmp}
    for i in $(seq 50); do touch "box/tmp/$(date +%s).M${i}P1.host"; done
    echo x | traced -o trace -e trace=getdents64,newfstatat,fstat,unlinkat "$MAILDIR_DELIVER" box
    refute grep -e '\.host"' -e unlinkat trace
    grep -q getdents64 trace
}

@test "if thousands of files were left in tmp/, each delivery removes some" {
    mkdir -p box/{cur,new,tmp}
    (cd box/tmp && seq -f 1000000000.%g 2500 | xargs touch -d '-2 days')
    for left in 1502 504 0; do # . and .. are among those that are looked at
        echo x | deliver
        [ "$(find box/tmp -type f | wc -l)" -le "$left" ]
    done
}

@test "maildir-deliver --help tells how it is called, and delivers nothing" {
    for option in --help -h; do
        "$MAILDIR_DELIVER" "$option" </dev/null >said 2>errors
        [ "$(head -1 said)" = 'usage: maildir-deliver DIRECTORY' ]
        [ ! -s errors ]
        [ ! -e "./$option" ]
    done
    refute "$MAILDIR_DELIVER" --help >/dev/full
}

@test "maildir-deliver with wrong arguments exits 64, and tells how it is called" {
    for arguments in '' 'a b' --wrong -x '--help a'; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        "$MAILDIR_DELIVER" $arguments </dev/null 2>errors || status=$?
        [ "$status" = 64 ]
        diff - errors <<<'usage: maildir-deliver DIRECTORY'
        [ ! -e ./--wrong ]
    done
    status=0
    "$MAILDIR_DELIVER" '' </dev/null 2>errors || status=$?
    [ "$status" = 64 ]
}

@test "a hundred maildir-deliver at once lose and mix nothing" {
    for i in $(seq 100); do
        head -c $((i * 1000)) /dev/zero | tr '\0' "\\$(printf %o $((33 + i % 90)))" | deliver &
    done
    wait
    [ "$(find box/new -type f | wc -l)" = 100 ]
    [ -z "$(ls -A box/tmp)" ]
    for i in $(seq 100); do echo $((i * 1000)); done | sort -n | diff - <(find box/new -type f -printf '%s\n' | sort -n)
    for file in box/new/*; do [ "$(tr -s '!-z' <"$file" | wc -c)" = 1 ]; done
}

@test "maildir-deliver killed at any system call leaves no partial message in new/, and a retry works" {
    head -c 200000 /dev/zero | tr '\0' x >message
    local call number status kills=0
    for call in mkdir chdir openat getrandom read write fsync close renameat exit_group; do
        for number in $(seq 100); do
            rm -rf box
            status=0
            traced -o trace -e inject="$call:signal=KILL:when=$number" "$MAILDIR_DELIVER" box <message 2>errors || status=$?
            find box/new -type f -print0 2>/dev/null | xargs -0r -n 1 cmp message
            "$MAILDIR_DELIVER" box <message
            [ "$status" = 137 ] || break
            kills=$((kills + 1))
        done
    done
    echo "$kills kills"
    [ "$kills" -gt 20 ]
}

@test "a full disk defers the message, through the handler" {
    delivery=("$MAILDIR_DELIVER" file)
    touch file
    one_message | sed 's/$/\r/' | handler >replies
    from_wire <replies | without_ids | grep -qx '451 4.3.0 Local error in processing, try again later, id ID'
    grep -q 'command id=.* text="maildir-deliver: file: ' log
}
