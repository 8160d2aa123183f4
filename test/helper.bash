# What the tests share. test/run says which build they are for:
#   SMTP_HANDLER, MAILDIR_DELIVER, SESSION_DRIVER

top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
commands=$top/test/commands
: "${SMTP_HANDLER:=$top/smtp-handler}"
: "${MAILDIR_DELIVER:=$top/helpers/maildir-deliver}"
: "${SESSION_DRIVER:=$top/build/session-driver}"

# What Debian installed, not what a user put in front of it: some of that takes a second to start.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    export KEPT=$BATS_TEST_TMPDIR/kept # commands/keep puts there what it gets
    mkdir "$KEPT"
    # The delivery command of a conversation; tests set their own.
    delivery=("$commands/keep")
    unset PROTO TCPREMOTEIP TCPREMOTEPORT TCPREMOTEHOST TCPLOCALIP REMOTE_ADDR REMOTE_PORT \
        REMOTE_HOST LISTEN_FDS LISTEN_PID NOTIFY_SOCKET JOURNAL_STREAM INVOCATION_ID \
        MAKEFLAGS MFLAGS MAKELEVEL
}

# Ends, by its own id, each process that the test started with `in_background`.
teardown() {
    end_started
}

# is_ours PROCESS: this test started it. The number of one that has ended may be another's by now.
is_ours() { grep -qsE "^PPid:[[:blank:]]($$|$BASHPID)\$" "/proc/$1/status"; }

