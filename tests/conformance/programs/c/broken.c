#include <stdio.h>

int main(void) {
    int sum = 1 + 2
    printf("%d\n", sum);
    return 0;
}
