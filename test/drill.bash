# What the drills share. `make test` takes a sample of each, `make drill` does it all; see test/drill.

drill=$top/test/drill
figures=${DRILL_FIGURES:-$BATS_FILE_TMPDIR} # a directory for the tables

# size SAMPLE WHOLE: that of the drill at hand.
size() {
    if [ -n "$DRILL_FIGURES" ]; then echo "$2"; else echo "$1"; fi
}

# drills NAME COMMAND...: runs the command, which prints the figures of the drill, or more of them.
drills() {
    "${@:2}" </dev/null 3>&- | tee -a "$figures/$1" 3>&-
    [ "${PIPESTATUS[0]}" = 0 ]
}
