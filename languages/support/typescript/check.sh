# Checks a TypeScript program: sh check.sh SOURCE...|--version

# Made by scripts/install-languages: node with the compiler and the types in its memory. It fits one version of node.
ready=/usr/local/lib/runbay/typescript-start
if [ "$1" != --version ] && [ -f "$ready/node.blob" ] && [ "$(cat "$ready/node-version")" = "$(node --version)" ]; then
    exec node --v8-pool-size=1 --snapshot-blob "$ready/node.blob" "$@"
fi
# One thread beside the checker's own, and room for what is young: a check is too short for more of either.
exec node --v8-pool-size=1 --min-semi-space-size=32 --max-semi-space-size=64 /opt/runbay/typescript/check.js "$@"
