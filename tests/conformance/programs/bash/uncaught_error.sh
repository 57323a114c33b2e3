set -e

fail() {
    echo "$((flux / 0))"
}

fail
