#define _GNU_SOURCE
#include "measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define SLICES 7
#define SLICE_NS 40000000.0

static double slice(bench_op_t op, void *ctx, uint64_t count) {
    uint64_t start = uv_hrtime();
    op(ctx, count);
    return (double)(uv_hrtime() - start);
}

/* How many operations fill a slice; also warms up. */
static uint64_t calibrate(bench_op_t op, void *ctx) {
    uint64_t count = 64;
    for (;;) {
        double ns = slice(op, ctx, count);
        if (ns > SLICE_NS / 4) {
            return (uint64_t)((double)count * SLICE_NS / ns) + 1;
        }
        count *= 2;
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_measure(const char *name, bench_op_t op, void *ctx) {
    uint64_t count = calibrate(op, ctx);
    double taken[SLICES];
    for (int i = 0; i < SLICES; i++) {
        taken[i] = slice(op, ctx, count) / (double)count;
    }
    qsort(taken, SLICES, sizeof(taken[0]), by_size);
    printf("%s\t%.2f\n", name, taken[SLICES / 2]);
    fflush(stdout);
}
