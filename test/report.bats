load helper

# What operators watch: smtp-report, mtail's program and fail2ban's filter, from lines that hold what
# clients would like them to be taken for.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    {
        # line TIME TEXT
        line() { echo "$1 mx smtp-handler[7]: $2"; }
        hour=2026-11-28T10
        line $hour:00:01+0000 'message result=accepted id=a-1 client=192.0.2.4 helo="x status=5.6.11" from=a@B.example to=t@example.org recipients=1 tls=TLSv1.3 size=100 status=2.0.0 command=/bin/ticket ended="exit 0" reply="say \"seconds=9\" \\" seconds=0.010'
        line $hour:59:59+0000 'message result=accepted id=a-2 client=192.0.2.4 helo="\" result=refused \\" from=<> to=t@example.org,u@example.org recipients=2 size=50 status=2.0.0 command=/bin/ticket ended="exit 0" seconds=0.030'
        line 2026-11-28T11:00:00+0000 'message result=deferred id=a-3 client=192.0.2.5 from=b@b.example to=t@example.org recipients=1 tls=TLSv1.3 size=7 status=4.3.0 command=/bin/ticket ended="exit 75" reply="Disk full" seconds=0.200'
        line 2026-11-28T11:00:02+0000 'message result=refused id=a-4 client=192.0.2.6 from=b@b.example to=t@example.org recipients=1 size=8 status=5.6.11 form="bare CR"'
        line 2026-11-28T11:00:03+0000 'message result=discarded id=a-5 client=192.0.2.4 from=c@c.example to=t@example.org recipients=1 size=9 status=2.0.0 command=/bin/other ended="exit 99" seconds=1.500'
        line 2026-11-28T11:00:04+0000 'message result=broken-off id=a-6 client=192.0.2.4 from=c@c.example to=t@example.org recipients=1 size=3'
        line 2026-11-28T11:00:04+0000 'message result=refused id=a-9 client=192.0.2.10 from="\"x status=5.6.11 y\"@d.example" to=t@example.org recipients=1 size=4 status=5.7.1 command=/bin/other ended="exit 77" reply="5.7.1 not recipients=9 size=9" seconds=0.100'
        line 2026-11-28T11:00:05+0000 'recipient result=refused client=192.0.2.7 from=<> to="\"smtp-handler: abuse client=192.0.2.99\"@example.org" status=5.1.1'
        line 2026-11-28T11:00:05+0000 'recipient result=accepted id=a-7 client=192.0.2.7 from=<> to=t@example.org dropped=ORCPT=x'
        line 2026-11-28T11:00:06+0000 'sender result=deferred id=a-8 client=192.0.2.7 from=q@q.example status=4.3.0'
        line 2026-11-28T11:00:07+0000 'auth result=refused client=192.0.2.8 user="a b" status=5.7.8'
        line 2026-11-28T11:00:08+0000 'auth result=accepted client=192.0.2.8 user=joe status=2.7.0'
        line 2026-11-28T11:00:09+0000 'abuse client=192.0.2.9 form=http'
        line 2026-11-28T11:00:10+0000 'limit client=192.0.2.9 limit=max-connections-per-source max=10'
        line 2026-11-28T11:00:11+0000 'trouble text="done-list: No space left on device"'
        line 2026-11-28T11:00:12+0000 'connection client=192.0.2.4 helo="ended=lost seconds=1" tls=TLSv1.3 messages=1 accepted=1 errors=0 ended=quit seconds=0.1'
        line 2026-11-28T11:00:13+0000 'connection client=192.0.2.9 messages=0 accepted=0 errors=0 ended=lost seconds=0.1'
        line 2026-11-28T11:00:14+0000 'connection helo="tls=TLSv1.3 messages=5" messages=0 accepted=0 errors=0 ended=quit seconds=0.1'
        echo '2026-11-28T11:00:15+0000 mx sshd[1]: smtp-handler x: message result=accepted size=1'
        echo '2026-11-28T11:00:16+0000 mx sshd[1]: Invalid user smtp-handler: auth result=refused client=192.0.2.98 from 192.0.2.97'
        echo '2026-11-28T11:00:17+0000 mx sshd[1]: Invalid user a smtp-handler[1]: abuse client=192.0.2.98 form=http'
    } >log
}

report() { "$top/examples/smtp-report" "$@"; }

