# Draws panels of horizontal bars, one below the other. Set beforehand: `output`, `title`, `panels`,
# names of files. Each has a first line: the panel's title, then what the bars of a group are; its
# other lines are groups: a name and figures, separated by tabs.
#
# Ours are in colour, peers grey, floors hollow. Each scale begins at 0 and is linear. A bar is broken, and
# its figure says how long it would be, if all others would be too short to be compared: it has ten
# times the median, and four times the next.

set datafile separator "\t"
count = words(panels)
run(command, i) = system(sprintf(command, word(panels, i)))
rows(i) = int(run("sed 1d '%s' | wc -l", i))
series(i) = int(run("head -n 1 '%s' | awk -F '\t' '{ print NF - 1 }'", i))
heading(i, n) = system(sprintf("head -n 1 '%s' | cut -f %d", word(panels, i), n))
# The greatest figure whose bar is whole.
whole(i) = real(run("sed 1d '%s' | cut -f 2- | tr '\t' '\n' | grep . | sort -g | ".\
    "awk '{ v[NR] = $1 } END { top = NR; for (i = NR; i > 1 && v[i] > 10 * v[int((NR + 1) / 2)]; i--) ".\
    "if (v[i] > 4 * v[i - 1]) top = i - 1; print v[top] }'", i))

# A line for each bar, and some for the title and the scale.
lines(i) = rows(i) * (series(i) > 1 ? series(i) * 0.9 : 1.2) + 5.5
total = 2.0
do for [i = 1:count] { total = total + lines(i) }
line_height = 16.0

set terminal svg size 760, total * line_height font "sans-serif,12" background "white"
set output output
set multiplot title title
set border 0
set xtics nomirror scale 0 font ",10"
set format x "%.0f"
set ytics nomirror scale 0
set grid xtics linetype 1 linecolor rgb "#8c8c8c" linewidth 0.3
set key at graph 1, graph 1.02 right bottom horizontal samplen 1
set lmargin at screen 0.39
set rmargin at screen 0.9
array ours[3] = ["#1f77d0", "#78b4ee", "#bddcf8"]
array peers[3] = ["#8c8c8c", "#adadad", "#cfcfcf"]

is_ours(name) = strstrt(name, "smtp-handler") > 0
is_floor(name) = strstrt(name, "floor") == 1
if_ours(name, x) = is_ours(name) ? x : NaN
if_peer(name, x) = is_ours(name) || is_floor(name) ? NaN : x
if_floor(name, x) = is_floor(name) ? x : NaN
figure(x) = sprintf(x >= 100 ? "%.0f" : "%.3g", x)
end_of_bar(x) = x > limit ? limit * 1.05 : x
if_broken(x, y) = x > limit ? y : NaN
name_of(s) = bars > 1 ? heading(i, s + 1) : ""

above = 2.0
do for [i = 1:count] {
    set tmargin at screen 1 - (above + 2.2) / total
    set bmargin at screen 1 - (above + lines(i) - 2.6) / total
    above = above + lines(i)
    groups = rows(i)
    bars = series(i)
    height = 0.84 / bars
    limit = whole(i)
    set label 1 heading(i, 1) at screen 0.04, graph 1 left offset 0, 0.9 font ",13" front
    set yrange [groups - 0.4:-0.6]
    set xrange [0:limit * 1.08]
    top(s) = (s - 1) * height - 0.42
    file = word(panels, i)
    plot file every ::1 using (0):0:ytic(1) with points pointtype -1 notitle, \
        for [s = 1:bars] file every ::1 using (if_ours(strcol(1), 0)):($0 + top(s)):(0): \
            (end_of_bar(column(s + 1))):($0 + top(s)):($0 + top(s) + height) \
            with boxxyerror fill solid noborder linecolor rgb ours[s] title name_of(s), \
        for [s = 1:bars] file every ::1 using (if_peer(strcol(1), 0)):($0 + top(s)):(0): \
            (end_of_bar(column(s + 1))):($0 + top(s)):($0 + top(s) + height) \
            with boxxyerror fill solid noborder linecolor rgb peers[s] notitle, \
        for [s = 1:bars] file every ::1 using (if_floor(strcol(1), 0)):($0 + top(s)):(0): \
            (end_of_bar(column(s + 1))):($0 + top(s) + 0.06):($0 + top(s) + height - 0.06) \
            with boxxyerror fill empty linecolor rgb "#8c8c8c" linewidth 1.2 notitle, \
        for [s = 1:bars] for [cut = 0:1] file every ::1 using (if_broken(column(s + 1), limit)):($0 + top(s)): \
            (limit * (0.985 + cut * 0.025)):(limit * (0.993 + cut * 0.025)): \
            ($0 + top(s) - 0.05):($0 + top(s) + height + 0.05) \
            with boxxyerror fill solid noborder linecolor rgb "#ffffff" notitle, \
        for [s = 1:bars] file every ::1 \
            using (end_of_bar(column(s + 1))):($0 + top(s) + height / 2):(figure(column(s + 1))) \
            with labels left offset 0.3, 0 font ",10" notitle
}
unset multiplot
