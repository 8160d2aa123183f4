# Draws panels of horizontal bars, one below the other. Set beforehand: `output`, `title`, `panels`,
# names of files. Each has a first line: the panel's title, then what the bars of a group are; its
# other lines are groups: a name and figures, separated by tabs.

set datafile separator "\t"
count = words(panels)
run(command, i) = system(sprintf(command, word(panels, i)))
rows(i) = int(run("sed 1d '%s' | wc -l", i))
series(i) = int(run("head -n 1 '%s' | awk -F '\t' '{ print NF - 1 }'", i))
heading(i, n) = system(sprintf("head -n 1 '%s' | cut -f %d", word(panels, i), n))
figures = "sed 1d '%s' | cut -f 2- | tr '\t' '\n' | grep . | sort -g | "
least(i) = real(run(figures."head -n 1", i))
most(i) = real(run(figures."tail -n 1", i))

# A line for each bar, and some for the title and the scale.
lines(i) = rows(i) * (series(i) > 1 ? series(i) * 0.9 : 1.2) + 5.5
total = 2.0
do for [i = 1:count] { total = total + lines(i) }
line_height = 16.0

set terminal svg size 760, total * line_height font "sans-serif,12" background "white"
set output output
set multiplot title title
set style fill solid noborder
set border 1
set xtics out nomirror
set ytics out nomirror scale 0
set key at graph 1, graph 1.02 right bottom horizontal samplen 1
set lmargin at screen 0.35
set rmargin at screen 0.9
array colors[4] = ["#1f5a99", "#7fb2e5", "#c4c4c4", "#e0a030"]

figure(x) = sprintf(x >= 100 ? "%.0f" : "%.3g", x)

above = 2.0
do for [i = 1:count] {
    set tmargin at screen 1 - (above + 2.2) / total
    set bmargin at screen 1 - (above + lines(i) - 2.6) / total
    above = above + lines(i)
    groups = rows(i)
    bars = series(i)
    height = 0.84 / bars
    set label 1 heading(i, 1) at screen 0.04, graph 1 left offset 0, 0.9 font ",13" front
    set yrange [groups - 0.4:-0.6]
    far = least(i) > 0 && most(i) > 30 * least(i)
    if (far) {
        set logscale x
        from = 10 ** floor(log10(least(i) * 0.9))
        set xrange [from:most(i) * 1.6]
    } else {
        unset logscale x
        from = 0
        set xrange [0:most(i) * 1.08]
    }
    top(s) = (s - 1) * height - 0.42
    plot word(panels, i) every ::1 using (from):0:ytic(1) with dots notitle, \
        for [s = 1:bars] word(panels, i) every ::1 using (from):($0 + top(s)): \
            (from):(column(s + 1)):($0 + top(s)):($0 + top(s) + height) \
            with boxxyerror linecolor rgb colors[s] title (bars > 1 ? heading(i, s + 1) : ""), \
        for [s = 1:bars] word(panels, i) every ::1 \
            using (column(s + 1)):($0 + top(s) + height / 2):(figure(column(s + 1))) \
            with labels left offset 0.3, 0 font ",10" notitle
}
unset multiplot