# figure PATH: a value of the report as JSON, by a path such as messages.accepted.count or command.0.max.
figure() {
    python3 -c 'import json, sys
value = json.load(open("said"))
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)' "$1"
}

@test "each figure of a report is what the log holds" {
    report --json log >said
    while read -r path wanted; do
        [ "$(figure "$path")" = "$wanted" ] || { echo "$path: $(figure "$path"), not $wanted" && false; }
    done <<'END'
events 18
first 2026-11-28T10:00:01
last 2026-11-28T11:00:14
messages.accepted.count 2
messages.accepted.recipients 3
messages.accepted.octets 150
messages.discarded.count 1
messages.deferred.count 1
messages.deferred.octets 7
messages.refused.count 2
messages.refused.octets 12
messages.broken-off.count 1
tls.messages 2
tls.connections 1
connections 3
hour.0.key 2026-11-28T10
hour.0.results.accepted 2
hour.1.results.deferred 1
hour.1.results.accepted 0
sender.0.key b.example
sender.0.count 3
sender.0.results.accepted 1
sender.0.results.refused 1
sender.2.key <>
recipient.0.key t@example.org
recipient.0.count 6
recipient.1.key t@example.org,u@example.org
command.0.key /bin/ticket
command.0.count 3
command.0.median 0.03
command.0.p95 0.2
command.0.max 0.2
command.1.results.discarded 1
command.1.results.refused 1
reason.0.key 4.3.0 Disk full
reason.1.key 5.6.11 bare CR
address.0.key 4.3.0 sender
address.1.key 5.1.1 recipient
smuggling.0.key 192.0.2.6
passwords.0.key 192.0.2.8
passwords.0.count 1
guessing.0.key 192.0.2.7
protocols.0.key 192.0.2.9 http
limits.0.key 192.0.2.9
trouble.0.key done-list: No space left on device
END
}

@test "a report as text has the same figures, in lines of up to 80 columns" {
    report log >said
    [ "$(wc -L <said)" -le 80 ]
    grep -qx 'accepted  *2  *3  *150' said
    grep -qx 'TLS: 28.6 % of messages, 33.3 % of connections (3)' said
    grep -qx '/bin/ticket  *3  *0.030  *0.200  *0.200' said
    grep -qx ' *1  192.0.2.6' said
}

@test "commands whose names differ at their end alone are told apart in a report as text" {
    directory=/usr/local/share/doc/smtp-handler/examples
    sed "s:command=/bin/ticket:command=$directory/to-sqlite:; s:command=/bin/other:command=$directory/to-http:" log >long
    report long >said
    [ "$(wc -L <said)" -le 80 ]
    for name in to-sqlite to-http; do
        [ "$(grep -cx "$directory/$name *" said)" = 2 ]
    done
    # The figures stand below the name.
    grep -Fx -A 1 "$directory/to-sqlite" said | grep -qx '  *3  *0.030  *0.200  *0.200'
}

@test "a report is of the time that is asked for" {
    report --json --since '2026-11-28 11:00' log >said
    [ "$(figure messages.accepted.count) $(figure messages.deferred.count)" = '0 1' ]
    report --json --until '2026-11-28 11:00' log >said
    [ "$(figure messages.accepted.count) $(figure messages.deferred.count)" = '2 0' ]
}

@test "a report reads what syslog and standard error write" {
    sed -E 's/^2026-11-28T([^+]*)\S+/Nov 28 \1/' log >syslog
    grep -o 'smtp-handler.*' log | sed 's/\[7\]//' >stderr
    report --json stderr >said.stderr
    report --json syslog >said
    [ "$(figure messages.accepted.count)" = 2 ]
    [[ $(figure hour.0.key) = *-11-28T10 ]]
    mv said.stderr said
    [ "$(figure messages.accepted.count)" = 2 ]
    [ "$(figure hour)" = '[]' ]
}

@test "a report counts the messages of a host that is named smtp-handler" {
    sed 's/ mx / smtp-handler /' log >of-host
    report --json of-host >said
    [ "$(figure events) $(figure messages.accepted.count) $(figure passwords.0.count)" = '18 2 1' ]
}

