load helper

# The configuration file: what it takes, and what it says of what it does not take. The options
# themselves are in options.bats and the files of their features.

# offered_size: the size that the handler offers with the file `config`.
offered_size() {
    printf 'EHLO c\nQUIT\n' | "$SMTP_HANDLER" --config config --log none "$@" cat >replies
    from_wire <replies | sed -n 's/^250-SIZE //p'
}

# arguments_of: those that the command of the file `config` gets, one a line.
arguments_of() {
    one_message localhost@localhost | "$SMTP_HANDLER" --config config --domain '*' --log none >replies
    kept_arguments "$(kept_count)"
}

@test "a line may be written name = value, name=value, or with the hyphens of the command line" {
    for line in 'max-size 5K' 'max-size = 5K' 'max-size=5K' 'max-size =5K' $'max-size\t=\t5K' \
        '--max-size 5K' '--max-size=5K' '--max-size = 5K' '  --max-size  5K  ' 'max-size "5K"' \
        $'max-size 5K\r'; do
        printf '%s\n' "$line" >config
        [ "$(offered_size)" = 5120 ] || { echo "not taken: $line"; return 1; }
    done
    printf 'command = %s/keep = a=b\n' "$commands" >config
    arguments_of | diff - <(printf '<=>\n<a=b>\n')
    printf -- '--command=%s/keep\n' "$commands" >config
    arguments_of | diff - /dev/null
}

@test "a file may begin with the byte order mark of UTF-8" {
    printf '\357\273\277max-size 5K\r\n' >config
    [ "$(offered_size)" = 5120 ]
    printf '\357\273\277# nothing else\n' >config
    [ "$(offered_size)" = 26214400 ]
    # As cat(1) joins two of them.
    printf 'hostname a.example\n\357\273\277max-size 5K\n' >config
    [ "$(offered_size)" = 5120 ]
}

@test "a comment may follow a value, behind a blank" {
    printf 'max-size 5K # is enough\nlmtp # for Postfix\none-recipient #\n' >config
    printf 'LHLO c\nQUIT\n' | "$SMTP_HANDLER" --config config --log none cat >replies
    from_wire <replies | grep -qx '250-SIZE 5120'
    printf 'command %s/keep a#b "# c" d" #"e # f "g\n' "$commands" >config
    arguments_of | diff - <(printf '<a#b>\n<# c>\n<d #e>\n')
    printf 'hostname=mx.test\t# ours\n' >config
    offered_size
    from_wire <replies | grep -q '^220 mx.test '
}

@test "a value that is # or = alone is that character" {
    for line in 'recipient-delimiter #' 'recipient-delimiter = #' 'recipient-delimiter=#' \
        'recipient-delimiter "#" # a comment'; do
        printf '%s\ncommand %s/keep {local} {extension}\n' "$line" "$commands" >config
        one_message 'joe#x@localhost' | "$SMTP_HANDLER" --config config --log none >replies
        kept_arguments "$(kept_count)" | diff - <(printf '<joe#x>\n<x>\n') || { echo "$line"; return 1; }
    done
    for line in 'recipient-delimiter =' 'recipient-delimiter = =' 'recipient-delimiter==' \
        'recipient-delimiter "="'; do
        printf '%s\ncommand %s/keep {local} {extension}\n' "$line" "$commands" >config
        one_message 'joe=x@localhost' | "$SMTP_HANDLER" --config config --log none >replies
        kept_arguments "$(kept_count)" | diff - <(printf '<joe=x>\n<x>\n') || { echo "$line"; return 1; }
    done
}

@test "a value within double quotes is what stands between them" {
    mkdir 'a # b'
    printf 'recipients "a # b/list"\nspool "a # b"\n' >config
    echo joe@localhost >'a # b/list'
    one_message joe@localhost | "$SMTP_HANDLER" --config config "$commands/keep" >replies
    [ "$(kept_count)" = 1 ]
    printf 'recipients a" # "b/list\n' >config
    mkdir 'a" # "b'
    echo joe@localhost >'a" # "b/list'
    one_message joe@localhost | "$SMTP_HANDLER" --config config "$commands/keep" >replies
    [ "$(kept_count)" = 2 ]
}

