/* What is measured, the same in every program; see run.lua for the Lua side. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include <stdint.h>

#define BENCH_BODY_MAX 4096

typedef struct bench_case {
    const char *name;
    const char *path;
    uint32_t body;      /* bytes of request and answer */
    uint32_t in_flight; /* 0: answered inside handle */
    int stream;         /* the operation is a stream of BENCH_FRAMES frames */
} bench_case_t;

#define BENCH_FRAMES 9

void bench_each(void (*run)(const bench_case_t *c, void *ctx), void *ctx);

#endif
