load helper

# An independent client and decoder: what the command gets must be what was meant.

@test "messages of every length around the buffers, cut in pieces, come out byte for byte" {
    python3 "$BATS_TEST_DIRNAME/commands/integrity" "$SMTP_HANDLER" lengths
}

@test "messages cut at every offset come out byte for byte" {
    python3 "$BATS_TEST_DIRNAME/commands/integrity" "$SMTP_HANDLER" offsets
}

@test "random messages in random pieces, lenient and strict, LF and CR LF, come out byte for byte" {
    python3 "$BATS_TEST_DIRNAME/commands/integrity" "$SMTP_HANDLER" random
}