# says TEXT [OPTION...]: with the file on standard input, a client gets 421, and standard error has
# TEXT alone; --check says it as well.
says() {
    local text=$1
    shift
    cat >c.conf
    status_got=0
    printf 'QUIT\r\n' | "$SMTP_HANDLER" --config c.conf "$@" >replies 2>errors || status_got=$?
    without_pages <errors | diff -u <(echo "smtp-handler: $text") -
    [ "$status_got" = 78 ]
    from_wire <replies | grep -qE '^421 4.3.5 [^ ]+ Service not available, local configuration error$'
    [ "$(wc -l <replies)" = 1 ]
    status_got=0
    "$SMTP_HANDLER" --check --config c.conf "$@" >said 2>errors </dev/null || status_got=$?
    without_pages <errors >texts
    grep -qxF "smtp-handler: $text" texts
    [ "$status_got" = 78 ]
    refute grep -qx ok said
}

@test "a second line of an option that counts once is an error, and names the first" {
    says 'c.conf:3: option command again, first on line 1: remove one' <<<$'command true\n\n  command = false'
    says 'c.conf:2: option max-size again, first on line 1: remove one' <<<$'max-size 5M\n--max-size=5M\ncommand true'
    says 'c.conf:2: option hostname again, first on line 1: remove one' <<<$'hostname a.example\nhostname a.example\ncommand true'
    # A list grows by each, a flag says the same; and the command line replaces all lines.
    printf 'lmtp\nlmtp\ndomain a.example\ndomain b.example\nxclient 192.0.2.1\nxclient 192.0.2.2\nmax-size 5K\nmax-size 6K\ncommand true\ncommand false\n' >config
    printf '%s\r\n' 'LHLO c' 'MAIL FROM:<>' 'RCPT TO:<x@a.example>' 'RCPT TO:<x@b.example>' DATA . QUIT |
        "$SMTP_HANDLER" --config config --max-size 7K --log none true >replies
    from_wire <replies | cut -c1-3 | tr '\n' ' ' | grep -q ' 250 250 250 354 250 250 221 $'
    from_wire <replies | grep -qx '250-SIZE 7168'
}

@test "octets that are not printable are shown by their numbers, UTF-8 as it is" {
    says "c.conf:1: option hostname: 'b\\xfccher.example' is not a domain name" <<<$'hostname b\xfccher.example'
    says "c.conf:1: option hostname: 'bücher.example' is not a domain name" <<<'hostname bücher.example'
    says "c.conf:1: option hostname: '\\x1b[31mred\\x07' is not a domain name" <<<$'hostname \e[31mred\a'
    says "c.conf:1: option hostname: 'a\\x0db' is not a domain name" <<<$'hostname a\rb'
    says "c.conf:1: option hostname: 'a\\xe2\\x80\\xaeb' is not a domain name" <<<$'hostname a\xe2\x80\xaeb'
    printf '#!/bin/sh\r\n' >script
    chmod 755 script
    refute "$SMTP_HANDLER" --check ./script >said 2>errors
    without_pages <errors >texts
    diff - texts <<<'smtp-handler: delivery command ./script: its interpreter /bin/sh\x0d: no such program; its lines end with CR LF'
    # So is what is in force.
    printf 'spool /\e[31m\ncommand true\n' >config
    refute "$SMTP_HANDLER" --check --config config </dev/null >said 2>errors
    grep -qx 'spool /\\x1b\[31m' said
}

# wrong_line TEXT LINE...: each line, in a file of its own with a command, is wrong, as TEXT says.
wrong_line() {
    local text=$1 line
    for line in "${@:2}"; do
        printf '%s\ncommand true\n' "$line" | says "c.conf:1: $text" || { echo "line: $line"; return 1; }
    done
}