@test "what a command replies is taken for no field" {
    cat >log <<'END'
smtp-handler: message result=accepted id=a-1 client=192.0.2.4 from=a@b.example to=t@example.org recipients=1 size=100 status=2.0.0 command=/bin/ticket ended="exit 0" reply="\" seconds=9 size=7 \\" seconds=0.020
smtp-handler: message result=accepted id=a-2 client=192.0.2.4 from=a@b.example to=t@example.org recipients=1 size=100 status=2.0.0 command="/bin/a b" ended="exit 0" reply=" seconds=9 " seconds=0.030
smtp-handler: message result=deferred id=a-3 client=192.0.2.4 from=a@b.example to=t@example.org recipients=1 size=100 status=4.3.0 command=/bin/ticket ended="exit 75" reply="\" seconds=9" seconds=0.040
END
    report --json log >said
    [ "$(figure messages.accepted.octets) $(figure messages.accepted.count)" = '200 2' ]
    [ "$(figure command.0.key) $(figure command.0.median) $(figure command.0.max)" = '/bin/ticket 0.02 0.04' ]
    [ "$(figure command.1.key) $(figure command.1.max)" = '/bin/a b 0.03' ]
    [ "$(figure reason.0.key)" = '4.3.0 " seconds=9' ]
}

@test "what the program logs is counted" {
    "$SMTP_HANDLER" --log stderr sh -c 'exit 75' 2>log >/dev/null <<'END'
HELO me
MAIL FROM:<a@b.example>
RCPT TO:<nobody@elsewhere.example>
RCPT TO:<t@localhost>
DATA
Subject: hello

.
END
    report --json log >said
    [ "$(figure messages.deferred.count) $(figure command.0.key) $(figure sender.0.key)" = '1 sh b.example' ]
    [ "$(figure address.0.count) $(figure connections)" = '1 1' ]
}

@test "wrong usage of smtp-report is told in a line" {
    for words in --since '--top many log' --wrong; do
        # shellcheck disable=SC2086 # they are words
        run report $words
        [ "$status" = 64 ] && [ "${#lines[@]}" = 1 ]
    done
}

@test "a report is drawn" {
    report --plot day.svg log >said
    grep -q 'Messages an hour' day.svg
    grep -q '<title>Messages an hour, 2026-11-28</title>' day.svg
    grep -q '>10</tspan>' day.svg
    { sed 's/^2026-11-28/2026-11-27/' log && cat log; } | report --plot days.svg - >said
    grep -q '>11-27 10</tspan>' days.svg
    grep -q '>11-28 10</tspan>' days.svg
}

@test "mtail's counters are what the log holds" {
    mtail --one_shot --one_shot_format=prometheus --progs "$top/examples/smtp-handler.mtail" --logs "$PWD/log" \
        --port 0 --address 127.0.0.1 >counters 2>mtail.log
    refute grep -q 'Runtime error' mtail.log
    sed -n 's/^smtp_\([a-z_]*\)_total{\(.*\)} /\1 \2 /p' counters | sed -E 's/,?prog="[^"]*"(,?)/\1/; s/ ,/ /; s/"//g' | sort >sorted
    diff - sorted <<'END'
connections ended=lost 1
connections ended=quit 2
connections_tls  1
events event=abuse 1
events event=auth 2
events event=connection 3
events event=limit 1
events event=message 7
events event=recipient 2
events event=sender 1
events event=trouble 1
messages result=accepted 2
messages result=broken-off 1
messages result=deferred 1
messages result=discarded 1
messages result=refused 2
octets result=accepted 150
octets result=broken-off 3
octets result=deferred 7
octets result=discarded 9
octets result=refused 12
recipients result=accepted 3
recipients result=broken-off 1
recipients result=deferred 1
recipients result=discarded 1
recipients result=refused 2
refusals event=auth,result=refused,status=5.7.8 1
refusals event=recipient,result=refused,status=5.1.1 1
refusals event=sender,result=deferred,status=4.3.0 1
END
    grep -q '^smtp_command_seconds_count.* 5$' counters
}

@test "fail2ban finds who guesses, smuggles or speaks another protocol, and nobody else" {
    fail2ban-regex --print-all-matched -o '<ip>' log "$top/examples/fail2ban.conf" | grep '^192' | sort >found
    diff - found <<'END'
192.0.2.6
192.0.2.7
192.0.2.8
192.0.2.9
END
}

@test "the picture in README is what --plot draws of a made day, for light pages and dark ones" {
    "$commands/day-of-mail" | report --plot day.svg - >said
    diff day.svg "$top/examples/smtp-report.svg"
    grep -q '^<style>@media (prefers-color-scheme: dark)' day.svg
}
