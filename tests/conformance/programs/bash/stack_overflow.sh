dig() {
    dig
}

dig
