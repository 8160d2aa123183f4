load helper

# The rules of the two wings, read off the sources and the objects.

objects_of() {
    make -s -C "$top" -f - print <<EOF
include Makefile
print:
	@echo \$($1)
EOF
}

@test "the session calls mem*, str* and the assert hook alone" {
    cd "$top/build/release"
    # shellcheck disable=SC2046 # a list
    ld -r -o "$BATS_TEST_TMPDIR/session.o" $(objects_of SESSION)
    nm -u "$BATS_TEST_TMPDIR/session.o" | awk '{ print $2 }' >"$BATS_TEST_TMPDIR/symbols"
    grep -q memcpy "$BATS_TEST_TMPDIR/symbols"
    refute grep -vE '^(mem[a-z]*|str[a-z]*|__assert_fail)$' "$BATS_TEST_TMPDIR/symbols"
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
    cat handler/*.c smtp-handler.c | grep -v '^#include' | refute grep -nE 'session(->|\.)[a-z]'
    # It sees the machine through session.h alone.
    refute grep -nE '#include "(\.\./)?session/' handler/*.[ch] smtp-handler.c
}

@test "only the program and the handler include from the handler" {
    cd "$top"
    refute grep -nE '#include ".*handler/' session.[ch] session/*.[ch] helpers/*.c
}

@test "libsystemd is named in one place" {
    cd "$top"
    [ "$(grep -lE '#include <systemd/|libsystemd\.so' handler/*.[ch] session/*.[ch] helpers/*.c ./*.[ch])" = handler/systemd.c ]
}

@test "libidn2 is named in one place" {
    cd "$top"
    [ "$(grep -lE '#include <idn2|libidn2\.so' handler/*.[ch] session/*.[ch] helpers/*.c ./*.[ch])" = handler/idn.c ]
}

@test "libseccomp is named in one place, which is not linked" {
    cd "$top"
    [ "$(grep -lE '#include <seccomp' handler/*.[ch] session/*.[ch] helpers/*.c ./*.[ch])" = handler/filter.c ]
    ldd "$SMTP_HANDLER" | refute grep libseccomp
}

@test "a TLS library is named in the relay alone" {
    cd "$top"
    [ "$(grep -lE '#include <(tls\.h|openssl/)' handler/*.[ch] session/*.[ch] helpers/*.c ./*.[ch])" = helpers/tls-relay.c ]
    # shellcheck disable=SC2086 # of whichever build
    ldd "$SMTP_HANDLER" | refute grep -E 'lib(tls|ssl|crypto)\.'
}

@test "the handler writes no reply line" {
    cd "$top"
    refute grep -nE '"[245][0-9][0-9][ -]' handler/*.c smtp-handler.c
}

@test "no file is over 700 lines and no function over 60" {
    cd "$top"
    for file in ./*.[ch] session/*.[ch] handler/*.[ch] helpers/*.c; do
        [ "$(wc -l <"$file")" -le 700 ] || { echo "$file"; return 1; }
        awk -v file="$file" '/^[a-z_].*\(/ && !/;$/ { start = NR } /^}/ && start { if (NR - start > 59) { print file ":" start; exit 1 } start = 0 }' "$file"
    done
}
