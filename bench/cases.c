#include "cases.h"

#include <stddef.h>

static const bench_case_t cases[] = {
    {"inside 0 B", "/inside", 0, 0, 0},
    {"inside 128 B", "/inside", 128, 0, 0},
    {"inside 1024 B", "/inside", 1024, 0, 0},
    {"inside 4096 B", "/inside", 4096, 0, 0},
    {"stream of 9 frames", "/frames", 16, 0, 1},
    {"thread, 1 in flight", "/thread", 16, 1, 0},
    {"thread, 16 in flight", "/thread", 16, 16, 0},
    {"thread, 256 in flight", "/thread", 16, 256, 0},
    {"thread, 4096 in flight", "/thread", 16, 4096, 0},
    {"thread, 65536 in flight", "/thread", 16, 65536, 0},
};

void bench_each(void (*run)(const bench_case_t *c, void *ctx), void *ctx) {
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run(&cases[i], ctx);
    }
}
