#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

int main(void) {
    setlocale(LC_ALL, "");
    puts("Grüße, 世界 🦀");
    wchar_t line[100];
    char bytes[400];
    if (fgets(bytes, sizeof bytes, stdin) == NULL) {
        return 1;
    }
    for (size_t i = mbstowcs(line, bytes, 100); i > 0; i--) {
        if (line[i - 1] != L'\n') {
            printf("%lc", (wint_t) line[i - 1]);
        }
    }
    puts("");
    return 0;
}
