#include <assert.h>

static void fail(int flux) {
    assert(flux > 0);
}

int main(void) {
    fail(0);
}
