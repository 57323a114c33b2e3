#include <iostream>

#include "greeting.hpp"
#include "people/names.hpp"

int main() {
    std::cout << greet(FIRST) << '\n';
}
