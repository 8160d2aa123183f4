# Reads samples: question, work, name, round, metric, value, separated by tabs. Prints the medians
# of the rounds: as tables, as JSON, or as lines for others to read, as `as` wants it.

BEGIN { FS = OFS = "\t" }

{
    row = $1 FS $2 FS $3
    key = row FS $5
    if (!(row in metrics))
        rows[++row_count] = row
    if (!(key in count))
        metrics[row] = metrics[row] (metrics[row] == "" ? "" : FS) $5
    sample[key, ++count[key]] = $6
}

function median_of(key,    i, values) {
    for (i = 1; i <= count[key]; i++)
        values[i] = sample[key, i] + 0
    return median(values, count[key])
}

function print_table(    i, j, n, row, column, head, last) {
    for (i = 1; i <= row_count; i++) {
        split(rows[i], row, FS)
        head = row[1] ": " row[2]
        heads[head] = heads[head] (heads[head] == "" ? "" : "\n") rows[i]
        if (index(heads[head], "\n") == 0)
            order[++head_count] = head
    }
    for (i = 1; i <= head_count; i++) {
        n = split(heads[order[i]], row, "\n")
        printf "\n%-42s", order[i]
        last = split(metrics[row[1]], column, FS)
        for (j = 1; j <= last; j++)
            printf " %14s", column[j]
        printf "\n"
        for (j = 1; j <= n; j++)
            print_row(row[j])
    }
}

function print_row(row,    i, last, column, words) {
    split(row, words, FS)
    printf "  %-40s", words[3]
    last = split(metrics[row], column, FS)
    for (i = 1; i <= last; i++)
        printf " %14.5g", median_of(row FS column[i])
    printf "\n"
}

function quoted(words) {
    gsub(/["\\]/, "\\\\&", words)
    return "\"" words "\""
}

function print_json(    i, j, last, column, words, line) {
    for (i = 1; i <= row_count; i++) {
        split(rows[i], words, FS)
        line = "{\"question\": " quoted(words[1]) ", \"work\": " quoted(words[2])
        line = line ", \"name\": " quoted(words[3])
        last = split(metrics[rows[i]], column, FS)
        for (j = 1; j <= last; j++)
            line = line ", " quoted(column[j]) ": " median_of(rows[i] FS column[j])
        line = line ", \"rounds\": " count[rows[i] FS column[1]]
        print "    " line "}" (i < row_count ? "," : "")
    }
}

function print_lines(    i, j, last, column) {
    for (i = 1; i <= row_count; i++) {
        last = split(metrics[rows[i]], column, FS)
        for (j = 1; j <= last; j++)
            print rows[i], column[j], median_of(rows[i] FS column[j])
    }
}

END {
    if (as == "table")
        print_table()
    else if (as == "json")
        print_json()
    else
        print_lines()
}
