load helper
load peers
load drill

# Kills at random while Postfix relays.

kills() {
    port=$(free_port)
    start_postfix "smtp:[127.0.0.1]:$port" default_destination_concurrency_failed_cohort_limit=0
    drills "$1" "${postfix[@]}" "$drill/kills" "$SMTP_HANDLER" "$PWD/kills" "$port" \
        "$(size 200 2000)" "${SEED:-6}" "${@:2}"
}

@test "each message that Postfix relays arrives, whatever process is killed" {
    kills kills
}

@test "with a done-list each message arrives once, unless the command itself was killed" {
    kills kills-done-list --done-list "$PWD/list"
}
