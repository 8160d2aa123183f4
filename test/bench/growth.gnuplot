# Draws four panels of lines. Set beforehand: `output`, `title`, `panels`, names of files. Each has
# a first line: the panel's title, what lies along it, and what each line is; then the points.

set datafile separator "\t"
heading(i, n) = system(sprintf("head -n 1 '%s' | cut -f %d", word(panels, i), n))
series(i) = int(system(sprintf("head -n 1 '%s' | awk -F '\t' '{ print NF - 2 }'", word(panels, i))))

set terminal svg size 760, 560 font "sans-serif,12" background "white"
set output output
set multiplot layout 2, 2 title title
set border 3
set xtics nomirror
set ytics nomirror
set key left top reverse Left samplen 2 font ",10"
set xrange [0:*]
set yrange [0:*]
set offsets 0, 0, graph 0.3, 0
set format x "%.0s%c"
set rmargin 3
array colors[4] = ["#1f77d0", "#e0a030", "#78b4ee", "#8c8c8c"]

do for [i = 1:words(panels)] {
    set title heading(i, 1)
    set xlabel heading(i, 2)
    plot for [s = 1:series(i)] word(panels, i) every ::1 using 1:(column(s + 1)) \
        with linespoints linecolor rgb colors[s] pointtype 7 pointsize 0.5 title heading(i, s + 2)
}
unset multiplot
