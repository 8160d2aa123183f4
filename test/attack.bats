load helper

# A session process that was taken over (test/drill/attack.c) gains nothing.

attacked=$top/build/attack/smtp-handler

# attacks NAME [OPTION...]: what the client hears, in `heard`, what the log says, in `log`, and the
# exit status, in $status.
attacks() {
    status=0
    ATTACK=$1 timeout 60 "$attacked" --log stderr "${@:2}" sh -c 'cat >>delivered' \
        >heard 2>log <in || status=$?
}

# seen_through NAME [OPTION...]: nothing was had, and nothing delivered.
seen_through() {
    attacks "$@"
    refute grep -a SUCCEEDED heard
    [ ! -e captured ]
    [ ! -e delivered ]
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    printf 'QUIT\r\n' >in
}

@test "a session process that was not taken over serves as ever" {
    "$attacked" true <in >heard
    grep -q '^220 ' heard
    grep -q '^221 ' heard
}

@test "without the sandbox the attacks on the kernel would succeed" {
    for attack in open create connect fork signal 'map code'; do
        attacks "$attack" --no-sandbox
        grep -q SUCCEEDED heard || { echo "$attack"; return 1; }
    done
    [ -e captured ]
    attacks execute --no-sandbox
    grep -q SUCCEEDED heard
}

@test "it can neither open, create, execute, connect, fork, trace, signal nor map code" {
    for attack in open create execute connect 'send elsewhere' fork trace signal 'map code' \
        'read parent'; do
        seen_through "$attack"
        [ ! -s heard ] || { echo "$attack: $(cat heard)"; return 1; }
        [ "$status" = 70 ]
        grep -q 'trouble text="the session process was ended by signal 31"' log
    done
}

# distrusted NAME WORDS [OPTION...]: nor said, and the log has the words.
distrusted() {
    seen_through "$1" "${@:3}"
    [ ! -s heard ] || { echo "$1: $(cat heard)"; return 1; }
    [ "$status" = 70 ]
    grep -qF "the session process is not to be trusted: $2" log ||
        { echo "$1: $(cat log)"; return 1; }
}

@test "a record of another size, or of no sense, ends the connection" {
    distrusted short 'a record of another size'
    distrusted long 'a record of another size'
    distrusted unknown 'a record that is none'
}

@test "a record out of its order ends the connection" {
    distrusted 'deliver at once' 'a record out of its order'
    distrusted 'deliver nothing' 'a record out of its order'
    distrusted 'deliver elsewhere' 'a record out of its order'
}

@test "a recipient that is not ours is not accepted for being called certain" {
    distrusted 'be certain' 'what is not so is called certain'
}

@test "what was not stored, or is not meant for them, is not delivered" {
    distrusted 'claim more' 'a message that was not stored so'
    distrusted 'deliver to all' 'a delivery to others than are meant'
    distrusted 'claim trace' 'more trace than there may be'
}

@test "values beyond their bounds end the connection" {
    distrusted 'forge lines' 'a recipient that is none'
    distrusted 'make long' 'a recipient that is none'
}

@test "an address is one by the grammar, or ends the connection" {
    distrusted 'name two' 'a recipient that is none'
    distrusted 'name no literal' 'a recipient that is none'
}

@test "a message does not change while it is delivered" {
    distrusted 'change later' 'a message that can still be written to'
}

@test "nor does one in memory, not even where no sandbox forbids to map it" {
    attacks 'write to memory'
    [ "$(cat heard)" = FAILED ]
    attacks 'change memory' --no-sandbox
    [ "$(cat heard)" = FAILED ]
    [ "$(tail -c 1 delivered)" = x ]
    rm delivered
    seen_through 'change mapped memory' --no-sandbox
    grep -q FAILED heard
}

@test "the log is told no lie" {
    distrusted 'claim success' 'a delivery that was none'
    distrusted 'forge log' 'a record out of its order'
    refute grep FORGED log
}

@test "memory takes no more than its share" {
    seen_through 'fill memory'
    grep -q FAILED heard
}

@test "nobody becomes somebody without a proxy or a password" {
    distrusted 'pretend to be a proxy' 'XCLIENT of somebody who may not say it'
    distrusted 'guess passwords' 'credentials that nobody asked for'
    distrusted 'guess passwords' 'credentials that nobody asked for' --auth true
}

@test "no answer is heard but one that was given" {
    distrusted 'hear nothing' 'an answer heard that there was not' --done-list list
}

@test "floods of records end the connection" {
    distrusted flood 'more messages than may be'
    distrusted 'flood unheard' 'no answer is taken' --max-messages 100000
    distrusted 'flood with refused' 'more errors than may be'
    distrusted 'flood with status' 'too many words on what it does'
}

# on_old_kernel OPTION...: as where the kernel has no Landlock.
on_old_kernel() {
    status=0
    strace -f -qq -o trace -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS \
        "$attacked" --log stderr "$@" true <in >heard 2>log || status=$?
}

@test "a kernel that cannot confine it is told of once, and borne" {
    on_old_kernel
    grep -q '^221 ' heard
    [ "$status" = 0 ]
    grep -q 'connection .* unconfined=Landlock ' log
    refute grep trouble log
}

@test "a kernel that cannot confine it serves nobody with --require-sandbox" {
    on_old_kernel --require-sandbox
    grep -q '^421 4.3.5 ' heard
    [ "$status" = 71 ]
    [ "$(cat log)" = 'smtp-handler: trouble text="the sandbox lacks Landlock"' ]
}
