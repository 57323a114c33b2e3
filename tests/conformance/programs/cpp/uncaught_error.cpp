#include <stdexcept>

static void fail() {
    throw std::runtime_error("the flux is low");
}

int main() {
    fail();
}
