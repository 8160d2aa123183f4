load helper

# The pages of the manual: smtp-handler.8 and manual/.

pages=("$top"/smtp-handler.8 "$top"/manual/*.[578])

@test "mandoc finds no fault in the pages of the manual" {
    mandoc -Tlint -Wwarning "${pages[@]}"
    # Nor is the word of a message a macro of mdoc.
    refute grep -nE '^\.It .*[^,] (No|An|At|In) ' "${pages[@]}"
}

# references FILE...: each "page(N)" of ours in them, with what stands behind it.
references() {
    # Line ends, and those of strings in C, may stand within a reference.
    sed -zE 's/(\\n)?"?\n *(#|"|\*)? */ /g' "$@" | tr -d '`\n' | tr -s ' ' | grep -oE '[a-z][a-z.-]*\([578]\)(, [A-Z][A-Z0-9 -]+[A-Z])?' || true
}

# has_section PAGE SECTION
has_section() { grep -qxF ".Sh $2" "$1" || { echo "$1 has no $2"; return 1; }; }

# path_of 'name(N)': the page's file, if it is one of ours.
path_of() {
    local file=${1/(/.}
    for page in "${pages[@]}"; do
        [ "${page##*/}" != "${file%)}" ] || echo "$page"
    done
}

@test "each page and section that the manual refers to is there" {
    for page in "${pages[@]}"; do
        sed -nE 's/^\.(Pq )?Sx ([^.,;:]*[^ .,;:]).*/\2/p' "$page" >named
        while read -r section; do has_section "$page" "$section"; done <named
        sed -nE 's/^\.(.* )?Xr ([a-z.-]+) ([578])( , No ([A-Z][A-Z -]*[A-Z]).*)?.*/\2(\3)\t\5/p' "$page" >named
        while IFS=$'\t' read -r name section; do
            file=$(path_of "$name")
            case $name in
            smtp-handler* | smtp-report*) [ -n "$file" ] || { echo "$page: $name"; return 1; } ;;
            esac
            [ -z "$file" ] || [ -z "$section" ] || has_section "$file" "$section"
        done <named
    done
}

@test "each page and section that programs, units and other texts name is there" {
    count=0
    while IFS=$'\t' read -r reference; do
        name=${reference%%,*} section=${reference#*, }
        file=$(path_of "$name")
        case $name in
        smtp-handler* | smtp-report*) [ -n "$file" ] || { echo "$reference"; return 1; } ;;
        esac
        [ -z "$file" ] || count=$((count + 1))
        [ -z "$file" ] || [ "$section" = "$reference" ] || has_section "$file" "$section"
    done < <(cd "$top" && git ls-files -z '*.[ch]' units examples debian '*.md' ':!test/fuzz' | xargs -0 cat | references)
    [ "$count" -gt 20 ]
}

# names OF: the options that --help, or the manual, has, a line each.
options_of() {
    case $1 in
    help) "$SMTP_HANDLER" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p' ;;
    manual)
        sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$top/smtp-handler.8"
        sed -n '/^\.Sh OPTIONS/,/^\.Sh/s/^\.It //p' "$top/manual/smtp-handler.conf.5" | grep -oE '\bIc [a-z-]+' | cut -c4- | grep -vx command
        ;;
    esac
}

@test "the manual has each option of --help, once, in its groups and order" {
    diff <(options_of help | sort) <(options_of manual | sort)
    diff <(options_of help | grep -vxE 'config|listen|user|check|help|version') <(options_of manual | grep -vxE 'config|listen|user|check|help|version')
    "$SMTP_HANDLER" --help | grep -vx 'A file of options.*' | sed -n 's/^\([A-Z].*\):$/\1/p' |
        diff - <(sed -n '/^\.Sh OPTIONS/,/^\.Sh [^O]/s/^\.Ss \(\\&\)\{0,1\}//p' "$top/manual/smtp-handler.conf.5")
}

@test "the manual tells what each drop-in gives back" {
    for file in "$top"/units/*.conf; do
        grep -q '^\[\(Service\|Socket\)\]' "$file" || continue
        case ${file##*/} in submission.conf | smtp-handler-check.conf) continue ;; esac # parts of units
        grep -qE "^\.(It )?Pa ${file##*/}$" "$top/manual/smtp-handler-units.7" || { echo "$file"; return 1; }
    done
}

@test "the manual tells the cause of each reply that defers or refuses" {
    tr -s '\n ' ' ' <"$top/session/reply.c" | grep -oE '\{"[45][0-9]{2}", "[0-9.]+", "[^"]+"' |
        sed -E 's/^\{"([^"]*)", "([^"]*)", "(% )?([^"]*)"$/\1 \2 \4/; s/, id %$//; s/: %$/: .../' | sort -u >replies
    [ "$(wc -l <replies)" -gt 60 ]
    mandoc -T ascii -O width=1000 "$top/smtp-handler.8" | sed 's/.\x08//g; s/^ *//' >page
    refute grep -vxFf page replies
}

# blocks_of PAGE: its examples, each in a file of its own: block-1 and so on.
blocks_of() {
    rm -f block-*
    awk '/^\.Bd -literal/ { inside = 1; number++; next } /^\.Ed/ { inside = 0; next }
        inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print >("block-" number) }' "$1"
}

# kind_of FILE: whether each line begins with an option, an address, or a field of a message, else shell.
kind_of() {
    awk 'NR == FNR { options[$0]; next }
        $1 in options { conf++ } $1 ~ /^[a-z]*@[a-z.]+$/ { list++ } /^([A-Z][A-Za-z-]*: |\t)/ { field++ } { lines++ }
        END { print (conf == lines ? "conf" : list == lines ? "list" : field == lines ? "field" : "shell") }' \
        <(options_of help && echo command) "$1"
}

@test "each example of the manual is a configuration, a list of recipients or a script as they have to be" {
    for page in "${pages[@]}"; do
        blocks_of "$page"
        for block in block-*; do
            [ -e "$block" ] || continue
            kind=$(kind_of "$block")
            echo "$kind" >>kinds
            printf '%s, %s:\n' "${page##*/}" "$kind" && cat "$block"
            # Files and programs of the examples are not here.
            case $kind in
            conf) "$SMTP_HANDLER" --check --config "$block" true >said 2>&1 || refute grep -E 'unknown|is not|takes|again|macro|shell' said ;;
            list) "$SMTP_HANDLER" --check --domain '*' --recipients "$block" true >said 2>&1 || refute grep -vE 'no such program|Permission denied|^#|^[a-z]' said ;;
            shell) sh -n "$block" ;;
            esac
        done
    done
    [ "$(sort kinds | uniq -c | awk '{ print ($1 > 2) $2 }' | xargs)" = '1conf 0field 1list 1shell' ]
}
