#include <stdio.h>

int main(void) {
    printf("before the loop\n");
    for (;;) {
    }
}
