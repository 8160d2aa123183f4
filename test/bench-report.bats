load helper

# The pictures that `make bench` draws, of made figures.

# sample NAME KIB: memory that a session of the name has while it is idle, and that a message adds.
sample() {
    printf 'memory\ta session\t%s\t1\tidle_kib\t%s\n' "$1" "$2"
    printf 'memory\ta session\t%s\t1\tadded_kib\t%s\n' "$1" "$2"
}

@test "bars are as long as their figures, ours in colour, peers grey, floors hollow, and one of 40 times is broken" {
    command -v gnuplot || skip 'gnuplot is not installed'
    copy_tree
    mkdir -p copy/build/bench
    {
        sample 'smtp-handler, static' 100
        sample 'floor, cat' 50
        sample mailfront 200
        sample msmtpd 1000
        sample qpsmtpd 40000
    } >copy/build/bench/samples
    echo static >copy/build/bench/builds
    : >copy/build/bench/absences
    copy/test/bench/report >said
    python3 - copy/test/bench/memory.svg <<'PYTHON'
import re
import sys
svg = open(sys.argv[1]).read()

def lengths(fill):
    """Of the bars that are filled so, of which the key has some, too."""
    found = []
    for points in re.findall(r"<polygon fill = '%s' points = '([^']*)'" % fill, svg):
        xs = [float(point.split(",")[0]) for point in points.split()]
        found.append(max(xs) - min(xs))
    return found

[ours] = [length for length in lengths(r"rgb\( 31, 119, 208\)") if length > 20]
peers = sorted(lengths(r"rgb\(140, 140, 140\)"))
assert len(peers) == 3 and len(lengths(r"rgb\(173, 173, 173\)")) == 3, peers
for length, figure in zip(peers, (200, 1000)):
    assert abs(length / ours - figure / 100) < 0.05, (ours, peers)
# The broken one is hardly longer than the longest that is whole, and has two gaps.
assert 1 < peers[2] / peers[1] < 1.1, peers
assert len(lengths(r"rgb\(255, 255, 255\)")) == 4
assert ">40000<" in svg and "prefers-color-scheme: dark" in svg
PYTHON
}
