#include <stdio.h>

static int dig(volatile int depth) {
    return dig(depth + 1) + depth;
}

int main(void) {
    printf("%d\n", dig(0));
}
