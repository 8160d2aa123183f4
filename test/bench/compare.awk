# Reads samples: question, work, name, round, metric, value, separated by tabs. Prints for each figure of
# a build its ratio to that of the build's base, the base's spread, and whether it is worse.

BEGIN { FS = "\t" }

{
    value[$1, $2, $3, $5, $4] = $6
    rounds = $4 > rounds ? $4 : rounds
    if ($3 !~ /-(base|again)/ && !seen[$1, $2, $3, $5]++)
        figures[++count] = $1 FS $2 FS $3 FS $5
}

# The name of another build, which has `suffix` behind it, in the same place.
function other(name, suffix) {
    match(name, /^smtp-handler, [a-z]+/)
    return substr(name, 1, RLENGTH) "-" suffix substr(name, RLENGTH + 1)
}

# The median of each round's ratio of one build's figure to another's, or of its distance from 1.
function ratio(f, one, of, distance,    round, a, b, values, found) {
    for (round = 1; round <= rounds; round++) {
        a = value[f[1], f[2], one, f[4], round]
        b = value[f[1], f[2], of, f[4], round]
        if (a == "" || b <= 0)
            continue
        values[++found] = distance ? (a > b ? a / b - 1 : 1 - a / b) : a / b
    }
    return found == 0 ? -1 : median(values, found)
}

END {
    for (i = 1; i <= count; i++) {
        split(figures[i], f, FS)
        own = ratio(f, f[3], other(f[3], "base"), 0)
        spread = ratio(f, other(f[3], "again"), other(f[3], "base"), 1)
        if (own < 0 || spread < 0)
            continue
        worse = f[4] ~ /_per_s$|^per_s$/ ? 1 / own : own
        slower = worse > 1.03 + spread
        failed = failed || slower
        sub(/^smtp-handler, /, "", f[3])
        printf "%-32s %-14s %-28s %7.3f %7.3f%s\n", f[1] ": " f[2], f[4], f[3], own, spread,
            slower ? "  slower" : ""
    }
    exit failed
}
