/* Runs in every program in C and C++ before its first line.
 *
 * Into a pipe the C library writes blocks, and what is still in the block when the program is killed or crashes is
 * lost. Line by line, the last line would be, if it has no end yet: a prompt, or dots. Nothing here can be seen by the
 * program or by the children it starts, and a program that wants a buffer can set one.
 */

#include <stdio.h>

/* The lowest priority number that is not the compiler's own, so that it comes before all constructors of the program. */
__attribute__((constructor(101))) static void unbuffered(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
}
