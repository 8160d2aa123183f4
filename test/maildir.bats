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

@test "trouble exits 75 and leaves nothing of the message" {
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

@test "wrong arguments exit 64" {
    for arguments in '' 'a b'; do
        status=0
        # shellcheck disable=SC2086 # words are meant
        "$MAILDIR_DELIVER" $arguments </dev/null 2>errors || status=$?
        [ "$status" = 64 ]
    done
    status=0
    "$MAILDIR_DELIVER" '' </dev/null 2>errors || status=$?
    [ "$status" = 64 ]
}

@test "a hundred writers at once lose and mix nothing" {
    for i in $(seq 100); do
        head -c $((i * 1000)) /dev/zero | tr '\0' "\\$(printf %o $((33 + i % 90)))" | deliver &
    done
    wait
    [ "$(find box/new -type f | wc -l)" = 100 ]
    [ -z "$(ls -A box/tmp)" ]
    for i in $(seq 100); do echo $((i * 1000)); done | sort -n | diff - <(find box/new -type f -printf '%s\n' | sort -n)
    for file in box/new/*; do [ "$(tr -s '!-z' <"$file" | wc -c)" = 1 ]; done
}

@test "killed at any system call, it leaves no partial message in new/, and a second try works" {
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
    from_wire <replies | without_ids | grep -qx '451 4.3.0 Trouble here, try again later, id ID'
    grep -q 'command id=.* text="maildir-deliver: file: ' log
}
