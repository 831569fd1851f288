#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

void *nr__must_realloc(void *memory, size_t size) {
    void *grown = realloc(memory, size);

    if (grown == NULL) {
        fputs("nylon-ring: out of memory\n", stderr);
        abort();
    }
    return grown;
}
