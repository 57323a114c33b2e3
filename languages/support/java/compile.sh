# Compiles a Java program, or only checks it: sh compile.sh DIRECTORY|check SOURCE...
#
# DIRECTORY gets the classes, and in the file `arguments` what java needs to run the right one.

target=$1
shift
entry=$1

# Says in the way of javac what it would not say, or not of the program's own files.
refuse() {
    printf '%s: error: %s\n' "$entry" "$1" >&2
    exit 1
}

outline() {
    # The dot keeps awk from taking a name with = in it for an assignment.
    for file in "$@"; do
        shift
        set -- "$@" "./$file"
    done
    LC_ALL=C awk -f /opt/runbay/java/outline.awk "$@"
}

# javac wants a file to be named like the public type in it, and like a type at all. The first file may have any name.
read -r _ _ first_type public_type <<END
$(outline "$entry" | grep '^file ' || echo file - - -)
END
wanted=$public_type
case $entry in
    *.java) ;;
    *)
        [ "$wanted" != - ] || wanted=$first_type
        [ "$wanted" != - ] || wanted=Main
        ;;
esac
case $entry in
    */*) directory=${entry%/*}/ ;;
    *) directory= ;;
esac
renamed=
if [ "$wanted" != - ] && [ ! -e "$directory$wanted.java" ]; then
    renamed=$directory$wanted.java
    mv -- "$entry" "$renamed" 2> /tmp/messages || refuse "the name of class $wanted is too long; give it a shorter one"
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
    classes=/tmp/classes
    $compiler -Xmaxerrs 1000 -Xmaxwarns 1000 -Xlint:all,-serial -implicit:none -d "$classes" "$@" > /tmp/messages 2>&1
else
    classes=$target/classes
    $compiler -g -parameters -d "$classes" "$@" > /tmp/messages 2>&1
fi
code=$?

# Messages name the files as the program's author does.
while IFS= read -r line; do
    if [ -n "$renamed" ]; then
        case $line in
            "$renamed":*) line=$entry${line#"$renamed"} ;;
            "Note: $renamed "*) line="Note: $entry${line#"Note: $renamed"}" ;;
        esac
    fi
    case $line in
        *"$classes/"*) line=${line%%"$classes/"*}${line#*"$classes/"} ;;
    esac
    printf '%s\n' "$line"
done < /tmp/messages >&2
[ "$code" = 0 ] && [ "$target" != check ] || exit "$code"

# Where no method main is known, java says itself what is missing in the first class.
main=$(outline "$@" | awk '
    $1 == "main" && (rank == "" || $2 < rank) { rank = $2; main = $3 }
    $1 == "file" && $3 != "-" && first == "" { first = ($2 == "-" ? "" : $2 ".") ($4 == "-" ? $3 : $4) }
    END { print main != "" ? main : first }')
[ -n "$main" ] || refuse "there is no class in the program; write one with a method public static void main(String[] args)"
printf -- '-cp\n%s:.\n%s\n' "$classes" "$main" > "$target/arguments"
