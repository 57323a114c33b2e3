# Turns a TypeScript program into one file of JavaScript: sh bundle.sh DIRECTORY ENTRY

bundle() {
    esbuild "$entry" --bundle --platform=node --target=node18 --sourcemap=inline --sources-content=false \
        --log-level=warning --define:__dirname="\"$directory\"" --define:__filename="\"/box/$entry\"" \
        --define:import.meta.url="\"file:///box/$entry\"" "$@"
}

target=$1
entry=$2
directory=/box
case $entry in
    */*) directory=/box/${entry%/*} ;;
esac

# CommonJS starts faster, and has `require`; but await at the top of a file needs a module.
if bundle --format=cjs --outfile="$target/index.js" 2> /tmp/messages; then
    cat /tmp/messages >&2
    exit
fi
if grep -q 'Top-level await is' /tmp/messages; then
    # A global variable: the program may have one of its own with the same name.
    require='import { createRequire as runbayRequire } from "module"; globalThis.require = runbayRequire("/box/");'
    bundle --format=esm --banner:js="$require" --outfile="$target/main.mjs" || exit
    echo '{ "main": "main.mjs" }' > "$target/package.json"
    exit
fi
cat /tmp/messages >&2
exit 1
