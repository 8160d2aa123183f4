load helper
load peers
load tls

# The password program reads what clients say, and is confined; what it costs tells nothing of the names.

setup_file() {
    make_pairs mx
    echo "alice:$(hashed secret)" >"$BATS_FILE_TMPDIR/users"
}

@test "password-check is confined while it checks" {
    needs_root 'look into a process that hides'
    traced -f -o trace -e trace=read,prctl,prlimit64,landlock_restrict_self \
        sh -c 'printf "alice\0secret\0now\0" | "$0" "$1" 3<&0 </dev/null' "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users"
    sed -n '/PR_SET_SECCOMP, SECCOMP_MODE_FILTER.* = 0/,$p' trace >behind
    grep -q 'read(3, "alice' behind
    grep -q 'read([0-9]*, "alice:' behind
    for call in 'PR_SET_NO_NEW_PRIVS, 1' 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE' 'PR_SET_PDEATHSIG, SIGKILL' \
        landlock_restrict_self 'RLIMIT_NPROC, {rlim_cur=0, rlim_max=0}' 'RLIMIT_CORE, {rlim_cur=0, rlim_max=0}' \
        'RLIMIT_CPU, {rlim_cur=60, rlim_max=60}' 'RLIMIT_FSIZE, {rlim_cur=0, rlim_max=0}'; do
        grep -F "$call" trace | grep -q ' = 0' || { echo "$call"; return 1; }
    done
}

@test "other processes of the user cannot open what password-check reads, from its first step on" {
    needs_root 'look into a process that hides'
    traced -f -o trace -e trace=openat,prctl,close,wait4 \
        sh -c 'printf "alice\0secret\0now\0" | exec "$0" "$1" 3<&0 </dev/null' "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users"
    local parent
    parent=$(sed -nE 's/^([0-9]+) +openat\(.*\/users".*/\1/p' trace)
    sed -n "s/^$parent *//p" trace | grep -oE '^prctl\(PR_SET_DUMPABLE, SUID_DUMP_DISABLE|^openat\(.*/users"|^close\(3[ )]|^wait4' |
        sed -E 's/[( ].*//' | uniq | tail -4 | diff - <(printf '%s\n' prctl openat close wait4)
}

@test "the environment can tell password-check not to confine itself" {
    printf 'alice\0secret\0now\0' | SMTP_HANDLER_SANDBOX=off traced -f -o trace -e trace=prctl \
        "$PASSWORD_CHECK" "$BATS_FILE_TMPDIR/users" 3<&0 </dev/null
    refute grep SECCOMP trace
}

# old: a password program that finds a kernel without Landlock.
old() {
    printf '#!/bin/sh\nexec env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null %s %s "$@"\n' \
        '-e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS' "$PASSWORD_CHECK" >old
    chmod +x old
}

@test "a kernel that cannot confine the password program is logged with the connection, and AUTH goes on" {
    old
    serve --auth "$PWD/old $BATS_FILE_TMPDIR/users"
    client <<'END'
client = Client(port)
client.starttls()
client.expect("535", "AUTH PLAIN AGFsaWNlAHdyb25n")
client.expect("235", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
assert client.send_message().startswith("250")
client.expect("221", "QUIT")
END
    eventually grep -q 'connection .* unconfined=password:Landlock ' background
    refute grep trouble background
    refute grep -a SMTP_HANDLER_SANDBOX "$KEPT/1.environment"
}

@test "with --require-sandbox a password program that cannot be confined accepts nobody" {
    old
    serve --require-sandbox --auth "$PWD/old $BATS_FILE_TMPDIR/users"
    client <<'END'
client = Client(port)
client.starttls()
client.expect("454 4.7.0 ", "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
client.expect("221", "QUIT")
END
    grep -q 'the kernel cannot confine it' background
    grep -q "password program $PWD/old: exit 111" background
}

# cost NAME: the octets that are read of the file, and the calls of crypt, for a wrong password.
cost() {
    printf '%s\0wrong\0now\0' "$1" | ATTACK=count SMTP_HANDLER_SANDBOX=off strace -qq -o trace -P "$PWD/many" -e trace=read \
        "$top/build/attack/helpers/password-check" many 3<&0 </dev/null 2>counted || [ $? = 1 ]
    echo "$(awk '{ octets += $NF } END { print octets }' trace) octets, $(grep -c crypt counted) calls"
}

@test "unknown, first, last, locked and unusable names cost the same octets and calls" {
    needs_root 'look into a process that hides'
    hash=$(hashed x)
    {
        printf 'unusable:x\nlocked:!%s\n' "$hash"
        printf 'user%d:'"$hash"'\n' $(seq 2000)
    } >many
    for name in unknown user1 user2000 locked unusable; do
        [ "$(cost "$name")" = "$(wc -c <many) octets, 1 calls" ] || { echo "$name: $(cost "$name")"; return 1; }
    done
}

@test "for an unknown name, or an unusable hash, a hash that can be computed is computed" {
    printf '%s\n' 'unusable:x' "slow:$(hashed x '$6$rounds=300000$saltsalt')" >users
    python3 - "$PASSWORD_CHECK" <<'END'
import os, resource, subprocess, sys
def seconds(name):
    read_end, write_end = os.pipe()
    os.write(write_end, name + b"\0wrong\0now\0")
    os.close(write_end)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert subprocess.call(["sh", "-c", 'exec "$0" users 3<&0 </dev/null', sys.argv[1]], stdin=read_end) == 1
    os.close(read_end)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
slow = min(seconds(b"slow") for _ in range(3))
for name in b"unknown", b"unusable":
    assert min(seconds(name) for _ in range(3)) > slow / 2, name
END
}
