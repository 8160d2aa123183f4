load helper

# How the programs of `make` and of STATIC=yes are built, read off the files.

ordinary=(smtp-handler helpers/{lmtp-deliver/lmtp-deliver,maildir-deliver,milter-filter/milter-filter,password-check,tls-relay/tls-relay})
static=(build/static/{smtp-handler,helpers/{lmtp-deliver/lmtp-deliver,maildir-deliver,milter-filter/milter-filter,tls-relay/tls-relay}})

# In the tree that was built, whatever it is called.
setup() {
    cd "$top" || return
    unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS
}

# each WHAT PROGRAM...: fails, and names the program, if WHAT does not hold for one.
each() {
    local program
    for program in "${@:2}"; do
        "$1" "$program" || {
            echo "not so: $1 $program"
            return 1
        }
    done
}

lies_anywhere() {
    readelf -hdW "$1" >"$BATS_TEST_TMPDIR/elf"
    grep -Eq '^ *Type: +DYN ' "$BATS_TEST_TMPDIR/elf" && grep -q 'FLAGS_1.* PIE' "$BATS_TEST_TMPDIR/elf"
}

@test "every program lies at an address that nobody foresees, the static ones, too" {
    each lies_anywhere "${ordinary[@]}" "${static[@]}"
}

needs_no_interpreter() {
    ! readelf -lW "$1" | grep -q INTERP
}

@test "the static programs map no other file" {
    each needs_no_interpreter "${static[@]}"
}

is_bound_before_main() {
    readelf -dW "$1" | grep -q 'FLAGS_1.* NOW' && readelf -lW "$1" | grep -q GNU_RELRO
}

@test "in every program all symbols are bound before main, and read-only from then on" {
    each is_bound_before_main "${ordinary[@]}" "${static[@]}"
}

has_no_executable_stack() {
    readelf -lW "$1" | grep -q 'GNU_STACK .* RW  '
}

@test "no program has a stack that can be executed" {
    each has_no_executable_stack "${ordinary[@]}" "${static[@]}"
}

# What each file was compiled with, as the compiler has put it down; musl is not ours.
is_compiled_hard() {
    local flag
    readelf --debug-dump=info --dwarf-depth=1 "$1" | grep 'DW_AT_producer.*GNU C11' >"$BATS_TEST_TMPDIR/producers"
    for flag in -fstack-protector-strong -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero; do
        refute grep -v -e " $flag" "$BATS_TEST_TMPDIR/producers" || return
    done
}

@test "every file is compiled so that a fault in it is hard to use" {
    each is_compiled_hard "${ordinary[@]}" "${static[@]}"
}

looks_at_its_stack() {
    nm "$1" | grep -q ' __stack_chk_fail'
}

@test "every program ends when its stack is written over, and checks what it copies if libc can" {
    each looks_at_its_stack "${ordinary[@]}" "${static[@]}"
    nm -D smtp-handler | grep -q ' __[a-z]*_chk@'
}

@test "the builder's flags win: of two fortifications his, and none if nothing is optimized" {
    local fortified=-D_FORTIFY_SOURCE=3
    ask() {
        rm -rf "$BATS_TEST_TMPDIR/build"
        (cd "$BATS_TEST_TMPDIR" && make -s -f "$top/Makefile" build/release/hardening "$@" && cat build/release/hardening)
    }
    ask | grep -qxe "$fortified"
    ask CPPFLAGS=-D_FORTIFY_SOURCE=2 | refute grep -qxe "$fortified"
    ask CFLAGS='-O2 -D_FORTIFY_SOURCE=2' | refute grep -qxe "$fortified"
    ask CFLAGS=-O0 | refute grep -qxe "$fortified"
    ask CFLAGS=-O0 | grep -qxe -fstack-protector-strong
    # A compiler that warns anyway, and one that knows no hardening.
    ask CFLAGS='-O2 -Wno-such -Wall -include string.h -D_FORTIFY_SOURCE' | grep -qxe -fPIE
    printf '#!/bin/sh\ncase " $* " in *" -f"*) exit 1 ;; esac\nexec cc "$@"\n' >"$BATS_TEST_TMPDIR/old-cc"
    chmod +x "$BATS_TEST_TMPDIR/old-cc"
    [ "$(ask CC="$BATS_TEST_TMPDIR/old-cc")" = "$fortified" ]
}

@test "if a static program can only lie at a fixed address, make says so" {
    printf '#!/bin/sh\ncase "$*" in *static-pie* | *-pie,* | *-\\#*) exit 1 ;; esac\nexec musl-gcc "$@"\n' >"$BATS_TEST_TMPDIR/old-musl"
    chmod +x "$BATS_TEST_TMPDIR/old-musl"
    cd "$BATS_TEST_TMPDIR"
    make -s -f "$top/Makefile" build/static/first MUSL_CC="$PWD/old-musl" >said
    grep -q "^The static program lies at a fixed address: $PWD/old-musl " said
    [ "$(cat build/static/first)" = -static ]
}

# copy_tree DIRECTORY: what is not built.
copy_tree() {
    mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --preserve=timestamps --parents -t "$1"
}

@test "programs and package built in another folder are the same, octet for octet" {
    local again=$BATS_TEST_TMPDIR/somewhere/else program
    copy_tree "$again"
    make -s -C "$again" all "${static[@]}" deb >"$BATS_TEST_TMPDIR/built" 2>&1
    for program in "${ordinary[@]}" "${static[@]}"; do
        cmp "$program" "$again/$program"
    done
    for package in build/deb/*.deb; do
        cmp "$package" "$again/$package"
    done
    [ -e "$package" ]
}
