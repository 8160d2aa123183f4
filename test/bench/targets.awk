# Reads the targets, then samples: question, work, name, round, metric, value, separated by tabs.
# Prints for each handler and target: words, build, the median of each round's figure or ratio, the
# target, and whether it is reached. `builds` are the handlers that there are.

BEGIN { builds_count = split(builds, build, " ") }

FILENAME == ARGV[1] {
    if (/^ /) {
        count = split($0, field, / *\| */)
        for (i = 1; i <= count; i++)
            target[targets, i] = field[i]
        sub(/^ */, "", target[targets, 1])
    } else if (!/^#/) {
        words[++targets] = $0
    }
    next
}

FNR == 1 { FS = "\t"; $0 = $0 "" }

{
    value[$1, $2, $3, $5, $4] = $6
    rounds = $4 > rounds ? $4 : rounds
}

# Of all rounds in which both were measured; "" where there are none.
function measure(t, name, of,    round, own, other, values, count) {
    for (round = 1; round <= rounds; round++) {
        own = target[t, 4] SUBSEP target[t, 5] SUBSEP name SUBSEP target[t, 6] SUBSEP round
        if (of ~ /^:/)
            other = target[t, 4] SUBSEP target[t, 5] SUBSEP name SUBSEP substr(of, 2) SUBSEP round
        else
            other = target[t, 4] SUBSEP target[t, 5] SUBSEP of SUBSEP target[t, 6] SUBSEP round
        if (!(own in value) || (of != "" && !(other in value)) || (of != "" && value[other] <= 0))
            continue
        values[++count] = value[own] / (of == "" ? 1 : value[other])
    }
    return count == 0 ? "" : median(values, count)
}

END {
    for (b = 1; b <= builds_count; b++)
        for (t = 1; t <= targets; t++) {
            if (target[t, 1] != "any" && target[t, 1] != build[b])
                continue
            of = target[t, 8]
            sub(/BUILD/, build[b], of)
            found = measure(t, "smtp-handler, " build[b] target[t, 7], of)
            if (found == "")
                verdict = "not measured"
            else if (target[t, 2] == "at most")
                verdict = found <= target[t, 3] + 0 ? "reached" : "missed"
            else
                verdict = found >= target[t, 3] + 0 ? "reached" : "missed"
            printf "%s\t%s\t%s\t%s %s\t%s\n", words[t], build[b],
                found == "" ? "-" : sprintf("%.3g", found), target[t, 2], target[t, 3], verdict
        }
}
