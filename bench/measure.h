/* How the C benchmarks measure: an operation runs as often as fills a slice of time, several slices
 * are taken, and the median is told as one line "case<TAB>nanoseconds" on standard output. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>

/* Does the operation `count` times. */
typedef void (*bench_op_t)(void *ctx, uint64_t count);

/* Measures and prints one case. */
void bench_measure(const char *name, bench_op_t op, void *ctx);

#endif
