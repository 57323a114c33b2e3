#include <stdio.h>

#include "greeting.h"
#include "people/names.h"

int main(void) {
    greet(FIRST);
    return 0;
}