# checked STATUS TEXT...: with the file on standard input, --check says each TEXT on standard error, nothing
# else, and "ok" as the last line of standard output if STATUS is 0. A wrong command is found so alone: to
# look into it for each connection would take time.
checked() {
    local last
    cat >c.conf
    status=0
    "$SMTP_HANDLER" --check --config c.conf >said 2>errors </dev/null || status=$?
    without_pages <errors | diff -u <([ $# = 1 ] || printf 'smtp-handler: %s\n' "${@:2}") -
    [ "$status" = "$1" ]
    last=$(tail -1 said)
    if [ "$1" = 0 ]; then [ "$last" = ok ]; else [ "$last" != ok ]; fi
}

# live STATUS: a message with the file c.conf gets that status.
live() {
    one_message localhost@localhost | "$SMTP_HANDLER" --config c.conf --log stderr >replies 2>log
    from_wire <replies | tail -2 | head -1 | grep -q "^$1 "
}

@test "an option that is not one is named, with the one that was meant" {
    wrong_line 'unknown option max-siz (did you mean max-size?)' 'max-siz 50M'
    wrong_line 'unknown option comand (did you mean command?)' 'comand cat'
    wrong_line 'unknown option max-size: (did you mean max-size?)' 'max-size: 50M'
    wrong_line 'unknown option Max-Size (did you mean max-size?)' 'Max-Size 50M'
    wrong_line 'unknown option max_size (did you mean max-size?)' 'max_size 50M'
    wrong_line 'unknown option port' 'port 25'
    wrong_line 'option listen is for the command line alone' 'listen 127.0.0.1:25'
    wrong_line 'option user is for the command line alone' 'user mail'
    wrong_line 'option config is for the command line alone' 'config x'
    wrong_line 'option check is for the command line alone' 'check'
}

@test "a value that is none of the option's is shown, with what it may be" {
    wrong_line "option domain: '' is not one domain name, *.NAME or *, max 256" domain 'domain # example.org' 'domain ""'
    for value in 'example.org example.net' example.org,example.net .example.org example.org. user@example.org exa_mple..org; do
        wrong_line "option domain: '$value' is not one domain name, *.NAME or *, max 256" "domain $value"
    done
    for value in 50MB '50 M' -1 99999999999999999999 50m =50M; do
        wrong_line "option max-size: '$value' is not a number of octets such as 26214400, 25600K, 25M or 1G" "max-size \"$value\""
    done
    wrong_line "option max-size: '=' is not a number of octets such as 26214400, 25600K, 25M or 1G" 'max-size ='
    wrong_line "option max-size: '50M# big' is not a number of octets such as 26214400, 25600K, 25M or 1G" 'max-size 50M# big'
    for value in 5m 0 31536001; do
        wrong_line "option command-timeout: '$value' is not a number of seconds from 1 to 31536000" "command-timeout $value"
    done
    wrong_line "option max-recipients: '5000' is not a number from 1 to 1000" 'max-recipients 5000'
    wrong_line "option tls: 'yes' is not starttls, required or implicit" 'tls yes'
    wrong_line "option log: 'file' is not journal, syslog, stderr or none" 'log file'
    for value in localhost 192.0.2.0/99 192.0.2.1/24; do
        wrong_line "option xclient: '$value' is not a list of IP addresses or networks (192.0.2.0/24: all bits behind /24 are 0), max 64" "xclient $value"
    done
    for option in lmtp proxy-protocol one-recipient; do
        wrong_line "option $option takes no value: it is on if it is there" "$option yes" "$option no" "$option = 1"
    done
}

@test "without a command the file is named, and how it has one" {
    says 'c.conf: no delivery command; add a line: command PROGRAM' </dev/null
    says 'c.conf: no delivery command; add a line: command PROGRAM' <<<'domain example.org'
    says 'c.conf:1: option command: no program is named' <<<command
    says 'c.conf:1: option command: no program is named' <<<'command = # none'
    says 'c.conf:1: option command: a double quote is left open' <<<'command "/bin/cat'
    for line in 'command sh -c "echo \"a\""' 'command cat \"a'; do
        says 'c.conf:1: option command: a backslash means nothing, and a double quote cannot be written' <<<"$line"
    done
    # shellcheck disable=SC1003 # a backslash, and no quote that it escapes
    says 'c.conf:1: a backslash does not continue a line: write it all in one' <<<'command cat \'
    says 'c.conf:1: option command: more than 64 words' <<<"command true $(printf 'word %.0s' {1..64})"
}

@test "a command that cannot be found is named, with its line" {
    touch plain
    mkdir directory
    says 'c.conf:2: delivery command ticket: no such program in PATH' <<<$'\ncommand ticket'
    says 'c.conf:1: delivery command ~/bin/ticket: no such program; no shell replaces ~ or $' <<<'command ~/bin/ticket'
    says 'c.conf:1: delivery command $HOME/bin/ticket: no such program; no shell replaces ~ or $' <<<'command $HOME/bin/ticket'
    says 'c.conf:1: delivery command /proc/nowhere: no such program' <<<'command /proc/nowhere'
    says 'c.conf:1: delivery command ./plain: not executable (chmod +x)' <<<'command ./plain'
    says 'c.conf:1: delivery command ./directory: Is a directory' <<<'command ./directory'
    says "c.conf:1: delivery command '/bin/cat': no such program" <<<"command '/bin/cat'"
    says 'c.conf:1: unknown {recipent} in the delivery command' <<<'command true {recipent}'
    says 'c.conf:1: {recipients} must be an argument by itself' <<<'command true x{recipients}'
}

@test "a command that could not do what it seems to is found by --check" {
    printf 'cat\n' >plain
    printf '#!/bin/sh\r\ncat\r\n' >returns
    printf '#!/usr/bin/pyton3\n' >interpreter
    printf '#!/usr/bin/env pyton3\n' >by-env
    : >empty
    chmod 755 plain empty returns interpreter by-env
    checked 78 "c.conf:1: delivery command $PWD/plain: a script without #!, which the kernel does not run; begin it with #!/bin/sh" \
        <<<"command $PWD/plain"
    live '451 4.3.5'
    grep -q 'ended="not executed: Exec format error"' log
    checked 78 "c.conf:1: delivery command $PWD/empty: an empty file" <<<"command $PWD/empty"
    live '451 4.3.5'
    checked 78 "c.conf:1: delivery command $PWD/returns: its interpreter /bin/sh\\x0d: no such program; its lines end with CR LF" \
        <<<"command $PWD/returns"
    live '451 4.3.5'
    checked 78 "c.conf:1: delivery command $PWD/interpreter: its interpreter /usr/bin/pyton3: no such program" \
        <<<"command $PWD/interpreter"
    live '451 4.3.5'
    checked 78 "c.conf:1: delivery command $PWD/by-env: its interpreter pyton3: no such program in PATH" <<<"command $PWD/by-env"
    live '451 4.3.0'
    checked 0 'warning: c.conf:1: delivery command: argument >: no shell reads it; write sh -c "..."' <<<'command cat > x'
    live 451
    checked 0 'warning: c.conf:1: delivery command: argument |: no shell reads it; write sh -c "..."' <<<'command cat | wc'
    live 451
    for word in '{SENDER}' '$SENDER'; do
        checked 0 "warning: c.conf:1: delivery command: argument $word: it is handed on as it stands; write a macro, such as {sender}; within a script for a shell \"\$SENDER\" is right" \
            <<<"command $commands/keep $word"
        live 250
        kept_arguments "$(kept_count)" | diff - <(echo "<$word>")
    done
    checked 0 "warning: c.conf:1: delivery command: argument 'two: single quotes are handed on; double quotes keep blanks" \
        <<<"command $commands/keep 'two words'"
    cp "$commands/keep" .
    checked 0 'warning: c.conf:1: delivery command ./keep: not an absolute path; it counts from the directory in which we are started' \
        <<<'command ./keep'
    live 250
}

@test "a file of an option that cannot be used is named, with its line and option" {
    mkdir directory
    wrong_line 'option recipients: /proc/nowhere: No such file or directory' 'recipients /proc/nowhere'
    wrong_line 'option recipients: directory: Is a directory' 'recipients directory'
    wrong_line 'option spool: /proc/nowhere: No such file or directory' 'spool /proc/nowhere'
    wrong_line 'option auth: password program /proc/nowhere/check: no such program' 'auth /proc/nowhere/check users' 'auth "/proc/nowhere/check users"'
    # shellcheck disable=SC1003 # as above
    wrong_line 'a backslash does not continue a line: write it all in one' 'domain example.org \' 'recipients /dev/null \ # more'
    for line in '; x' '// x' '[smtp]'; do
        wrong_line "unknown option ${line%% *} (comments begin with #)" "$line"
    done
    wrong_line 'option submission: without auth nobody can authenticate' submission
    says 'c.conf:2: option submission: without a certificate nobody can authenticate' <<<$'auth true\nsubmission\ncommand true'
    printf 'command true\n' >c.conf
    head -c 40000 /dev/zero | tr '\0' '#' | says 'c.conf: longer than 32768 octets'
    printf 'spool /\0\n' | says 'c.conf: not a text file'
}

@test "a list that accepts nobody, and a certificate that is not there, are found by --check" {
    printf 'tickets\n' >list
    checked 78 "list:1: 'tickets' is neither local@domain nor @domain" \
        'c.conf:1: option recipients: list accepts nobody: every recipient is refused' <<<$'recipients list\ncommand true'
    refute live 250
    grep -q '^451 4.3.5 ' replies
    : >empty
    checked 78 'c.conf:1: option recipients: empty is empty: every recipient is refused' <<<$'recipients empty\ncommand true'
    printf 'joe@elsewhere.example\n' >other
    checked 78 "warning: other:1: 'joe@elsewhere.example' accepts nobody: its domain is not ours; add 'domain elsewhere.example'" \
        'c.conf:1: option recipients: other accepts nobody: every recipient is refused' <<<$'recipients other\ndomain example.org\ncommand true'
    checked 78 'c.conf:1: option tls-cert: each needs its tls-key' <<<$'tls-cert x.crt\ncommand true'
    checked 78 'c.conf:1: option tls-cert: x.crt: No such file or directory' <<<$'tls-cert x.crt\ntls-key x.key\ncommand true'
    checked 78 'c.conf:1: option tls: no certificate is given' <<<$'tls required\ncommand true'
    checked 0 'warning: c.conf:1: proxy-protocol without proxy-networks: anyone who reaches the port may be any client' \
        <<<$'proxy-protocol\ncommand true'
}

@test "what looks odd and is right is taken without a word" {
    printf 'domain\texample.org\r\n\tdomain  b\xc3\xbccher.example \r\nmax-size 5K\r\ncommand cat\r' >c.conf
    case $SMTP_HANDLER in */static/*) return ;; esac # it has no IDNA
    "$SMTP_HANDLER" --check --config c.conf >said 2>errors </dev/null
    [ ! -s errors ]
    [ "$(tail -1 said)" = ok ]
    printf 'command "/bin/cat" # all\nlog stderr' >c.conf
    "$SMTP_HANDLER" --check --config c.conf </dev/null | tail -1 | grep -qx ok
    live 250
}

@test "each of several wrong lines is named" {
    checked 78 'c.conf:1: unknown option max-siz (did you mean max-size?)' \
        "c.conf:3: option log: 'file' is not journal, syslog, stderr or none" \
        'c.conf:4: delivery command /proc/nowhere: no such program' <<<$'max-siz 50M\nlmtp\nlog file\ncommand /proc/nowhere'
}