end_started() {
    local pid
    for pid in "${started[@]}"; do
        ! is_ours "$pid" || kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# in_background COMMAND...: runs it until the test ends, its output in the file `background`.
in_background() {
    "$@" >>background 2>&1 3>&- </dev/null &
    started+=($!)
}

# patience SECONDS: what takes so long on a quiet machine takes at most here: as many times that as
# processes compete for a core.
patience() {
    local load running _
    read -r load _ _ running _ </proc/loadavg
    load=${load%.*} running=${running%/*}
    echo $(($1 * (1 + (load > running ? load : running) / $(nproc))))
}

# eventually COMMAND...: waits for up to 20 seconds, more on a busy machine, until it succeeds.
eventually() {
    local start=$SECONDS
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge $((start + 20)) ] && [ "$SECONDS" -ge $((start + $(patience 20))) ]; then
            echo "not in $((SECONDS - start)) seconds: $*"
            return 1
        fi
        sleep 0.02
    done
}

# Turns the CR LF of replies into LF; fails, loudly, on a line that ends otherwise.
from_wire() {
    LC_ALL=C awk 'BEGIN { RS = "\n" }
        !sub(/\r$/, "") || /\r/ { bad = 1; $0 = "NOT ENDED BY CR LF: " $0 }
        { print }
        END { exit bad }'
}

# readme TEXT: the block of README.md in which TEXT stands, indented there or between fences, as it is
# to be typed.
readme() {
    awk -v text="$1" 'function finish() { if (index(block, text)) printf "%s", block; block = blanks = "" }
        /^```/ { if (fenced) finish(); fenced = !fenced; next }
        fenced { block = block $0 "\n"; next }
        /^    / { block = block blanks substr($0, 5) "\n"; blanks = ""; next }
        /^$/ && block != "" { blanks = "\n"; next }
        { finish() }
        END { finish() }' "$top/README.md"
}

# manual PAGE TEXT: the literal block of a page in manual/ in which TEXT stands, as it is to be typed.
manual() {
    awk -v text="$2" '/^\.Ed/ { if (index(block, text)) printf "%s", block; inside = 0 }
        inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); block = block $0 "\n" }
        /^\.Bd -literal/ { inside = 1; block = "" }' "$top/manual/$1"
}

# copy_tree: the tree with what was built of it, in the directory `copy`.
copy_tree() {
    mkdir copy
    (cd "$top" && {
        git ls-files -z --cached --others --exclude-standard
        find build/flags build/release smtp-handler helpers -type f -print0
    } | sort -zu | xargs -0 cp --preserve=timestamps --parents -t "$BATS_TEST_TMPDIR/copy")
}

# Ids differ from run to run.
without_ids() {
    sed -E 's/id [0-9a-f]+-[0-9a-f]+-[0-9]+/id ID/'
}

# handler OPTION...: runs it, strict, under a known name; the client's octets come as they are.
handler() {
    "$SMTP_HANDLER" --hostname mx.test --domain example.org --newlines strict "$@" \
        -- "${delivery[@]}" 2>>log 3>&- 4>&-
}

# conversation OPTION...: the client says standard input, each line ended by CR LF; the replies
# must be what descriptor 4 holds, from the greeting on.
conversation() {
    sed 's/$/\r/' | raw_conversation "$@"
}

# The same, with the client's octets as they are.
raw_conversation() {
    handler "$@" >replies
    echo $? >status
    from_wire <replies | without_ids >said
    diff -u /dev/fd/4 said
}

# The status that the handler of the last conversation exited with.
exited() {
    [ "$(cat status)" = "$1" ]
}

# kept N: message N that commands/keep got; kept_environment N and kept_arguments N: what else.
kept() { cat "$KEPT/$1.message"; }
kept_environment() { tr '\0' '\n' <"$KEPT/$1.environment"; }
kept_arguments() { cat "$KEPT/$1.arguments"; }
kept_count() { find "$KEPT" -name '*.message' | wc -l; }

# check OPTION...: leaves the status of --check in $status, its standard error without_pages in $output,
# and what it says is in force in the file `checked`.
check() {
    status=0
    "$SMTP_HANDLER" --check "$@" >checked 2>found || status=$?
    output=$(without_pages <found)
}

# without_pages: standard input without the page of the manual that each line leads to; fails if one leads to none.
without_pages() {
    awk '/^smtp-handler: and [0-9]+ more$/ { print; next }
        !sub(/; see (--help or )?[a-z.-]+\([578]\)(, [A-Z -]+)?$/, "") { print "leads to no page: " $0 >"/dev/stderr"; bad = 1 }
        !bad { print } END { exit bad }'
}

# one_message RECIPIENT...: what a client says to send a small message.
one_message() {
    printf 'EHLO client.test\nMAIL FROM:<sender@example.net>\n'
    printf 'RCPT TO:<%s>\n' "${@:-user@example.org}"
    printf 'DATA\nSubject: test\n\nbody\n.\nQUIT\n'
}

# reply_to_message: the reply to the message in the last conversation, with no id.
reply_to_message() {
    sed -n '/^354/{n;p}' said
}

# deliver_by COMMAND...: sends a message to the command and prints the reply to it.
deliver_by() {
    delivery=("$@")
    one_message | sed 's/$/\r/' | handler >replies
    echo $? >status
    from_wire <replies | without_ids >said
    reply_to_message
}

# session_driver ARGUMENT: it allocates nothing, and to look for leaks through its buffers takes seconds.
session_driver() {
    ASAN_OPTIONS=detect_leaks=0 "$SESSION_DRIVER" "$@"
}

# strace(1); the leak sanitizer cannot work beneath it.
traced() {
    ASAN_OPTIONS=detect_leaks=0 strace "$@"
}

# Fails if the command succeeds; a mere "!" would not end a test.
refute() {
    if "$@"; then
        echo "should not have succeeded: $*"
        return 1
    fi
}

# needs_root WHAT: skips the test for a user who may not.
needs_root() { [ "$(id -u)" = 0 ] || skip "only root can $1"; }

# as_another COMMAND...: as a user without root's rights.
as_another() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=nobody --regid="$(id -gn nobody)" --clear-groups "$@"
    else
        "$@"
    fi
}

# A port on loopback that nobody listens on, below those that the system gives to clients. Each of a
# user's tests that run at once gets another: they take turns, by a file.
free_port() {
    local turn=/tmp/smtp-handler-port-$UID
    (
        flock 9
        read -r port <&9 || port=$((20000 + RANDOM % 12000))
        while port=$((port < 31999 ? port + 1 : 20000)) && is_listening "$port"; do :; done
        echo "$port" >"$turn"
        echo "$port"
    ) 9<>"$turn"
}

is_listening() {
    (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
