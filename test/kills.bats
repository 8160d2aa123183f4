load helper
load peers
load drill

# Kills at random while Postfix relays.

@test "whoever is killed, each message that Postfix relays arrives" {
    port=$(free_port)
    start_postfix "smtp:[127.0.0.1]:$port" default_destination_concurrency_failed_cohort_limit=0
    drills kills "${postfix[@]}" "$drill/kills" "$SMTP_HANDLER" "$PWD/kills" "$port" \
        "$(size 200 2000)" "${SEED:-6}"
}
