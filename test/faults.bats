load helper
load drill

# Whole sessions with a fault in each system call, in turn.

@test "whatever system call fails, a message is delivered once or not answered with 250" {
    drills faults "$drill/faults" "$SMTP_HANDLER" "$top/build/drill/inject" "$PWD/faults" "$(size 150 1000000)" \
        "${SEED:-6}"
}
