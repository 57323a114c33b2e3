# Compiles a Java program, or only checks it: sh compile.sh DIRECTORY|check SOURCE...
#
# DIRECTORY gets the classes, and in the file `arguments` what java needs to run the right one.

target=$1
shift

outline() {
    # The dot keeps awk from taking a name with = in it for an assignment.
    for file in "$@"; do
        shift
        set -- "$@" "./$file"
    done
    LC_ALL=C awk -f /opt/runbay/java/outline.awk "$@"
}

# javac wants a file to be named like the public type in it. The first file may have any name.
entry=$1
renamed=
public_type=$(outline "$entry" | { read -r _ public_type _; echo "$public_type"; })
case $entry in
    */*) directory=${entry%/*}/ ;;
    *) directory= ;;
esac
if [ -n "$public_type" ] && [ "$public_type" != - ] && [ ! -e "$directory$public_type.java" ]; then
    renamed=$directory$public_type.java
    mv "$entry" "$renamed"
    shift
    set -- "$renamed" "$@"
fi

# javac ends before the second tier of its own compiler would be worth its time. Annotation processors and
# plugins are code that a program could bring along to run inside of javac; for those it looks where there are none.
compiler="javac -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 -J-Xmx256m -encoding UTF-8 -proc:none"
compiler="$compiler -processorpath /opt/runbay/java"

# Made by scripts/install-languages: it spares javac most of its start. Java does without where it does not fit.
archive=/usr/local/lib/runbay/java/javac.jsa
if [ -f "$archive" ]; then
    compiler="$compiler -J-XX:SharedArchiveFile=$archive"
fi

if [ "$target" = check ]; then
    $compiler -Xmaxerrs 1000 -Xmaxwarns 1000 -Xlint:all,-serial -implicit:none -d /tmp/classes "$@" > /tmp/messages 2>&1
else
    $compiler -g -parameters -d "$target/classes" "$@" > /tmp/messages 2>&1
fi
code=$?

# Messages name the file as the program's author does.
if [ -n "$renamed" ]; then
    while IFS= read -r line; do
        case $line in
            "$renamed":*) line=$entry${line#"$renamed"} ;;
        esac
        printf '%s\n' "$line"
    done < /tmp/messages
else
    cat /tmp/messages
fi >&2
[ "$code" = 0 ] && [ "$target" != check ] || exit "$code"

# The first file with a method main is the one to run.
main=$(outline "$@" | awk '
    { package = $1 == "-" ? "" : $1 "." }
    $3 != "-" { main = package $3; exit }
    first == "" { first = package ($2 == "-" ? "Main" : $2) }
    END { print main != "" ? main : first != "" ? first : "Main" }')
printf -- '-cp\n%s/classes:.\n%s\n' "$target" "$main" > "$target/arguments"
