# What the tests of helpers/milter-filter share.

: "${MILTER_FILTER:=$(dirname "$SMTP_HANDLER")/helpers/milter-filter/milter-filter}"

# filter [OPTION...]: shows the file `message` to the milter on ./milter. $status and the files `text` and `errors` are
# what became of it, `new` and `edits` what was written to descriptors 3 and 4. Variables are in the array `environment`.
filter() {
    status=0
    : >new
    : >edits
    env -i TRACE_SIZE="${#trace}" TRANSACTION_ID=ID1 SENDER=s@example.net RECIPIENTS=$'a@example.org\nb@example.org' \
        CLIENT_ADDRESS=192.0.2.1 CLIENT_PORT=2500 CLIENT_HOSTNAME=c.example CLIENT_HELO=c.test CLIENT_PROTOCOL=ESMTPA \
        "${environment[@]}" timeout 60 "$MILTER_FILTER" "$@" "${socket:-./milter}" <message 3<>new 4<>edits >text 2>errors || status=$?
}

# ended STATUS [TEXT]: how the last filter ended, without edits if not with 0.
ended() {
    if ! [ "$status" = "$1" ] || ! diff text <(printf '%s' "${2:+$2$'\n'}"); then
        echo "$status:"
        cat text errors
        return 1
    fi
}
