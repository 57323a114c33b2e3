#include <iostream>

int main() {
    int sum = 1 + 2
    std::cout << sum << '\n';
}
