load helper

# The rules of the house, read off the sources and the objects.

# objects_of LIST...: what the Makefile's lists hold.
objects_of() {
    make -s -C "$top" -f - print <<END
include Makefile
print:
	@echo $(printf '$(%s) ' "$@")
END
}

# sources ROOM...: the C files of these rooms, and of those below.
sources() {
    find "$@" -name '*.[ch]'
}

# includes ROOM...: for each include of ours there, the file and what it includes.
includes() {
    sources "$@" | xargs grep -HoE '^#include "[^"]+"' | sed -E 's/:#include "(.*)"$/ \1/'
}

# names_nothing ROOM OTHER...: no file of the room includes one of the others'.
names_nothing() {
    includes "$1" | refute grep -E " (${2}${3:+|$3}${4:+|$4}${5:+|$5}${6:+|$6})"
}

@test "the session calls mem*, str* and the assert hook alone" {
    cd "$top/build/release"
    # shellcheck disable=SC2046 # a list
    ld -r -o "$BATS_TEST_TMPDIR/session.o" $(objects_of SESSION)
    nm -u "$BATS_TEST_TMPDIR/session.o" | awk '{ print $2 }' >"$BATS_TEST_TMPDIR/symbols"
    grep -q memcpy "$BATS_TEST_TMPDIR/symbols"
    refute grep -vE '^(_*(mem|str)[a-z]*(_chk)?|__stack_chk_fail|__assert_fail)$' "$BATS_TEST_TMPDIR/symbols"
}

@test "the session keeps no changing static variable" {
    cd "$top/build/release"
    # shellcheck disable=SC2046 # a list
    size -A $(objects_of SESSION) >"$BATS_TEST_TMPDIR/sections"
    grep -q '^\.text' "$BATS_TEST_TMPDIR/sections"
    awk '/^\.(data|bss) / && $2 > 0 { print; bad = 1 } END { exit bad }' "$BATS_TEST_TMPDIR/sections"
}

@test "the handler never reads a field of the session" {
    cd "$top"
    sources handler smtp-handler.c | xargs cat | grep -v '^#include' | refute grep -nE 'session(->|\.)[a-z]'
}

@test "the handler sees the session through session.h, session/text/, and the grammars that know no session" {
    cd "$top"
    includes handler smtp-handler.c | grep ' session/' |
        refute grep -vE ' session/(text/.*|address|parameter|auth|proxy|trace|field|errors)\.h$'
    # Those judge one value each, or a field of the header, in the runner.
    includes handler | grep -E ' session/(parameter|auth|field)\.h$' | refute grep -v '^handler/runner/'
}

@test "the session names nothing of the handler, and session/text nothing of ours" {
    cd "$top"
    [ "$(includes session session.c session.h | wc -l)" -gt 50 ]
    includes session session.c session.h | refute grep ' handler/'
    includes session/text | refute grep -v ' session/text/'
}

@test "the frontend names nothing of the runner, and known.c alone what the runner asks and runs" {
    cd "$top"
    names_nothing handler/frontend handler/runner/ handler/listener/
    includes handler/frontend | grep -E ' handler/(verdict|delivery)/' | refute grep -v '^handler/frontend/known\.'
}

@test "the runner names nothing of the frontend, nor of the listener" {
    cd "$top"
    names_nothing handler/runner handler/frontend/ handler/listener/
}

@test "the listener names nothing of the other processes, nor of what the runner asks and runs" {
    cd "$top"
    names_nothing handler/listener handler/frontend/ handler/runner/ handler/verdict/ handler/delivery/
}

@test "what the runner asks and runs names no process, nor the boundary" {
    cd "$top"
    names_nothing handler/verdict handler/runner/ handler/frontend/ handler/listener/ handler/boundary/
    names_nothing handler/delivery handler/runner/ handler/frontend/ handler/listener/ handler/boundary/
}

@test "the boundary names no room" {
    cd "$top"
    names_nothing handler/boundary handler/runner/ handler/frontend/ handler/listener/ handler/verdict/
    names_nothing handler/boundary handler/delivery/
}

@test "what every process may use names no room but the options" {
    cd "$top"
    includes handler | grep -E '^handler/[a-z-]+\.[ch] .* handler/[a-z]+/' | refute grep -v ' handler/options/'
}

@test "what is checked before a client is served is named by nobody but main" {
    cd "$top"
    includes handler helpers | grep ' handler/start/' | refute grep -v '^handler/start/'
}

@test "the helpers share with the handler what confines them, and nothing else" {
    cd "$top"
    includes helpers | grep ' handler/' | refute grep -vE ' handler/(confine\.h|filter-[a-z]+\.inc)$'
    [ "$(includes handler/confine.h handler/confine.c)" = 'handler/confine.c handler/confine.h' ]
}

@test "no includes go in a circle" {
    cd "$top"
    includes session session.c session.h handler helpers smtp-handler.c | sed -E 's/\.[ch]\b//g' | grep -v '\.inc$' |
        awk '$1 != $2' | tsort >/dev/null
}

@test "no calls between files go in a circle" {
    cd "$top/build/release"
    # shellcheck disable=SC2046 # a list
    nm -o $(objects_of SESSION HANDLER) | sed 's/:[0-9a-f]* */ /' |
        awk '$2 ~ /^[TDBRC]$/ { home[$3] = $1 } $2 == "U" { calls[$1, $3] }
            END {
                for (call in calls) {
                    split(call, part, SUBSEP)
                    if (part[2] in home && home[part[2]] != part[1])
                        print part[1], home[part[2]]
                }
            }' | sort -u | tsort >/dev/null
}

# named_in FILE REGEX: it alone has a line like that.
named_in() {
    [ "$(sources session handler helpers ./*.[ch] | xargs grep -lE "$2")" = "$1" ]
}

@test "libsystemd is named in one place" {
    cd "$top"
    named_in handler/systemd.c '#include <systemd/|libsystemd\.so'
}

@test "libidn2 is named in one place" {
    cd "$top"
    named_in handler/verdict/idn.c '#include <idn2|libidn2\.so'
}

@test "libseccomp is named in one place, which is not linked" {
    cd "$top"
    named_in handler/filter.c '#include <seccomp'
    ldd "$SMTP_HANDLER" | refute grep libseccomp
}

@test "a TLS library is named in the relay alone" {
    cd "$top"
    sources session handler helpers ./*.[ch] | xargs grep -lE '#include <(tls\.h|openssl/)' |
        refute grep -v '^helpers/tls-relay/'
    # shellcheck disable=SC2086 # of whichever build
    ldd "$SMTP_HANDLER" | refute grep -E 'lib(tls|ssl|crypto)\.'
}

@test "the handler writes no reply line" {
    cd "$top"
    sources handler smtp-handler.c | xargs cat | refute grep -nE '"[245][0-9][0-9][ -]'
}

@test "no file is over 400 lines and no function over 45" {
    cd "$top"
    for file in $(sources session handler helpers ./*.[ch]); do
        [ "$(wc -l <"$file")" -le 400 ] || { echo "$file"; return 1; }
        awk -v file="$file" '/^[a-z_].*\(/ && !/;$/ { start = NR }
            /^}/ && start { if (NR - start > 44) { print file ":" start; exit 1 } start = 0 }' "$file"
    done
}
