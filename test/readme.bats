load helper

# README.md: its length and its links, and that each of its commands is run as it stands, here or
# under systemd.

# blocks: the blocks of README.md that are indented, each as one line, its line ends as the octet 1.
blocks() {
    awk 'function finish() { if (block != "") print block; block = "" }
        /^    / { block = block substr($0, 5) "\001"; next }
        { finish() }
        END { finish() }' "$top/README.md"
}

@test "README has up to 200 lines, and first make run, then make test" {
    [ "$(wc -l <"$top/README.md")" -le 200 ]
    blocks | head -1 | tr '\001' '\n' | sed 's/ *#.*//' | diff - <(printf 'make run\nmake test\n\n')
}

@test "each block of commands in README is run by a test that extracts it" {
    grep -ohE "(readme|typed|write_block block) '[^']+'" "$top"/test/*.bats | sed "s/^[^']*'//; s/'\$//" | sort -u >extracted
    count=0
    while read -r block; do
        count=$((count + 1))
        grep -qF -f extracted <<<"$block" || { tr '\001' '\n' <<<"not run: $block" && return 1; }
    done < <(blocks)
    [ "$count" -ge 13 ]
    # A text that stands in several blocks would run them all.
    while read -r text; do
        [ "$(blocks | grep -cF -e "$text")" = 1 ] || { echo "not one block: $text" && return 1; }
    done <extracted
}

@test "each command within README's sentences is run by a test" {
    # certbot needs an authority on the network; the command that README gives it as its hook is in a block.
    grep -v '^    ' "$top/README.md" | tr '\n' ' ' | grep -oE '`[^`]+`' | tr -d '`' |
        grep -E '^(make|smtp-handler|systemctl|journalctl|swaks|bats|/usr/local/share)[a-z/-]* ' |
        while read -r command; do
            case $command in
            'make run PORT=2526') grep -q 'run PORT="\$(free_port)"' "$top/test/make.bats" ;;
            'make '*) grep -q "^${command#make }: " "$top/Makefile" ;;
            */smtp-report*) grep -qF "$command" "$top/test/systemd-readme.bats" ;;
            *) false ;;
            esac || { echo "not run: $command" && return 1; }
        done
}

@test "README's links and pictures lead to files of the tree" {
    grep -oE '\]\([^)]+\)' "$top/README.md" "$top"/{handler,test}/README.md | while IFS=: read -r page link; do
        link=${link#??}
        [ -e "${page%/*}/${link%?}" ] || { echo "${page#"$top/"}: $link" && return 1; }
    done
}

# The rows of README's table of proofs, by what was proved.
proof_rows() {
    LC_ALL=C sort "$top/test/prove/proved" | awk '
        /^session / { goals += $3; next }
        /^session/ { names = names ", " substr($1, 9); goals += $3; next }
        { others = others ", " $1; more += $3 }
        END { printf "| `session.c`, and of `session/` %s | %d |\n", substr(names, 3), goals
            printf "| %s | %d |\n", substr(others, 3), more }'
}

@test "README's table of proofs has the modules that are proved, and about as many goals" {
    sed -n '/^| proved/,/^$/p' "$top/README.md" | sed '1,2d; $d' >rows
    diff <(sed 's/[0-9]* |$//' rows) <(proof_rows | sed 's/[0-9]* |$//')
    paste <(grep -o '[0-9]* |$' rows) <(proof_rows | grep -o '[0-9]* |$') |
        awk '{ seen++; wrong += $1 < 0.95 * $3 || $1 > 1.05 * $3 } END { exit seen != 2 || wrong }'
    make -C "$top" -n prove | grep -o 'test/prove/run .*' | tr ' ' '\n' | sed 1d | sort |
        diff - <(cut -d ' ' -f 1 "$top/test/prove/proved" | sort)
}

@test "README's first mail comes to the Maildir that make run serves" {
    copy_tree
    # Another program may have README's port.
    port=$(free_port)
    cd copy
    readme 'make run ' | sed '/^make test/d' >serve
    PORT=$port in_background setsid sh -e serve
    eventually grep -qx "listening on 127.0.0.1:$port" background
    readme 'curl --crlf' | sed "s/:2525/:$port/" >send
    sh -ex send >seen
    kill -- "-${started[-1]}"
    head -1 seen | grep -qx 'Return-Path: <me@example.org>'
    tail -1 seen | grep -qx 'It works.'
    grep -q 'message result=accepted' background
}

# suite_line N: line N of README's block for test suites.
suite_line() {
    readme 'bats examples/mail.bats' | sed -n "$1p"
}

@test "README's tests for bats and pytest pass, with a server of their own" {
    cp -r "$top/examples" .
    ln -s "$SMTP_HANDLER" smtp-handler
    suite_line 1 | sh -ex
    suite_line 2 | sh -ex >said 2>&1 || { cat said && return 1; }
    grep -q '2 passed' said
}

@test "README's server listens on a port that it prints, and keeps a message in a file" {
    ln -s "$SMTP_HANDLER" smtp-handler
    suite_line 3 >serve
    in_background sh -ec "$(sed 's/^/exec /' serve)"
    eventually grep -q '^listening on 127.0.0.1:' background
    address=$(sed -n 's/^listening on //p' background)
    printf 'Subject: hello\n\nIt works.\n' | curl --silent --show-error --crlf --url "smtp://$address" \
        --mail-from me@example.org --mail-rcpt you@example.net --upload-file -
    tail -qn 1 ./*-*-1 | grep -qx 'It works.'
}

@test "README's session on a pipe opens a ticket" {
    ln -s "$SMTP_HANDLER" smtp-handler
    suite_line '4,5' >commands
    sh -e commands 2>log >replies </dev/null
    from_wire <replies | tail -2 | cut -c1-29 | diff - <(printf '%s\n' '250 2.0.0 ticket 17 opened' "221 2.0.0 $(uname -n) closing connection" | cut -c1-29)
    grep -q 'text="It works."' log
}

@test "CHANGELOG.md, the Makefile and Debian's changelog name the same version" {
    version=$(sed -n 's/^VERSION = //p' "$top/Makefile")
    [ "$("$SMTP_HANDLER" --version)" = "smtp-handler $version" ]
    sed -n 's/^## \([0-9.]*\).*/\1/p' "$top/CHANGELOG.md" | head -1 | grep -qxF "$version"
    head -1 "$top/debian/changelog" | grep -qF "smtp-handler ($version) "
    # Of each version the day is the same in both.
    sed -nE 's/^## ([0-9.]+), (.*)/\1 \2/p' "$top/CHANGELOG.md" >days
    while read -r version day; do
        sed -n "/^smtp-handler ($version) /,/^ -- /s/^ -- .*>  //p" "$top/debian/changelog" >dated
        [ "$(date -ud "$(cat dated)" +%F)" = "$day" ]
    done <days
    [ "$(wc -l <days)" = "$(grep -c '^smtp-handler (' "$top/debian/changelog")" ]
}
