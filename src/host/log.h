/* Plugins' log lines: `nylon.log/1`, on standard error or to the worker that captures them. */
#ifndef NR__LOG_H
#define NR__LOG_H

#include <nylon_ring/ext/log.h>
#include <nylon_ring/host.h>

/* A longer line is cut there. */
#define NR__LOG_LINE_MAX 16384

/* The table behind `nylon.log/1`. */
extern const NrExtLog nr__host_log;

/* Ends the capture by a worker that is closing. [loop] */
void nr__log_worker_closed(nr_worker_t *worker);

#endif
