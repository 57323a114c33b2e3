#include <iostream>

static int dig(volatile int depth) {
    return dig(depth + 1) + depth;
}

int main() {
    std::cout << dig(0) << '\n';
}
