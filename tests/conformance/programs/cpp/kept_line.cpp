#include <iostream>

int main() {
    std::cout << "before the loop\n";
    for (volatile int i = 0;; i = i + 1) {
    }
}
