load helper

# The manual as pages: make html, looked at by a browser.

setup_file() {
    "$top/manual/to-html" "$BATS_FILE_TMPDIR/html"
}

# measure WIDTH...: on standard output a line for each page of html/ and width: both, then how wide the page is,
# how wide its window, and how many of its pictures do not load.
measure() {
    (cd html && printf '%s\n' ./*.html) | sed 's:^\./::' | python3 -c 'import json, sys
print("""<!DOCTYPE html><body><script>
const wanted = [], found = [];
for (const page of %s) for (const width of %s) wanted.push([page, width]);
function next() {
    if (wanted.length === 0) { document.body.textContent = found.join("\\n") + "\\nmeasured"; return; }
    const [page, width] = wanted.shift(), frame = document.createElement("iframe");
    frame.style.cssText = "height: 800px; border: 0; width: " + width + "px";
    frame.onload = () => {
        const its = frame.contentDocument;
        const missing = [...its.images].filter(image => image.naturalWidth === 0).length;
        found.push([page, width, its.documentElement.scrollWidth, its.documentElement.clientWidth, missing].join(" "));
        frame.remove();
        next();
    };
    frame.src = page;
    document.body.append(frame);
}
next();
</script>""" % (json.dumps(sys.stdin.read().split()), json.dumps([int(width) for width in sys.argv[1:]])))' "$@" >html/measure
    mv html/measure html/measure.html
    port=$(free_port)
    in_background python3 -m http.server --bind 127.0.0.1 --directory html "$port"
    eventually is_listening "$port"
    HOME=$PWD chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/browser" --timeout=300000 \
        --virtual-time-budget=300000 --dump-dom "http://127.0.0.1:$port/measure.html" >dom 2>browser.log || { tail browser.log; return 1; }
    sed -n 's/.*<body>//; /^[^<]*\.html [0-9]/p' dom | tee measured
    grep -q '^measured' dom
}

@test "no page scrolls sideways, on a telephone or a desk, and each picture is there" {
    cp -r "$BATS_FILE_TMPDIR/html" .
    pages=$(find html -name '*.html' | wc -l)
    measure 360 1280
    [ "$(wc -l <measured)" = $((2 * pages)) ]
    [ "$(wc -l <measured)" -ge 24 ]
    awk '$3 > $4 || $5 > 0 { print "too wide, or without a picture: " $0; bad = 1 } END { exit bad }' measured
}

@test "the measure sees a page that is too wide, and a picture that is missing" {
    mkdir html
    printf '<!DOCTYPE html><p style="width: 700px">wide</p>' >html/wide.html
    printf '<!DOCTYPE html><img src="nowhere.svg"/>' >html/missing.html
    measure 360 1280
    sort measured | diff - <(printf '%s\n' 'missing.html 1280 1280 1280 1' 'missing.html 360 360 360 1' 'wide.html 1280 1280 1280 0' 'wide.html 360 708 360 0')
}

@test "each link between the pages leads to a page, and to a place in it" {
    cd "$BATS_FILE_TMPDIR/html"
    count=0
    while read -r page link; do
        file=${link%%#*} place=${link#*#}
        [ -e "${file:=$page}" ] || { echo "$page: $link"; return 1; }
        [ "$place" = "$link" ] || grep -qF " id=\"$place\"" "$file" || { echo "$page: $link"; return 1; }
        count=$((count + 1))
    done < <(grep -oE '(href|src)="[^"]*"' ./*.html | sed -nE 's/^\.\/([^:]*):[a-z]*="([^":]*)"$/\1 \2/p' | sort -u)
    [ "$count" -gt 100 ]
    refute grep -ohE 'href="https://[^"]*/(smtp-|maildir-deliver|lmtp-deliver|milter-filter|password-check|tls-relay)[^"]*"' ./*.html
}
