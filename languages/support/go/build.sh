# Builds a Go program, or only checks it: sh build.sh ARTEFACT|check ENTRY
#
# With a go.mod among the files they are packages, as everywhere. Without one the program is what lies beside the entry.

target=$1
entry=$2

# Made by scripts/install-languages and not writable here, which go puts up with. Without it go compiles each time what
# it needs of the standard library. What go locks is the program's own: a lock on a file that all bays see would stop
# everybody. The time keeps go from looking through all that is shared for what is too old.
export GOCACHE=/tmp/go-cache
shared=/usr/local/lib/runbay/go-cache
if [ -d "$shared/00" ]; then
    mkdir "$GOCACHE"
    ln -s "$shared"/[0-9a-f][0-9a-f] "$GOCACHE"
    date +%s > "$GOCACHE/trim.txt"
fi

# Collecting garbage takes a fifth of a small build.
export GOGC=400

directory=.
case $entry in
    */*) directory=./${entry%/*} ;;
esac
packages=
# The first file may have any name, but go wants it to end like this.
case $entry in
    *.go) ;;
    *) if [ ! -e "$entry.go" ]; then mv -- "$entry" "$entry.go"; fi ;;
esac
if [ -f go.mod ]; then
    packages=./...=
    set -- "$directory"
else
    # Of files that are named go takes all. What is for other systems is left to what it says of the directory.
    # The entry is always one of them, as a program that is started by its name may be ignored otherwise.
    ignored=
    set -- "$directory"/*.go
    [ $# -eq 1 ] || ignored=$(go list -e -f '/{{range .IgnoredGoFiles}}{{.}}/{{end}}' "$directory" 2> /tmp/messages)
    first=$directory/${entry##*/}
    set -- "${first%.go}.go"
    for file in "$directory"/*.go; do
        case $file in
            "$1" | *_test.go | */_*) continue ;;
        esac
        case $ignored in
            *"/${file##*/}/"*) ;;
            *) set -- "$@" "$file" ;;
        esac
    done
fi

if [ "$target" = check ]; then
    go vet "$@" 2> /tmp/messages && exit
    # vet names the first fault of several, the compiler all. What it compiles has no fault, only what vet advises.
    if go build -gcflags="${packages}-e" -o /dev/null "$@"; then
        sed 's/^\([^ ].*\.go:[0-9]*:[0-9]*: \)/\1warning: /' /tmp/messages >&2
    fi
    exit 1
fi
# Without symbols for debuggers linking takes half the time; traces keep their names and lines.
go build -ldflags='-s -w' -o "$target" "$@" || exit

# Of any other package go makes a library, and says nothing.
if [ ! -x "$target" ]; then
    name=$(go list -f '{{.Name}}' "$@")
    echo "$entry: package $name is not a main package; a program needs \"package main\" and a function main" >&2
    exit 1
fi
