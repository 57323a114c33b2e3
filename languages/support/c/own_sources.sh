# Runs a compiler with the sources that are compiled by themselves: sh own_sources.sh c|c++ COMMAND... -- SOURCE...
#
# A source that another one includes is a part of that one already. Compiled by itself, too, it would define everything
# a second time.

language=$1
shift

# What follows the two hyphens becomes one name in each line.
sources=
is_source=
for word in "$@"; do
    shift
    if [ -n "$is_source" ]; then
        sources="$sources$word
"
    elif [ "$word" = -- ]; then
        is_source=yes
    else
        set -- "$@" "$word"
    fi
done
set -f
IFS='
'

# Says which numbers of sources include which, as " 1>2 3>2 ". The preprocessor itself is asked: it knows conditions and
# macros.
inclusions() {
    printf ' '
    including=0
    for source in $sources; do
        including=$((including + 1))
        for path in $(gcc -E -H -o /dev/null -x "$language" "$source" 2>&1 | sed -n 's/^\.\.* //p' | grep -v '^/usr/'); do
            included=0
            for other in $sources; do
                included=$((included + 1))
                if [ "$path" -ef "$other" ]; then printf '%s>%s ' "$including" "$included"; fi
            done
        done
    done
}

# Returns whether a source is a part of another one. Of two that include each other, the first stands by itself.
is_part() {
    for inclusion in $(printf '%s' "$inclusions" | tr ' ' '\n'); do
        including=${inclusion%">$1"}
        if [ "$including" != "$inclusion" ] && [ "$including" != "$1" ]; then
            case $inclusions in
                *" $1>$including "*) [ "$including" -gt "$1" ] || return 0 ;;
                *) return 0 ;;
            esac
        fi
    done
    return 1
}

# Most programs include headers only, which is found out much faster.
line='#[[:space:]]*include([[:space:]]*"[^"]*\.(c|cc|cpp|cxx)"|[[:space:]]+[A-Za-z_])'
case $sources in
    *"
"?*) if LC_ALL=C grep -raqsE "$line" .; then inclusions=$(inclusions); else inclusions=; fi ;;
    *) inclusions= ;;
esac

# The first source may have any name, so the compiler is told what it is.
set -- "$@" -x "$language"
number=0
for source in $sources; do
    number=$((number + 1))
    if ! is_part "$number"; then set -- "$@" "$source"; fi
done
exec "$@"
