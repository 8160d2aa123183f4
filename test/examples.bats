load helper

# What lies in examples/, run as its readers would.

# with_program COMMAND...: finds our program in front of others; its output in the file `said`.
with_program() {
    PATH=$(dirname "$SMTP_HANDLER"):$PATH "$@" >said 2>&1 || { cat said; return 1; }
}

@test "the tests of mail.bats pass, with a server each" {
    with_program bats --tap "$top/examples/mail.bats"
    [ "$(grep -c '^ok ' said)" = 2 ]
}

@test "the tests of test_mail.py pass, with the fixture" {
    with_program env PYTHONDONTWRITEBYTECODE=1 pytest-3 -q -p no:cacheprovider "$top/examples/test_mail.py"
    grep -q '^2 passed' said
}

@test "without a program that can run, both say why" {
    mkdir bin
    printf '#!/bin/sh\necho "smtp-handler: no luck" >&2\nexit 78\n' >bin/smtp-handler
    chmod +x bin/smtp-handler
    SMTP_HANDLER=$PWD/bin/smtp-handler
    refute with_program bats --tap "$top/examples/mail.bats"
    grep -q 'no luck' said
    refute with_program env PYTHONDONTWRITEBYTECODE=1 pytest-3 -q -p no:cacheprovider "$top/examples/test_mail.py"
    grep -q 'AssertionError: smtp-handler: no luck' said
}
